package queue_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"heliograph/internal/carrier"
	"heliograph/internal/queue"
	"heliograph/internal/sms"
	"heliograph/internal/store"
)

func TestHandsOverInOrderAndSettles(t *testing.T) {
	one := newScripted("one", nil)
	r := newRig(t, "", []carrier.Carrier{one})
	var all []*sms.Message
	for i := range 500 {
		all = append(all, message(to(i)))
	}
	ids := r.send(all...)
	eventually(t, "everything is final", func() bool { c := r.counts(); return c == store.Counts{} })
	for i, p := range one.got() {
		if id, _ := p.ID.Split(); id != ids[i] {
			t.Fatalf("part %d of the lane is message %d, want %d", i, id, ids[i])
		}
	}
	if got, want := r.statuses(ids[499]), "QUEUED SUCCESSFUL. "; got != want {
		t.Errorf("events are %q, want %q", got, want)
	}
}

func TestPartsOfAMessageLeaveTogether(t *testing.T) {
	one := newScripted("one", nil)
	r := newRig(t, "", []carrier.Carrier{one})
	body := fmt.Sprintf("%0320d", 7)
	long := func(m *sms.Message) { m.Body, m.Parts, m.Reference = body, 3, 77 }
	ids := r.send(message(to(1), long), message(to(2), long))
	eventually(t, "six parts are handed over", func() bool { return len(one.got()) == 6 })
	text := ""
	for i, p := range one.got() {
		if id, n := p.ID.Split(); id != ids[i/3] || n != i%3+1 || p.Number != n || p.Total != 3 || p.Reference != 77 {
			t.Errorf("hand-over %d is part %d of message %d (%+v)", i, n, id, p)
		}
		if i < 3 {
			text += p.Text
		}
	}
	if text != body {
		t.Errorf("the parts' texts join to %q", text)
	}
	eventually(t, "both are final", func() bool {
		return r.statuses(ids[0]) == "QUEUED SUCCESSFUL. " && r.statuses(ids[1]) == "QUEUED SUCCESSFUL. "
	})
}

func TestLaneKeepsItsRate(t *testing.T) {
	one := newScripted("one", nil)
	r := newRig(t, "", []carrier.Carrier{one})
	var all []*sms.Message
	for i := range 21 {
		all = append(all, message(to(i), func(m *sms.Message) { m.Route.PartsPerSecond = 50 }))
	}
	fast := message(to(99), func(m *sms.Message) { m.Route.Lane, m.Route.PartsPerSecond = "fast", 1000 })
	r.send(append(all, fast)...)
	eventually(t, "all are handed over", func() bool { return len(one.got()) == 22 })
	one.mu.Lock()
	defer one.mu.Unlock()
	var slow []time.Time
	for i, p := range one.parts {
		if p.Destination != to(99) {
			slow = append(slow, one.at[i])
		} else if i > 5 {
			t.Errorf("the fast lane's part left as number %d, behind the slow lane's", i)
		}
	}
	// 21 parts at 50 a second are 20 intervals, of which a first part that was held up
	// by the store gives some back.
	if took := slow[len(slow)-1].Sub(slow[0]); took < 250*time.Millisecond {
		t.Errorf("21 parts at 50 a second took %s", took)
	}
}

func TestRecipientIsHeldWithoutHoldingOthers(t *testing.T) {
	one := newScripted("one", nil)
	r := newRig(t, "", []carrier.Carrier{one}, func(o *queue.Options) { o.RecipientInterval = 300 * time.Millisecond })
	r.send(message(to(1)), message(to(1)), message(to(2)), message(to(1)))
	eventually(t, "all are handed over", func() bool { return len(one.got()) == 4 })
	one.mu.Lock()
	defer one.mu.Unlock()
	var order []string
	var mine []time.Time
	for i, p := range one.parts {
		order = append(order, p.Destination)
		if p.Destination == to(1) {
			mine = append(mine, one.at[i])
		}
	}
	if want := []string{to(1), to(2), to(1), to(1)}; !slices.Equal(order, want) {
		t.Errorf("recipients in order %v, want %v", order, want)
	}
	// When a part comes to the carrier on a busy machine differs from when it left: half of
	// the interval tells that it was kept.
	for i := 1; i < len(mine); i++ {
		if gap := mine[i].Sub(mine[i-1]); gap < 150*time.Millisecond {
			t.Errorf("messages to one recipient %s apart, want 300 ms", gap)
		}
	}
}

func TestThrottledPartKeepsItsPlace(t *testing.T) {
	refused := false
	one := newScripted("one", func(carrier.Part) (carrier.Outcome, bool) {
		if !refused {
			refused = true
			return carrier.Outcome{Kind: carrier.RetryLater, Code: "ESME_RTHROTTLED", Pause: 50 * time.Millisecond}, true
		}
		return carrier.Outcome{Kind: carrier.Accepted}, true
	})
	r := newRig(t, "", []carrier.Carrier{one})
	ids := r.send(message(to(1)))
	eventually(t, "it is taken at the second try", func() bool { return r.statuses(ids[0]) == "QUEUED SUCCESSFUL. " })
	if got := one.got(); len(got) != 2 {
		t.Errorf("handed over %d times, want 2", len(got))
	}
}

func TestRetryIsAnnouncedOnceAndRefusalIsFinal(t *testing.T) {
	tries := 0
	one := newScripted("one", func(p carrier.Part) (carrier.Outcome, bool) {
		if p.Destination == to(2) {
			return carrier.Outcome{Kind: carrier.Refused, Status: sms.StatusInvalid, Code: "ESME_RINVDSTADR"}, true
		}
		if tries++; tries < 2 {
			return carrier.Outcome{Kind: carrier.RetryLater, Code: "ESME_RSYSERR"}, true
		}
		return carrier.Outcome{Kind: carrier.Accepted}, true
	})
	r := newRig(t, "", []carrier.Carrier{one})
	ids := r.send(message(to(1)), message(to(2)))
	eventually(t, "both are final", func() bool {
		return r.statuses(ids[0]) == "QUEUED PENDING SUCCESSFUL. " && r.statuses(ids[1]) == "QUEUED INVALID. "
	})
}

func TestLostOutcomeFollowsThePolicy(t *testing.T) {
	lost := map[string]bool{}
	one := newScripted("one", func(p carrier.Part) (carrier.Outcome, bool) {
		if !lost[p.Destination] {
			lost[p.Destination] = true
			return carrier.Outcome{Kind: carrier.Unknown, Detail: "session lost"}, true
		}
		if !p.Resent {
			t.Error("a part that is sent again does not say so")
		}
		return carrier.Outcome{Kind: carrier.Accepted}, true
	})
	r := newRig(t, "", []carrier.Carrier{one})
	ids := r.send(message(to(1)), message(to(2), func(m *sms.Message) { m.Type = sms.Promotional }))
	eventually(t, "both are final", func() bool {
		return r.statuses(ids[0]) == "QUEUED SUCCESSFUL. " && r.statuses(ids[1]) == "QUEUED UNKNOWN. "
	})
	eventually(t, "no mark is left", func() bool { return r.counts().Dispatches == 0 })
	events, _ := r.engine.MessageEvents(context.Background(), ids[0])
	if parts := events[len(events)-1].Detail.Parts; len(parts) != 1 || parts[0].Resent != 1 {
		t.Errorf("the story does not say that the part was sent again: %+v", parts)
	}
}

// Each time that a part was sent again counts, and so does the first time of one that
// expired before it could be sent again.
func TestResendsAreCounted(t *testing.T) {
	tries := map[string]int{}
	one := newScripted("one", func(p carrier.Part) (carrier.Outcome, bool) {
		tries[p.Destination]++
		switch n := tries[p.Destination]; {
		case p.Destination == to(2), n == 1, n == 2:
			return carrier.Outcome{Kind: carrier.Unknown, Detail: "session lost"}, true
		case n == 3:
			return carrier.Outcome{Kind: carrier.RetryLater, Code: "ESME_RSYSERR"}, true
		}
		return carrier.Outcome{Kind: carrier.Accepted}, true
	})
	r := newRig(t, "", []carrier.Carrier{one})
	ids := r.send(message(to(1)), message(to(2), func(m *sms.Message) { m.ExpiresAt = time.Now().Add(500 * time.Millisecond) }))
	eventually(t, "both are final", func() bool {
		return r.statuses(ids[0]) == "QUEUED PENDING SUCCESSFUL. " && r.statuses(ids[1]) == "QUEUED TTL_EXPIRED. "
	})
	eventually(t, "no mark is left", func() bool { return r.counts().Dispatches == 0 })
	sent := map[string]int{}
	for _, p := range one.got() {
		sent[p.Destination]++
	}
	for i, id := range ids {
		events, err := r.engine.MessageEvents(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		p := events[len(events)-1].Detail.Parts[0]
		// The carrier said of one attempt that it had not taken it.
		if times := sent[to(i+1)] - 1 - (1 - i); p.SentAt.IsZero() || p.Resent != times {
			t.Errorf("message %d was sent %d times: %+v", i+1, sent[to(i+1)], p)
		}
	}
}

func TestTimeToLiveEndsWhatWaits(t *testing.T) {
	one := newScripted("one", nil)
	one.up = false
	r := newRig(t, "", []carrier.Carrier{one})
	soon := func(m *sms.Message) {
		m.ExpiresAt = time.Now().Add(200 * time.Millisecond).UTC().Truncate(time.Millisecond)
	}
	ids := r.send(message(to(1), soon), message(to(2)))
	eventually(t, "the first expires", func() bool { return r.statuses(ids[0]) == "QUEUED TTL_EXPIRED. " })
	one.setUp(true)
	eventually(t, "the second leaves", func() bool { return r.statuses(ids[1]) == "QUEUED SUCCESSFUL. " })
	if got := one.got(); len(got) != 1 || got[0].Destination != to(2) {
		t.Errorf("handed over %+v, want the second message alone", got)
	}
}

func TestPoolMessagesMoveWhenTheirCarrierIsDown(t *testing.T) {
	one, two := newScripted("one", nil), newScripted("two", nil)
	one.up = false
	reroute := func(m *sms.Message, now sms.Route) (sms.Route, bool) {
		return sms.Route{Identity: "+492", Kind: sms.IdentityPhoneNumber, PoolID: "pool-1", Carrier: "two", Lane: "other", Why: "moved"}, now.PoolID == "pool-1"
	}
	entry := func(m *sms.Message, to sms.Route) store.Entry {
		key, _ := sms.DigitsKey(m.Destination)
		return store.Entry{EntryKey: store.EntryKey{List: store.ListID("with", to.Identity), Key: key}, Mark: int64(m.ID)}
	}
	moved := func(m *sms.Message, to sms.Route, at time.Time) []store.EntryWrite {
		e := entry(m, to)
		e.At = at.UTC().Truncate(time.Millisecond)
		return []store.EntryWrite{{Entry: e}}
	}
	r := newRig(t, "", []carrier.Carrier{one, two}, func(o *queue.Options) { o.Reroute, o.Moved = reroute, moved })
	pooled := func(m *sms.Message) { m.Route.PoolID = "pool-1" }
	ids := r.send(message(to(1), pooled), message(to(2)), message(to(3), pooled))
	eventually(t, "pooled messages leave through the other carrier", func() bool { return len(two.got()) == 2 })
	eventually(t, "they are final", func() bool {
		return r.statuses(ids[0]) == "QUEUED PENDING MOVED SUCCESSFUL. " && r.statuses(ids[2]) == "QUEUED PENDING MOVED SUCCESSFUL. "
	})
	if p := two.got()[0]; p.Origination != "+492" || p.Destination != to(1) {
		t.Errorf("moved part is from %s to %s", p.Origination, p.Destination)
	}
	if got := one.got(); len(got) != 0 {
		t.Errorf("the carrier that is down got %d parts", len(got))
	}
	for i, id := range ids {
		want := entry(&sms.Message{ID: id, Destination: to(i + 1)}, sms.Route{Identity: "+492"})
		found, err := r.engine.(store.Lists).Entries(t.Context(), []store.EntryKey{want.EntryKey})
		if err != nil {
			t.Fatal(err)
		}
		if e := found[0]; (e != nil) != (i != 1) || e != nil && (e.Mark != want.Mark || e.At.IsZero()) {
			t.Errorf("with the move of message %d is written %+v", i+1, e)
		}
	}
	one.setUp(true)
	eventually(t, "the other waits for its own", func() bool { return r.statuses(ids[1]) == "QUEUED SUCCESSFUL. " })
}

func TestRestartSendsAgainWhatWasInFlight(t *testing.T) {
	silent := newScripted("one", func(carrier.Part) (carrier.Outcome, bool) { return carrier.Outcome{}, false })
	r := newRig(t, "", []carrier.Carrier{silent})
	promotional := func(m *sms.Message) { m.Type = sms.Promotional }
	ids := r.send(message(to(1)), message(to(2), promotional), message(to(3)))
	eventually(t, "all are in flight", func() bool { return len(silent.got()) == 3 })
	// The process ends here: the store is copied as it is on disk.
	path := snapshot(t, r.path)

	one := newScripted("one", nil)
	again := newRig(t, path, []carrier.Carrier{one})
	eventually(t, "each is final once", func() bool {
		return again.statuses(ids[0]) == "QUEUED SUCCESSFUL. " && again.statuses(ids[1]) == "QUEUED UNKNOWN. " && again.statuses(ids[2]) == "QUEUED SUCCESSFUL. "
	})
	for _, p := range one.got() {
		if !p.Resent {
			t.Errorf("part to %s does not say that it was sent before", p.Destination)
		}
	}
	eventually(t, "no row is left", func() bool { return again.counts() == store.Counts{} })
}
