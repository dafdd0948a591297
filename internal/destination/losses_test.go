package destination

import (
	"context"
	"slices"
	"testing"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// losses are what the store has counted, by destination name and kind.
func (h *house) losses() map[string]int64 {
	h.t.Helper()
	all, err := h.engine.AuditLosses(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	counted := map[string]int64{}
	for _, l := range all {
		if l.Slot != h.fence.Slot {
			h.t.Errorf("%+v", l)
		}
		counted[l.Destination+" "+string(l.Kind)] += l.Events
	}
	return counted
}

// counted fails the test unless the store has counted just so many events.
func (h *house) counted(want map[string]int64) {
	h.t.Helper()
	got := h.losses()
	for k := range want {
		if want[k] != got[k] {
			h.t.Errorf("%s: %d are counted, want %d", k, got[k], want[k])
		}
	}
	if len(got) != len(want) {
		h.t.Errorf("counted are %v", got)
	}
}

// crash ends the router before it can commit anything, and opens the store again.
func (h *house) crash() {
	h.t.Helper()
	h.refuse(store.ErrUnavailable)
	h.restart()
	h.refuse(nil)
}

const (
	lostToD    = account + "/cs/d lost"
	droppedOfD = account + "/cs/d dropped"
)

// refuseEvery is the answer of a destination that never takes every nth event, and
// counts those.
func refuseEvery(n int, refused *int) func(context.Context, []Item) error {
	return func(_ context.Context, batch []Item) error {
		p := &Partial{Err: errDown}
		for i := n - 1; i < len(batch); i += n {
			p.Refused = append(p.Refused, i)
		}
		if *refused += len(p.Refused); len(p.Refused) == 0 {
			return nil
		}
		return p
	}
}

// TestLossesOutliveTheProcess: what is refused for good is counted in the store, and
// goes on from there after a restart.
func TestLossesOutliveTheProcess(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		d, other := h.destination("cs", "d", "ALL"), h.destination("cs", "other", "ALL")
		refused := 0
		d.set(refuseEvery(3, &refused))
		h.start()
		h.accept("cs", 300)
		settle(time.Second)
		if x := h.health("d"); !x.Attached || refused == 0 {
			t.Fatalf("%d are refused, health is %+v", refused, x)
		}
		first := refused
		h.counted(map[string]int64{lostToD: int64(first)})
		h.restart()
		h.counted(map[string]int64{lostToD: int64(first)})
		h.start()
		h.accept("cs", 300)
		settle(time.Second)
		h.restart()
		if got := h.router.Stats().Lost; refused == first || got != 0 {
			t.Errorf("%d are refused then, the new router has counted %d", refused-first, got)
		}
		h.counted(map[string]int64{lostToD: int64(refused)})
		if got := len(other.all()); got != 600 {
			t.Errorf("the other has %d events", got)
		}
	})
}

// TestCrashesCountLossesOnce: what was lost ahead of the cursor comes up again after a
// crash, and is counted then; what is behind it stays counted.
func TestCrashesCountLossesOnce(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		d, slow := h.destination("cs", "d", "ALL"), h.destination("cs", "slow", "ALL")
		all := func(_ context.Context, batch []Item) error {
			p := &Partial{Err: errDown}
			for i := range batch {
				p.Refused = append(p.Refused, i)
			}
			return p
		}
		d.set(all)
		h.start()
		h.accept("cs", 20)
		settle(time.Second)
		h.counted(map[string]int64{lostToD: 20})

		// The cursor waits for the other destination, and what is lost with it.
		slow.set(hang)
		h.accept("cs", 30)
		settle(time.Second)
		if got := h.router.Stats().Lost; got != 50 {
			t.Errorf("the router has lost %d", got)
		}
		h.counted(map[string]int64{lostToD: 20})
		h.crash()
		h.counted(map[string]int64{lostToD: 20})
		slow.set(nil)
		h.start()
		settle(time.Second)
		h.counted(map[string]int64{lostToD: 50})

		// It moves past some of them: these alone are counted.
		released := make(chan struct{})
		tries := 0
		slow.set(func(ctx context.Context, batch []Item) error {
			if tries++; tries == 1 {
				time.Sleep(time.Second)
				return nil
			}
			select {
			case <-released:
			case <-ctx.Done():
			}
			return ctx.Err()
		})
		h.accept("cs", 4)
		settle(500 * time.Millisecond)
		h.accept("cs", 5)
		settle(time.Second)
		if x := h.health("slow"); !x.Attached || x.Pending != 5 {
			t.Errorf("health is %+v", x)
		}
		h.counted(map[string]int64{lostToD: 54})
		h.crash()
		h.counted(map[string]int64{lostToD: 54})
		close(released)
		h.start()
		settle(time.Second)
		h.counted(map[string]int64{lostToD: 59})
		h.crash()
		h.start()
		settle(time.Second)
		h.counted(map[string]int64{lostToD: 59})
	})
}

// TestLossesOfLag are counted by the commits that make it smaller.
func TestLossesOfLag(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		d := h.destination("cs", "d", "ALL")
		d.set(down)
		h.tune = func(o *Options) { o.MaxLagAge = 3 * time.Hour }
		h.restart()
		h.start()
		h.accept("cs", 30)
		settle(2 * time.Hour)
		h.accept("cs", 20)
		settle(90 * time.Minute)
		h.counted(map[string]int64{lostToD: 30}) // too old

		// While the lag cannot be made smaller, nothing is lost.
		h.refuse(store.ErrFull)
		refused := 0
		d.set(refuseEvery(4, &refused))
		settle(time.Hour)
		if got := h.router.Stats().Lost; refused <= 5 || got != 30 {
			t.Errorf("%d were refused, the router has lost %d", refused, got)
		}
		h.counted(map[string]int64{lostToD: 30})
		h.crash()
		h.start()
		settle(10 * time.Minute)
		h.counted(map[string]int64{lostToD: 35})
		if got := h.storedLag("cs", "d"); got != 0 {
			t.Errorf("%d events of lag are left", got)
		}

		d.set(down)
		h.accept("cs", 1500)
		settle(time.Hour)
		h.remove("cs", "d")
		h.crash()
		h.start()
		settle(10 * time.Second)
		h.counted(map[string]int64{lostToD: 35, droppedOfD: 1500})
		h.restart()
		h.counted(map[string]int64{lostToD: 35, droppedOfD: 1500})
	})
}

// TestDropAheadOfTheCursor: a deleted destination's lag that is in memory only is
// counted with the cursor, though nobody knows of the destination by then.
func TestDropAheadOfTheCursor(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		d, slow := h.destination("cs", "d", "ALL"), h.destination("cs", "slow", "ALL")
		d.set(down)
		slow.set(hang)
		h.start()
		h.accept("cs", 10)
		settle(100 * time.Millisecond) // the one is detached, and the other holds the cursor
		h.remove("cs", "d")
		h.refuse(store.ErrFull)
		settle(5 * time.Minute)
		if s := h.router.Stats(); s.Dropped != 10 || len(h.losses()) != 0 {
			t.Errorf("stats %+v, losses %v", s, h.losses())
		}
		if slices.ContainsFunc(h.router.Health(), func(x Health) bool { return x.Destination == account+"/cs/d" }) {
			t.Error("health still tells of it")
		}
		h.refuse(nil)
		settle(time.Second)
		h.restart()
		h.counted(map[string]int64{droppedOfD: 10})
	})
}

// TestGoneMessageIsLost, and counted.
func TestGoneMessageIsLost(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		h.destination("cs", "d", "ALL")
		ids := h.accept("cs", 3)
		gone := ids[1]
		h.tune = func(o *Options) {
			read := o.Messages
			o.Messages = func(ctx context.Context, ids []sms.ID) ([]*sms.Message, error) {
				found, err := read(ctx, ids)
				for i := range found {
					if o.MessageID(ids[i]) == gone {
						found[i] = nil
					}
				}
				return found, err
			}
		}
		h.restart()
		h.start()
		settle(time.Second)
		h.counted(map[string]int64{lostToD: 1})
		h.restart()
		h.counted(map[string]int64{lostToD: 1})
	})
}
