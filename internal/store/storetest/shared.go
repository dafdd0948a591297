package storetest

import (
	"time"

	"heliograph/internal/store"
)

// Recipients are asked for with a mark. An engine that several nodes can share
// answers; one that a node has for itself leaves them as they are. Either way the
// parts are marked.
func testRecipients(s *suite) {
	of := func(keys ...uint64) (out []store.Recipient) {
		for _, key := range keys {
			out = append(out, store.Recipient{Key: key, Interval: time.Hour})
		}
		return out
	}
	_, agrees := s.Engine.(store.Shared)
	marks := []store.Dispatch{
		{Seq: 1, Shard: shard, Recipients: of(447700900001, 447700900002)},
		{Seq: 2, Shard: shard, Recipients: of(447700900002, 447700900003)},
	}
	s.apply(&store.Change{Mark: marks})
	third := []store.Dispatch{{Seq: 3, Shard: shard, Recipients: of(447700900003, 447700900004)}}
	s.apply(&store.Change{Mark: third})
	var held []uint64
	for _, d := range append(marks, third...) {
		for _, r := range d.Recipients {
			if r.Wait < 0 || r.Wait > r.Interval {
				s.Errorf("recipient %d waits %v of %v", r.Key, r.Wait, r.Interval)
			}
			if r.Wait > 0 {
				held = append(held, r.Key)
			}
		}
	}
	var want []uint64
	if agrees {
		want = []uint64{447700900002, 447700900003}
	}
	s.same("recipients that wait", held, want)
	s.same("counts", s.counts(), store.Counts{Dispatches: 3})
}

// A message that moves to another shard is there at once, and the log says so to who
// follows it.
func testMoved(s *suite) {
	m := s.accept(1)[0]
	q := s.accepted(m).Queued
	q.Shard, q.Lane = "other", "lane2"
	move := store.Requeue{Queued: q, Moved: true, Account: account, ConfigurationSet: "set", At: s.now}
	s.apply(&store.Change{Requeue: []store.Requeue{move}})
	stored, _ := s.openRow(m.ID)
	s.same("queued", stored, &q)
	want := store.Event{Slot: s.fence.Slot, Seq: 2, Message: m.ID, Account: account, Status: store.StatusMoved, At: s.now}
	s.same("log", s.log()[1:], []store.Event{want})
	if !want.Aside() {
		s.Error("it would be published")
	}
}
