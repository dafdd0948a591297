package receipt_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"heliograph/internal/sms"
)

// part is what the property test knows of a message part.
type part struct {
	message   *message
	number    int
	carrierID string
	status    sms.Status // that its receipts have
	taken     bool
	told      bool // a receipt was acknowledged
}

type message struct {
	id    sms.ID
	to    string
	parts []*part
}

// ends is the message's final status when nothing more comes.
func (m *message) ends() sms.Status {
	for _, p := range m.parts {
		switch {
		case !p.told:
			return sms.StatusUnknown
		case p.status != sms.StatusDelivered:
			return p.status
		}
	}
	return sms.StatusDelivered
}

// Submit answers, receipts, receipts sent again, receipts for others, failing
// commits, restarts and crashes, in any order: each message ends once, by its own
// receipts or for want of them, and no receipt stays parked.
func TestEachMessageEndsOnce(t *testing.T) {
	t.Parallel()
	var r *rig // one for all runs that succeed, for each leaves nothing open
	checks := 0
	rapid.Check(t, func(rt *rapid.T) {
		if checks++; r == nil {
			r = newRig(t)
		}
		used := r
		r, used.tester = nil, rt
		run(rt, used, checks)
		r, used.tester = used, t
	})
}

func run(t *rapid.T, r *rig, check int) {
	var all []*message
	var parts []*part
	// Carriers use few ids again and again, but for each recipient once.
	ids := []string{"1", "2", "3", "a", "b"}
	status := rapid.SampledFrom([]sms.Status{sms.StatusDelivered, sms.StatusUnreachable, sms.StatusSpam})
	for n := range rapid.IntRange(1, 4).Draw(t, "messages") {
		m := &message{to: fmt.Sprintf("+447%05d%04d", check, 5000+n)} // never the identity it is sent from
		count := rapid.IntRange(1, 3).Draw(t, "parts")
		m.id = r.accept(m.to, count)
		own := rapid.Permutation(ids).Draw(t, "carrier ids")
		for i := range count {
			p := &part{message: m, number: i + 1, carrierID: own[i], status: status.Draw(t, "status")}
			m.parts, parts = append(m.parts, p), append(parts, p)
		}
		all = append(all, m)
	}
	anyPart := rapid.SampledFrom(parts)
	give := func(t *rapid.T) {
		p := anyPart.Draw(t, "part")
		if err := r.give(word(p.status, p.message.to, "none", p.carrierID)); err == nil {
			p.told = true
		}
	}
	t.Repeat(map[string]func(*rapid.T){
		"taken": func(t *rapid.T) {
			if p := anyPart.Draw(t, "part"); !p.taken {
				p.taken = true
				r.taken(p.message.id, p.number, len(p.message.parts), p.carrierID)
			}
		},
		"receipt": give,
		"receipt that cannot be written": func(t *rapid.T) {
			r.engine.commits.Store(1)
			give(t)
			r.engine.commits.Store(0)
		},
		"receipt for another": func(t *rapid.T) {
			_ = r.give(word(sms.StatusSpam, "+15550100", anyPart.Draw(t, "part").carrierID))
		},
		"pass": func(t *rapid.T) {
			r.clock.advance(time.Duration(rapid.IntRange(1, 90).Draw(t, "seconds")) * time.Second)
			r.sweep()
		},
		"restart": func(*rapid.T) { r.end(); r.start() },
		"crash":   func(*rapid.T) { r.crash() },
	})
	for _, p := range parts {
		if !p.taken {
			r.taken(p.message.id, p.number, len(p.message.parts), p.carrierID)
		}
	}
	for _, m := range all {
		r.matched(m)
	}
	r.clock.advance(sms.ReceiptWait + time.Second)
	r.sweep()
	r.settle()
	for _, m := range all {
		r.comesFinally(m.id, m.ends())
	}
	r.parked(0)
}

// matched waits until every receipt of a message has reached its part.
func (r *rig) matched(m *message) {
	r.Helper()
	want, got := 0, 0
	for _, p := range m.parts {
		if p.told {
			want++
		}
	}
	if !r.comes(func() bool {
		_, open, err := r.engine.Open(context.Background(), m.id)
		if err != nil {
			r.Fatal(err)
		}
		if got = len(m.parts); open != nil {
			for _, p := range open.Progress.Parts {
				if p.State != sms.PartFinal {
					got--
				}
			}
		}
		return got == want
	}) {
		r.Fatalf("%d parts are final, %d had receipts", got, want)
	}
}

// comesFinally waits for a message's one final event.
func (r *rig) comesFinally(id sms.ID, status sms.Status) {
	r.Helper()
	want := "QUEUED SUCCESSFUL " + string(status) + "."
	// A part failed before the last one was taken, with or without others that waited.
	failedEarly := []string{"QUEUED " + string(status) + ".", "QUEUED TAKEN " + string(status) + "."}
	got := ""
	if !r.comes(func() bool {
		got = r.story(id)
		return got == want || status != sms.StatusDelivered && slices.Contains(failedEarly, got)
	}) {
		r.Fatalf("events are %q, want %q", got, want)
	}
}
