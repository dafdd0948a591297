package storetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"heliograph/internal/store"
)

func (s *suite) lines(scan store.LogScan) []store.LogEvent {
	s.Helper()
	l, err := s.lists().LogEvents(s.ctx(), scan)
	s.need(err)
	return l
}

// pages reads a group page by page.
func (s *suite) pages(scan store.LogScan) []store.LogEvent {
	s.Helper()
	return all(s, scan.Limit, func(last store.LogEvent, first bool, _ int) ([]store.LogEvent, error) {
		switch {
		case first:
		case scan.Backwards:
			scan.Before = last.Place()
		default:
			scan.After = last.Place()
		}
		return s.lists().LogEvents(s.ctx(), scan)
	})
}

func (s *suite) line(slot int, seq int64, after time.Duration) store.LogEvent {
	return store.LogEvent{Group: 9, At: s.now.Add(after), Slot: slot, Seq: seq, Message: fmt.Appendf(nil, "line %d of %d", seq, slot)}
}

// A line that is there is left as it is.
func testLogOnce(s *suite) {
	one, two := s.line(0, 1, 0), s.line(0, 2, 0)
	other := one
	other.Message = []byte("other")
	s.apply(&store.Change{Logs: []store.LogEvent{one, two, other}})
	s.apply(&store.Change{Logs: []store.LogEvent{other}}, &store.Change{Logs: []store.LogEvent{two}})
	s.same("lines", s.lines(store.LogScan{Group: 9, Slot: store.AnySlot, Limit: 10}), []store.LogEvent{one, two})
	// Of another time, slot or group it is another line.
	later, elsewhere, apart := one, one, one
	later.At, elsewhere.Slot, apart.Group = one.At.Add(time.Millisecond), 3, 10
	apart.Message = []byte{}
	s.apply(&store.Change{Logs: []store.LogEvent{apart, elsewhere, later}})
	s.same("lines then", s.lines(store.LogScan{Group: 9, Slot: store.AnySlot, Limit: 10}), []store.LogEvent{one, two, elsewhere, later})
	got := s.lines(store.LogScan{Group: 10, Slot: store.AnySlot, Limit: 10})
	if len(got) != 1 || got[0].Message != nil || got[0].Group != 10 {
		s.Errorf("%+v", got)
	}
	slots, err := s.lists().LogSlots(s.ctx(), 9)
	s.need(err)
	s.same("slots", slots, []store.LogSlot{{Slot: 0, First: one.Place(), Last: later.Place()}, {Slot: 3, First: elsewhere.Place(), Last: elsewhere.Place()}})
	slots, err = s.lists().LogSlots(s.ctx(), 11)
	s.need(err)
	s.same("slots of no group", len(slots), 0)
}

func testLogScan(s *suite) {
	want := []store.LogEvent{s.line(0, 9, 0), s.line(1, 2, 0), s.line(1, 4, 0), s.line(63, 1, 0), s.line(0, 1, time.Second), s.line(63, 2, time.Second),
		s.line(1, 1, time.Minute), s.line(1, 3, time.Minute)}
	shuffled := slices.Clone(want)
	rand.New(rand.NewPCG(1, 1)).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	s.apply(&store.Change{Logs: shuffled[:4]}, &store.Change{Logs: shuffled[4:]}, &store.Change{Logs: []store.LogEvent{{Group: 8, At: s.now}, {Group: 10, At: s.now}}})
	backwards := slices.Clone(want)
	slices.Reverse(backwards)
	for _, limit := range []int{1, 2, 3, 100} {
		scan := store.LogScan{Group: 9, Slot: store.AnySlot, Limit: limit}
		s.same("forwards", s.pages(scan), want)
		scan.Backwards = true
		s.same("backwards", s.pages(scan), backwards)
		s.same("one slot backwards", s.pages(store.LogScan{Group: 9, Slot: 63, Limit: limit, Backwards: true}), []store.LogEvent{want[5], want[3]})
		s.same("one slot", s.pages(store.LogScan{Group: 9, Slot: 1, Limit: limit}), []store.LogEvent{want[1], want[2], want[6], want[7]})
	}
	// The first time is in it, the last is not.
	second := store.LogScan{Group: 9, Slot: store.AnySlot, From: want[4].At, To: want[6].At, Limit: 2}
	s.same("a time", s.pages(second), want[4:6])
	second.Backwards = true
	s.same("a time backwards", s.pages(second), backwards[2:4])
	s.same("a time of a slot", s.lines(store.LogScan{Group: 9, Slot: 1, To: want[6].At, Limit: 9}), want[1:3])
	s.same("no slot", len(s.lines(store.LogScan{Group: 9, Slot: 5, Limit: 9})), 0)
	// What was read is gone on from, whether it is there still or not.
	s.same("after a place", s.lines(store.LogScan{Group: 9, Slot: store.AnySlot, After: store.LogPlace{At: s.now, Slot: 1, Seq: 3}, Limit: 2}), want[2:4])
	s.same("before a place", s.lines(store.LogScan{Group: 9, Slot: store.AnySlot, Backwards: true, Before: store.LogPlace{At: s.now, Slot: 2}, Limit: 2}), backwards[5:7])
}

// Any scan is what it would be over all lines.
func testAnyLogScan(s *suite) {
	const seed = 5
	r := rand.New(rand.NewPCG(seed, seed))
	at := func() time.Time { return s.now.Add(time.Duration(r.IntN(6)) * time.Millisecond) }
	place := func() store.LogPlace {
		if r.IntN(3) == 0 {
			return store.LogPlace{}
		}
		return store.LogPlace{At: at(), Slot: r.IntN(4), Seq: r.Int64N(8)}
	}
	var every []store.LogEvent
	there := map[store.LogPlace]bool{}
	for range 60 {
		l := s.line(r.IntN(4), r.Int64N(8), 0)
		if l.At = at(); !there[l.Place()] {
			there[l.Place()] = true
			every = append(every, l)
		}
	}
	s.apply(&store.Change{Logs: every})
	slices.SortFunc(every, func(a, b store.LogEvent) int { return a.Place().Compare(b.Place()) })
	for n := range 150 {
		scan := store.LogScan{Group: 9, Slot: r.IntN(5) - 1, After: place(), Before: place(), Backwards: r.IntN(2) == 0, Limit: 1 + r.IntN(20)}
		if r.IntN(2) == 0 {
			scan.From = at()
		}
		if r.IntN(2) == 0 {
			scan.To = at()
		}
		var want []store.LogEvent
		for _, l := range every {
			switch {
			case scan.Slot != store.AnySlot && l.Slot != scan.Slot, !scan.From.IsZero() && l.At.Before(scan.From), !scan.To.IsZero() && !l.At.Before(scan.To),
				!scan.Backwards && scan.After != (store.LogPlace{}) && l.Place().Compare(scan.After) <= 0,
				scan.Backwards && scan.Before != (store.LogPlace{}) && l.Place().Compare(scan.Before) >= 0:
			default:
				want = append(want, l)
			}
		}
		if scan.Backwards {
			slices.Reverse(want)
		}
		want = want[:min(len(want), scan.Limit)]
		if len(want) == 0 {
			want = nil
		}
		if s.same("lines", s.lines(scan), want); s.Failed() {
			s.Fatalf("seed %d, scan %d: %+v", seed, n, scan)
		}
	}
}
