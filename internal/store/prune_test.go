package store

import (
	"slices"
	"testing"
)

func TestSpare(t *testing.T) {
	s := Spare([]Cursor{{Slot: 3, Seq: 100}, {Slot: 0, Seq: 10}},
		[]LagSpan{{3, 50, 60}, {0, 4, 5}, {3, 20, 30}, {3, 31, 31}, {3, 22, 25}, {3, 58, 70}, {3, 99, 120}, {9, 1, 2}})
	if got := s.Slots(); !slices.Equal(got, []int{0, 3}) {
		t.Errorf("slots %v", got)
	}
	for _, c := range []struct {
		slot     int
		from, to int64
		want     bool
	}{
		{0, 1, 3, false}, {0, 4, 5, true}, {0, 6, 10, false}, {0, 11, 12, true},
		{3, 1, 19, false}, {3, 20, 31, true}, {3, 32, 49, false}, {3, 50, 70, true}, {3, 71, 98, false}, {3, 99, 130, true},
		{1, 1, 5, true}, {9, 1, 5, true},
	} {
		for seq := c.from; seq <= c.to; seq++ {
			if got := s.Has(c.slot, seq); got != c.want {
				t.Errorf("event %d of slot %d is spared: %v", seq, c.slot, got)
			}
		}
	}
}

func TestPass(t *testing.T) {
	var p Pass
	p.After, p.Place = 7, SlotSeq{1, 2}
	for want := PruneMessages + 1; want <= PruneDone; want++ {
		if p.Done() {
			t.Errorf("done in stage %d", p.Stage)
		}
		if p.Next(); p.Stage != want || p.After != 0 || p.Place != (SlotSeq{}) {
			t.Errorf("%+v", p)
		}
	}
	if !p.Done() {
		t.Error("there is no end")
	}
}
