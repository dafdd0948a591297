package trace

import (
	"time"

	tracepb "go.opentelemetry.io/proto/slim/otlp/trace/v1"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// Observe makes spans of what has just become durable. It is an observer of the
// node's committer (store.CommitterOptions), called from one goroutine.
func (t *Tracer) Observe(changes []*store.Change) {
	if t == nil {
		return
	}
	for _, c := range changes {
		if c.Err != nil {
			continue
		}
		for i := range c.Mark {
			t.marked(&c.Mark[i])
		}
		for i := range c.Parts {
			if p := &c.Parts[i]; p.Update.Message.Traced() {
				t.part(p)
			}
		}
		for i := range c.Requeue {
			if r := &c.Requeue[i]; r.Queued.ID.Traced() {
				t.requeued(r)
			}
		}
		for _, d := range c.Unmark {
			if d.Slot == t.slot {
				t.unmarked(d.Seq)
			}
		}
		for i := range c.Events {
			if e := &c.Events[i]; e.Message.Traced() && e.Final && !e.Aside() {
				t.final(e)
			}
		}
	}
}

// marked: parts are handed over now. The first one ends the message's wait.
func (t *Tracer) marked(d *store.Dispatch) {
	for _, part := range d.Parts {
		id, n := part.Split()
		if !id.Traced() {
			continue
		}
		at := t.now()
		j := t.journeys.begin(id)
		if f, flying := j.take(n); flying {
			t.exporter.add(t.submission(id, f, at, notTaken))
		}
		if !j.left || !j.waits.IsZero() {
			t.exporter.add(t.wait(id, j, at, d.Shard, ""))
			j.waits = time.Time{}
		}
		j.fly(n, d.Seq, at)
		t.journeys.mark(d.Seq, part)
	}
}

// wait is the span of a wait in the queue: from acceptance, or from when the
// message was put back.
func (t *Tracer) wait(id sms.ID, j *journey, until time.Time, shard, outcome string) *tracepb.Span {
	since := id.Time()
	if j != nil && !j.waits.IsZero() {
		since = j.waits
	}
	s := child(t.root(id), "queue", tracepb.Span_SPAN_KIND_INTERNAL, since, until)
	set(s, text(attrCarrier, shard), text(attrOutcome, outcome))
	return s
}

// Outcomes of submissions.
const (
	taken    = "taken"     // a receipt is awaited
	settled  = "settled"   // taken on a route without receipts
	refused  = "refused"   // for good
	notTaken = "not_taken" // refused for the moment, handed back, or the answer was lost
)

// submission is the span of a part that was with a carrier.
func (t *Tracer) submission(id sms.ID, f flight, until time.Time, outcome string) *tracepb.Span {
	s := child(t.root(id), "submit", tracepb.Span_SPAN_KIND_CLIENT, f.began, until)
	set(s, number(attrPart, f.part), text(attrOutcome, outcome))
	if f.attempt > 0 {
		set(s, number(attrAttempt, f.attempt))
	}
	return s
}

// part tells what came of a submission. Receipts are told with the final event,
// which has the times of all parts.
func (t *Tracer) part(p *store.PartChange) {
	u := &p.Update
	j := t.journeys.get(u.Message)
	switch u.Kind {
	case sms.UpdateTaken, sms.UpdateSettled:
		f := flight{part: u.Number, began: u.At}
		if j != nil {
			if known, ok := j.take(u.Number); ok {
				f = known
			}
		}
		outcome := taken
		if u.Kind == sms.UpdateSettled {
			outcome = settled
		}
		if u.Status.Failed() && u.Status != "" {
			outcome = refused
		}
		s := t.submission(u.Message, f, u.At, outcome)
		set(s, text(attrCarrier, u.Carrier), text(attrCode, u.Code), text(attrStatus, string(u.Status)))
		if u.Resent > 0 {
			set(s, number(attrResent, u.Resent))
		}
		if outcome == refused {
			failed(s, string(u.Status))
		}
		t.exporter.add(s)
	case sms.UpdateUnsentFinal:
		if p.Result == store.PartApplied && (j == nil || !j.left || !j.waits.IsZero()) {
			t.exporter.add(t.wait(u.Message, j, u.At, p.Shard, string(u.Status)))
		}
	}
}

// requeued: a message waits again. One that was never handed over here still does.
func (t *Tracer) requeued(r *store.Requeue) {
	j := t.journeys.get(r.Queued.ID)
	if j == nil || !j.left {
		return
	}
	j.waits = r.At
	if len(j.flying) == 1 {
		f := j.flying[0]
		j.flying = j.flying[:0]
		t.exporter.add(t.submission(r.Queued.ID, f, r.At, notTaken))
	}
}

// unmarked: all parts of a dispatch have outcomes. Those of which none was heard
// are in the queue again.
func (t *Tracer) unmarked(seq int64) {
	for _, part := range t.journeys.unmark(seq) {
		id, n := part.Split()
		j := t.journeys.get(id)
		if j == nil {
			continue
		}
		if f, flying := j.takeOf(n, seq); flying {
			t.exporter.add(t.submission(id, f, t.now(), notTaken))
		}
	}
}

// final makes the spans of the receipts and of the whole message.
func (t *Tracer) final(e *store.Event) {
	t.journeys.forget(e.Message)
	root := t.root(e.Message)
	began := e.Message.Time()
	for i := range e.Detail.Parts {
		p := &e.Detail.Parts[i]
		if !awaited(p) {
			continue
		}
		s := child(root, "receipt", tracepb.Span_SPAN_KIND_INTERNAL, p.SentAt, p.DoneAt)
		set(s, number(attrPart, i+1), text(attrCarrier, p.Carrier), text(attrCode, p.Code), text(attrStatus, string(p.Status)))
		if p.Status.Failed() {
			failed(s, string(p.Status))
		}
		t.exporter.add(s)
	}
	s := spanOf(root, "message", tracepb.Span_SPAN_KIND_INTERNAL, began, e.At)
	set(s, text(attrMessageID, t.messageID(e.Message)), text(attrStatus, string(e.Status)))
	if m := t.message(e.Message); m != nil {
		t.describe(s, m)
	} else {
		set(s, text(attrAccount, e.Account), number(attrParts, len(e.Detail.Parts)))
	}
	if e.Status.Failed() {
		failed(s, string(e.Status))
	}
	t.exporter.add(s)
}

// awaited reports whether a final part was taken and waited for its receipt. One
// that was settled by the carrier's answer was final as it was sent.
func awaited(p *sms.PartProgress) bool {
	if p.SentAt.IsZero() || p.DoneAt.IsZero() {
		return false
	}
	return !p.DoneAt.Equal(p.SentAt) || p.CarrierMessageID != "" && p.Status != sms.StatusSuccessful
}
