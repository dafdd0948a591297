package queue

import (
	"context"
	"log/slog"

	"heliograph/internal/carrier"
)

// explain says in the log why a part did not leave or will not: each retry, each
// refusal and each giving up is one line. The caller holds mu.
func (s *shard) explain(o *outcome) {
	switch e := o.claim.entry; {
	case o.claim.part == 0:
		s.say(slog.LevelInfo, "message ends: its time to live is over before all of it was handed over", o, slog.Time("expired", e.expires.UTC()))
	case o.Kind == carrier.RetryLater && o.Pause > 0:
		s.say(slog.LevelInfo, "carrier takes no more for the moment; the part keeps its place", o, slog.Int64("pause_ms", o.Pause.Milliseconds()))
	case o.Kind == carrier.RetryLater:
		s.say(slog.LevelInfo, "message part was not taken; it is tried again later", o, slog.Int("attempt", e.attempts))
	case o.Kind == carrier.Refused:
		s.say(slog.LevelInfo, "message part was refused for good", o, slog.String("status", string(o.Status)))
	case o.Kind == carrier.Unknown && s.q.policy(e.class) == GiveUp:
		s.say(slog.LevelWarn, "message part is given up: the carrier's answer was lost", o)
	case o.Kind == carrier.Unknown:
		s.say(slog.LevelWarn, "message part is sent again: the carrier's answer was lost", o)
	}
}

func (s *shard) say(level slog.Level, what string, o *outcome, more ...slog.Attr) {
	ctx := context.Background()
	if !s.q.o.Log.Enabled(ctx, level) {
		return
	}
	facts := []slog.Attr{slog.String("carrier", s.name), slog.Int64("message", int64(o.claim.entry.id))}
	if o.claim.part > 0 {
		facts = append(facts, slog.Int("part", o.claim.part))
	}
	for _, f := range []slog.Attr{slog.String("code", o.Code), slog.String("detail", o.Detail)} {
		if f.Value.String() != "" {
			facts = append(facts, f)
		}
	}
	s.q.o.Log.LogAttrs(ctx, level, what, append(facts, more...)...)
}
