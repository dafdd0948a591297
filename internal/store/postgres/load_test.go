//go:build postgres

package postgres

import (
	"testing"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// What is taken must leave its table by the update, whatever is stored; the rest is
// locked, so that another node that waits for the row finds it changed.
func TestWants(t *testing.T) {
	states := func(parts int) (out []sms.Progress) {
		out = append(out, sms.NewProgress(parts, nil))
		for i := 0; i < len(out); i++ { // all that can be reached
			for n := 1; n <= parts; n++ {
				for _, kind := range []sms.UpdateKind{sms.UpdateTaken, sms.UpdateReceipt, sms.UpdateSettled} {
					next, _, changed := out[i].Fold(sms.PartUpdate{Parts: parts, Number: n, Kind: kind, Status: sms.StatusDelivered, At: now})
					if changed {
						out = append(out, next)
					}
				}
			}
		}
		return out
	}
	for parts := 1; parts <= 2; parts++ {
		for _, p := range states(parts) {
			open := false
			for _, part := range p.Parts {
				open = open || part.State != sms.PartFinal
			}
			if !open {
				continue
			}
			queued := p.Unsent() == parts
			for number := 0; number <= parts+1; number++ {
				for kind := sms.UpdateTaken; kind <= sms.UpdateTakenFinal; kind++ {
					u := sms.PartUpdate{Parts: parts, Number: number, Kind: kind, Status: sms.StatusUnknown, At: now}
					w := wants(&u)
					_, said, changed := p.Fold(u)
					final := false
					for _, a := range said {
						final = final || a.Final
					}
					if queued && w&wantTakeQueued != 0 && !changed {
						t.Errorf("%+v takes a queued message that it does not change", u)
					}
					if !queued && w&wantTakeAwaiting != 0 && !final {
						t.Errorf("%+v takes an awaiting message that it does not end: %+v", u, p)
					}
					// A queued message that awaits nothing is not changed by what is
					// not looked for there.
					if changed && queued && w&(wantTakeQueued|wantLockQueued) == 0 || changed && !queued && w&(wantTakeAwaiting|wantLockAwaiting) == 0 {
						t.Errorf("%+v does not see what it changes: %+v", u, p)
					}
				}
			}
		}
	}
}

func TestMergeSlots(t *testing.T) {
	at := func(slot int, seq int64, second int) store.Event {
		return store.Event{Slot: slot, Seq: seq, At: now.Add(time.Duration(second) * time.Second)}
	}
	for _, c := range []struct{ in, want []store.Event }{
		{nil, nil},
		{[]store.Event{at(1, 1, 5), at(1, 2, 3)}, []store.Event{at(1, 1, 5), at(1, 2, 3)}},
		{[]store.Event{at(0, 1, 1), at(0, 9, 4), at(2, 3, 2), at(2, 4, 4), at(5, 1, 3)},
			[]store.Event{at(0, 1, 1), at(2, 3, 2), at(5, 1, 3), at(0, 9, 4), at(2, 4, 4)}},
	} {
		got := mergeSlots(c.in)
		if len(got) != len(c.want) {
			t.Fatalf("%+v", got)
		}
		for i := range got {
			if got[i].Slot != c.want[i].Slot || got[i].Seq != c.want[i].Seq {
				t.Errorf("event %d is %d/%d, want %d/%d", i, got[i].Slot, got[i].Seq, c.want[i].Slot, c.want[i].Seq)
			}
		}
	}
}
