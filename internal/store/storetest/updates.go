package storetest

import (
	"fmt"

	"pgregory.net/rapid"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// model is what a message must have come to.
type model struct {
	message  *sms.Message
	place    string // queued, awaiting or none
	progress sms.Progress
	statuses string
}

// testAnyUpdates hands random updates of a few messages to the engine, split
// into changes and batches at random, and holds it against a model that applies
// them one by one.
func testAnyUpdates(s *suite) {
	seq := s.lastSeq()
	rapid.Check(s.T, func(t *rapid.T) {
		var models []*model
		var batch []*store.Change
		flush := func() {
			if err := s.Engine.Apply(s.ctx(), s.fence, batch); err != nil {
				t.Fatal(err)
			}
			for _, c := range batch {
				if c.Err != nil {
					t.Fatal(c.Err)
				}
				for _, e := range c.Events {
					if seq++; e.Seq != seq || e.Slot != s.fence.Slot {
						t.Fatalf("event %d of slot %d, want %d", e.Seq, e.Slot, seq)
					}
				}
			}
			batch = nil
		}
		add := func() *store.Change {
			if len(batch) > 0 && rapid.IntRange(0, 3).Draw(t, "new change") == 0 {
				flush()
			}
			if len(batch) == 0 || rapid.Bool().Draw(t, "new change") {
				batch = append(batch, &store.Change{})
			}
			return batch[len(batch)-1]
		}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			if len(models) == 0 || len(models) < 5 && rapid.IntRange(0, 4).Draw(t, "accept") == 0 {
				m := s.message(rapid.IntRange(1, 3).Draw(t, "parts"))
				models = append(models, &model{message: m, place: "queued", progress: sms.NewProgress(m.Parts, nil), statuses: "QUEUED"})
				// Within a change messages are accepted before anything else happens.
				batch = append(batch, &store.Change{Accept: []store.Accepted{s.accepted(m)}})
				continue
			}
			m := rapid.SampledFrom(models).Draw(t, "message")
			p := s.update(m.message, 0, rapid.IntRange(1, m.message.Parts).Draw(t, "number"), "")
			p.Update.Kind = rapid.SampledFrom([]sms.UpdateKind{sms.UpdateTaken, sms.UpdateTaken, sms.UpdateTaken, sms.UpdateReceipt,
				sms.UpdateReceipt, sms.UpdateSettled, sms.UpdateUnsentFinal, sms.UpdateTakenFinal}).Draw(t, "kind")
			if p.Update.Kind != sms.UpdateTaken {
				p.Update.Status = rapid.SampledFrom([]sms.Status{sms.StatusDelivered, sms.StatusSuccessful, sms.StatusUnreachable, sms.StatusTTLExpired}).Draw(t, "status")
			}
			c := add()
			c.Parts = append(c.Parts, p)
			m.apply(p.Update)
		}
		flush()
		for _, m := range models {
			m.check(t, s)
		}
		events, err := s.Engine.EventsAfter(s.ctx(), s.fence.Slot, seq-1, 10)
		if err != nil || len(events) != 1 || events[0].Seq != seq {
			t.Fatalf("the log does not end at %d: %+v %v", seq, events, err)
		}
		for _, m := range models {
			m.end(t, s, &seq)
		}
	})
	s.same("counts", s.counts(), store.Counts{})
	for i, e := range s.log() {
		if e.Seq != int64(i+1) {
			s.Fatalf("event %d of the log has the seq %d", i+1, e.Seq)
		}
	}
}

// apply is what the contract says of an update.
func (m *model) apply(u sms.PartUpdate) {
	next, said, changed := m.progress.Fold(u)
	if m.place == "none" || !changed {
		if u.Kind == sms.UpdateReceipt {
			m.statuses += " LATE_RECEIPT"
		}
		return
	}
	taken := len(said) == 0 && m.progress.Unsent() > 0 && next.Unsent() == 0
	m.progress, m.place = next, "awaiting"
	if taken {
		m.statuses += " TAKEN"
	}
	for _, a := range said {
		m.statuses += " " + string(a.Status)
		if a.Final {
			m.statuses += "."
			m.place = "none"
		}
	}
}

func (m *model) check(t *rapid.T, s *suite) {
	q, a, err := s.Engine.Open(s.ctx(), m.message.ID)
	if err != nil {
		t.Fatal(err)
	}
	place := "none"
	switch {
	case q != nil && a != nil:
		t.Fatalf("message %d is queued and awaiting", m.message.ID)
	case q != nil:
		place = "queued"
	case a != nil:
		place = "awaiting"
		if got, want := fmt.Sprintf("%+v", a.Progress), fmt.Sprintf("%+v", m.progress); got != want {
			t.Fatalf("progress %s, want %s", got, want)
		}
	}
	if place != m.place {
		t.Fatalf("message %d is %s, want %s", m.message.ID, place, m.place)
	}
	events, err := s.Engine.MessageEvents(s.ctx(), m.message.ID)
	if got := statuses(events); err != nil || got != m.statuses {
		t.Fatalf("events %q, want %q (%v)", got, m.statuses, err)
	}
	finals := 0
	for _, e := range events {
		if e.Final {
			finals++
		}
	}
	if (finals == 1) != (place == "none") || finals > 1 {
		t.Fatalf("%d final events of a message that is in %s", finals, place)
	}
}

// end brings the message to its end, whatever it went through.
func (m *model) end(t *rapid.T, s *suite, seq *int64) {
	for _, kind := range []sms.UpdateKind{sms.UpdateUnsentFinal, sms.UpdateTakenFinal} {
		p := s.update(m.message, kind, 0, sms.StatusUnknown)
		c := &store.Change{Parts: []store.PartChange{p}}
		if err := s.Engine.Apply(s.ctx(), s.fence, []*store.Change{c}); err != nil {
			t.Fatal(err)
		}
		*seq += int64(len(c.Events))
		m.apply(p.Update)
	}
	if m.place != "none" {
		t.Fatalf("message %d is in %s at its end", m.message.ID, m.place)
	}
	m.check(t, s)
}
