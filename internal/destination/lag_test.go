package destination

import (
	"context"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// TestLagSurvivesRestart, and the destination is told the new events after the
// old ones.
func TestLagSurvivesRestart(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		dead := h.destination("cs", "dead", "ALL")
		dead.set(down)
		h.start()
		ids := h.accept("cs", 2500)
		settle(10 * time.Second)
		h.restart()
		h.start()
		synctest.Wait()
		if x := h.health("dead"); x.Attached || x.Lag != 2500 {
			t.Errorf("health is %+v", x)
		}
		ids = append(ids, h.accept("cs", 10)...)
		settle(10 * time.Second)
		dead.set(nil)
		settle(5 * time.Minute)
		dead.has(t, ids)
	})
}

func TestDeletedDestinationDropsItsLag(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		dead := h.destination("cs", "dead", "ALL")
		dead.set(down)
		h.start()
		h.accept("cs", 1500)
		settle(time.Hour)
		h.remove("cs", "dead")
		settle(10 * time.Second)
		if got := h.storedLag("cs", "dead"); got != 0 || h.router.Stats().Dropped != 1500 {
			t.Errorf("lag is %d, stats %+v", got, h.router.Stats())
		}
		settle(2 * time.Minute)
		if all := h.router.Health(); len(all) != 0 {
			t.Errorf("health still tells of %+v", all)
		}
		dead = h.destination("cs", "dead", "ALL") // made anew, it begins with what comes
		ids := h.accept("cs", 3)
		settle(time.Second)
		dead.has(t, ids)
	})
}

// TestDisabledDestinationKeepsItsLag and gets it when it is enabled again.
func TestDisabledDestinationKeepsItsLag(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		dead := h.destination("cs", "dead", "ALL")
		dead.set(down)
		h.start()
		ids := h.accept("cs", 10)
		settle(10 * time.Second)
		d := h.lookup(account, "cs")[0]
		d.Enabled = false
		h.define("cs", d)
		dead.set(nil)
		h.accept("cs", 10)
		settle(time.Hour)
		dead.has(t, nil)
		if x := h.health("dead"); !x.Paused || x.Lag != 10 {
			t.Errorf("health is %+v", x)
		}
		d.Enabled = true
		h.define("cs", d)
		settle(10 * time.Second)
		dead.has(t, ids)
	})
}

// TestChangedTarget: a destination that was set right is tried at once, at its
// new place.
func TestChangedTarget(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		h.define("cs", sms.EventDestination{Name: "d", Enabled: true, EventTypes: []string{"ALL"}, SNS: &sms.SNSDestination{TopicARN: "wrong"}})
		right := h.sink("right")
		h.start()
		ids := h.accept("cs", 10)
		settle(2 * time.Hour)
		if x := h.health("d"); x.LastError != "no topic wrong" {
			t.Errorf("health is %+v", x)
		}
		h.define("cs", sms.EventDestination{Name: "d", Enabled: true, EventTypes: []string{"ALL"}, SNS: &sms.SNSDestination{TopicARN: "right"}})
		settle(lookAgain)
		right.has(t, ids)
		next := h.sink("next") // and while it is attached
		h.define("cs", sms.EventDestination{Name: "d", Enabled: true, EventTypes: []string{"ALL"}, SNS: &sms.SNSDestination{TopicARN: "next"}})
		more := h.accept("cs", 3)
		settle(time.Second)
		next.has(t, more)
		right.has(t, ids)
	})
}

// TestOldLagIsLost after its retention, with a count.
func TestOldLagIsLost(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		dead := h.destination("cs", "dead", "ALL")
		dead.set(down)
		h.start()
		h.accept("cs", 30)
		settle(10 * 24 * time.Hour)
		ids := h.accept("cs", 20)
		settle(5 * 24 * time.Hour)
		if lost := h.router.Stats().Lost; lost != 30 {
			t.Errorf("%d events were lost, want 30", lost)
		}
		dead.set(nil)
		settle(10 * time.Minute)
		dead.has(t, ids)
	})
}

func TestShrink(t *testing.T) {
	key := func(first int64) store.LagKey { return store.LagKey{Destination: "d", First: first} }
	batches := []store.LagBatch{{LagKey: key(1), Seqs: []int64{1, 2, 3}}, {LagKey: key(4), Seqs: []int64{4, 7}}, {LagKey: key(9), Seqs: []int64{9}}}
	for _, c := range []struct {
		remaining []int64
		want      *store.Change
	}{
		{[]int64{1, 2, 3, 4, 7, 9}, nil},
		{nil, &store.Change{LagDone: []store.LagKey{key(1), key(4), key(9)}}},
		{[]int64{1, 3, 7, 9}, &store.Change{LagDone: []store.LagKey{key(4)},
			Lag: []store.LagBatch{{LagKey: key(1), Seqs: []int64{1, 3}}, {LagKey: key(7), Seqs: []int64{7}}}}},
	} {
		remaining := map[int64]bool{}
		for _, seq := range c.remaining {
			remaining[seq] = true
		}
		if got := shrink(batches, remaining); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%v: got %+v, want %+v", c.remaining, got, c.want)
		}
	}
}

func TestPause(t *testing.T) {
	now := time.Now()
	f := &feed{}
	for n := range 100 {
		most := min(time.Second<<min(n, 20), 5*time.Minute)
		f.fail(now, time.Second, 5*time.Minute, false)
		if pause := f.nextTry.Sub(now); pause > most || pause < most/2-1 {
			t.Fatalf("pause %d is %v, want %v to %v", n+1, pause, most/2, most)
		}
	}
	f.fail(now, time.Second, 5*time.Minute, true)
	if pause := f.nextTry.Sub(now); pause > time.Second {
		t.Errorf("after progress the pause is %v", pause)
	}
}

// TestSlowServiceGetsSmallBatches, so that they are done within the wait.
func TestSlowServiceGetsSmallBatches(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		slow := h.destination("cs", "slow", "ALL")
		late := 0
		slow.set(func(ctx context.Context, batch []Item) error { // 100 events a second
			select {
			case <-time.After(time.Duration(len(batch)) * 10 * time.Millisecond):
				return nil
			case <-ctx.Done():
				late++
				return ctx.Err()
			}
		})
		ids := h.accept("cs", 3000)
		h.start()
		settle(time.Minute)
		slow.has(t, ids)
		if late > 3 {
			t.Errorf("%d batches were too large", late)
		}
	})
}
