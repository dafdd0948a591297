package storetest

import (
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// stored are messages as they are read.
func (s *pruning) stored(messages []*sms.Message) []*sms.Message {
	s.Helper()
	ids := make([]sms.ID, len(messages))
	for i, m := range messages {
		ids[i] = m.ID
	}
	read, err := s.Engine.Messages(s.ctx(), ids)
	s.need(err)
	return read
}

// What has ended and is published loses its text, or its number, once. All else stays.
func testRedact(s *pruning) {
	m := s.accept(1, 1, 1, 1)
	s.end(m[0], m[2])
	s.published()
	s.end(m[3])
	events := s.log()
	all := m[3].ID + 1
	memory := store.NewRedaction()
	bodies := store.Pass{Bodies: all, Redacted: memory}
	s.same("texts", s.pass(bodies), store.Pruned{Redacted: 2})
	want := make([]*sms.Message, len(m))
	for i := range m {
		want[i] = new(*m[i])
	}
	for _, i := range []int{0, 2} {
		want[i].Body, want[i].Context, want[i].CountryParameters, want[i].BodyRedacted = "", nil, nil, true
	}
	s.same("messages", s.stored(m), want)
	// One that is open and one that is not published are looked at again, and no others.
	s.same("reached", memory.Bodies, store.Reached{At: int64(m[3].ID), Left: []int64{int64(m[1].ID), int64(m[3].ID)}})
	s.same("again", s.pass(bodies), store.Pruned{})
	s.same("reached", memory.Bodies, store.Reached{At: int64(m[3].ID), Left: []int64{int64(m[1].ID), int64(m[3].ID)}})
	s.same("anew", s.pass(store.Pass{Bodies: all}), store.Pruned{})

	s.same("numbers", s.pass(store.Pass{Numbers: m[2].ID, Redacted: memory}), store.Pruned{Redacted: 1})
	want[0].Destination, want[0].NumberRedacted = "", true
	s.same("messages", s.stored(m), want)
	s.same("events", s.log(), events)

	// What stayed goes when it has ended and is published.
	s.end(m[1])
	s.published()
	s.same("the rest", s.pass(bodies), store.Pruned{Redacted: 2})
	s.same("reached", memory.Bodies, store.Reached{At: int64(m[3].ID), Left: []int64{}})
	for _, got := range s.stored(m) {
		if got.Body != "" || !got.BodyRedacted || got.Price == 0 {
			s.Errorf("message %d: %+v", got.ID, got)
		}
	}
	if a, ok := s.Engine.(store.Auditor); ok {
		n := 0
		_, err := a.AuditMessages(s.ctx(), 0, all, 100, func(v *store.Audited) error {
			n++
			if v.Message == nil || v.Message.Price != m[0].Price || v.Message.Parts != 1 {
				s.Errorf("audited as %+v", v.Message)
			}
			return nil
		})
		s.need(err)
		s.same("audited", n, len(m))
	}
	s.before(all, 4, len(s.log()))
}

// There are more than one step looks at, and other work goes on between the steps.
func testRedactMany(s *pruning) {
	var m []*sms.Message
	for range 7 {
		parts := make([]int, 100)
		for i := range parts {
			parts[i] = 1
		}
		m = append(m, s.accept(parts...)...)
	}
	for _, one := range m {
		s.apply(&store.Change{Parts: []store.PartChange{s.update(one, sms.UpdateUnsentFinal, 1, sms.StatusUnreachable)}})
	}
	s.published()
	p := store.Pass{Bodies: m[len(m)-1].ID + 1, Numbers: m[500].ID, Within: time.Nanosecond}
	s.same("redacted", s.pass(p), store.Pruned{Redacted: 1200})
	for i, got := range s.stored(m) {
		if got.Body != "" || (got.Destination == "") != (i < 500) {
			s.Fatalf("message %d: %+v", i, got)
		}
	}
}

// What had to stay is looked at again wherever it is, over more than one step, and
// nothing else is: not even where it has gone meanwhile. A new process looks at all.
func testRedactLeft(s *pruning) {
	parts := make([]int, 1400)
	for i := range parts {
		parts[i] = 1
	}
	m := s.accept(parts...)
	open := func(i int) bool { return i%2 == 0 || i >= 1000 }
	fail := func(which func(int) bool) {
		var changes []*store.Change
		for i, one := range m {
			if which(i) {
				changes = append(changes, &store.Change{Parts: []store.PartChange{s.update(one, sms.UpdateUnsentFinal, 1, sms.StatusUnreachable)}})
			}
		}
		s.apply(changes...)
		s.published()
	}
	fail(func(i int) bool { return !open(i) })
	memory := store.NewRedaction()
	bodies := store.Pass{Bodies: s.ids.Next(s.now), Redacted: memory, Within: time.Nanosecond}
	want := store.Reached{At: int64(m[len(m)-1].ID)}
	for i := range m {
		if open(i) {
			want.Left = append(want.Left, int64(m[i].ID))
		}
	}
	s.same("what has ended", s.pass(bodies), store.Pruned{Redacted: 500})
	s.same("reached", memory.Bodies, want)
	s.same("again", s.pass(bodies), store.Pruned{})
	s.same("reached", memory.Bodies, want)

	// What is not among the rest is not read again, whatever became of it.
	forgotten := store.NewRedaction()
	forgotten.Bodies.At = want.At
	other := bodies
	other.Redacted = forgotten
	fail(func(i int) bool { return open(i) && i != 600 })
	s.same("behind", s.pass(other), store.Pruned{})
	s.before(m[100].ID, 100, 2*100)
	s.same("the rest", s.pass(bodies), store.Pruned{Redacted: 849})
	s.same("reached", memory.Bodies, store.Reached{At: want.At, Left: []int64{int64(m[600].ID)}})

	s.need(s.Engine.Close())
	s.Engine = s.reopen()
	s.fence = s.join()
	fail(func(i int) bool { return i == 600 })
	bodies.Redacted = store.NewRedaction()
	s.same("anew", s.pass(bodies), store.Pruned{Redacted: 1})
	s.same("reached", bodies.Redacted.Bodies, store.Reached{At: want.At})
	for i, got := range s.stored(m[100:]) {
		if !got.BodyRedacted {
			s.Fatalf("message %d: %+v", i, got)
		}
	}
}

// Messages from handsets and publications lose what they say, and stay events.
func testRedactContents(s *pruning) {
	content := func(text string) store.EventDetail {
		return store.EventDetail{Content: &store.EventContent{Body: []byte(text), Subject: text, Attributes: map[string]string{"a": text}}}
	}
	appended := func(status sms.Status, text string) store.Event {
		s.now = s.now.Add(time.Second)
		return store.Event{Account: account, Message: s.ids.Next(s.now), ConfigurationSet: "two-way:phone-1", Status: status, At: s.now, Detail: content(text)}
	}
	s.apply(&store.Change{Append: []store.Event{appended(store.StatusInbound, "one"), appended(store.StatusPublication, "two"), appended(store.StatusInbound, "three")}})
	events := s.log()
	s.apply(&store.Change{Cursors: []store.Cursor{{Slot: s.fence.Slot, Seq: events[0].Seq}}})
	memory := store.NewRedaction()
	limit := sms.FirstID(events[1].At.Add(time.Millisecond))
	s.same("what is published", s.pass(store.Pass{Bodies: limit, Redacted: memory}), store.Pruned{Redacted: 1})
	s.same("again", s.pass(store.Pass{Bodies: limit, Redacted: memory}), store.Pruned{})
	s.published()
	s.same("what is old", s.pass(store.Pass{Numbers: limit, Redacted: memory}), store.Pruned{Redacted: 1})
	for i := range events[:2] {
		events[i].Detail = store.EventDetail{Content: &store.EventContent{}}
	}
	s.same("events", s.log(), events)
	s.same("the rest", s.pass(store.Pass{Numbers: sms.FirstID(s.now.Add(time.Hour)), Redacted: memory}), store.Pruned{Redacted: 1})
	s.same("reached", *memory.Events[s.fence.Slot], store.Reached{At: events[2].Seq, Left: []int64{}})
}
