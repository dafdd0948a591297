package accept

import (
	"context"
	"fmt"
	"math"
	"sync"
	"testing"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

func TestIdempotentSends(t *testing.T) {
	d := newDesk(t, nil)
	d.limit.Store(60_000)
	r := Request{Destination: inUS, Body: "hello", IdempotencyKey: "order-17", Context: map[string]string{"a": "1", "b": "2"}}
	first, err := d.send(r)
	if err != nil {
		t.Fatal(err)
	}
	again := func(want string) {
		t.Helper()
		if id, err := d.send(r); err != nil || id != want {
			t.Errorf("answered %q, %v; want %q", id, err, want)
		}
	}
	again(first)
	// What has changed since does not matter: the first one was accepted.
	d.optOut(t, sms.DefaultOptOutList, inUS)
	again(first)
	dry := r
	dry.DryRun = true
	id, err := d.send(dry)
	optedOut.check(t, id, err)
	other := r
	other.Body = "good bye"
	id, err = d.send(other)
	conflict(sms.ReasonResourceAlreadyExists, sms.TypeMessage).check(t, id, err)
	if d.spent(t) != 10_000 {
		t.Errorf("%s USD are spent", d.spent(t))
	}
	d.sleep(IdempotencyLife - time.Millisecond)
	again(first)
	d.sleep(2 * time.Millisecond)
	id, err = d.send(r)
	optedOut.check(t, id, err)
	r.Destination = inCanada
	second, err := d.send(r)
	if err != nil || second == first {
		t.Fatalf("a day later: %q, %v", second, err)
	}
	again(second)
}

// A request that was refused is none: the next one with its key is looked at anew.
func TestRefusedRequestsAreNotRemembered(t *testing.T) {
	d := newDesk(t, nil)
	r := Request{Destination: inUS, Body: "hello", IdempotencyKey: "key"}
	d.limit.Store(0)
	if _, err := d.send(r); err == nil {
		t.Fatal("accepted")
	}
	d.limit.Store(10_000)
	if _, err := d.send(r); err != nil {
		t.Error(err)
	}
}

// Of many at once one is accepted, and all are answered alike, also where there is an
// entry that is too old.
func TestIdempotentSendsAtOnce(t *testing.T) {
	t.Run("the first", func(t *testing.T) { sendAtOnce(t, newDesk(t, nil)) })
	t.Run("a day later", func(t *testing.T) {
		d := newDesk(t, nil)
		old := newRepetition(customer, Request{Destination: inUS, Body: "hello", IdempotencyKey: "once"})
		d.put(t, old.entry(&sms.Message{ID: 1, AcceptedAt: d.now()}))
		d.sleep(IdempotencyLife)
		sendAtOnce(t, d)
	})
}

func sendAtOnce(t *testing.T, d *desk) {
	const senders = 64
	var mu sync.Mutex
	answers := map[string]int{}
	var wg sync.WaitGroup
	for range senders {
		wg.Go(func() {
			id, err := d.send(Request{Destination: inUS, Body: "hello", IdempotencyKey: "once"})
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			answers[id]++
		})
	}
	wg.Wait()
	if counts, err := d.engine.Counts(t.Context()); len(answers) != 1 || counts.Queued != 1 || d.spent(t) != 10_000 || err != nil {
		t.Errorf("answers %v, %d in the store, %s USD spent, %v", answers, counts.Queued, d.spent(t), err)
	}
	if sum, err := d.ledger.Spent(t.Context(), customer, "TEXT", d.now()); err != nil || sum != 10_000 {
		t.Errorf("the ledger says %s, %v", sum, err)
	}
}

// Keys that have expired are forgotten, those that have not are not, however many there
// are.
func TestForgetRepetitions(t *testing.T) {
	d := newDesk(t, nil)
	const old = 510
	keys := func() (n int) {
		for after := int64(math.MinInt64); ; n++ {
			found, err := d.engine.EntriesAfter(t.Context(), store.EntryScan{List: idempotencyList(customer), After: after, Limit: 1})
			if err != nil {
				t.Fatal(err)
			}
			if len(found) == 0 {
				return n
			}
			after = found[0].Key
		}
	}
	change := &store.Change{}
	for i := range old {
		r := newRepetition(customer, Request{IdempotencyKey: fmt.Sprint(i)})
		change.Entries = append(change.Entries, r.entry(&sms.Message{ID: 1, AcceptedAt: d.now()}))
	}
	if err := d.committer.Commit(change); err != nil {
		t.Fatal(err)
	}
	d.sleep(time.Minute)
	r := Request{Destination: simulatorUS, Body: "hello", IdempotencyKey: "young"}
	first, err := d.send(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		sleep time.Duration
		left  int
	}{{0, old + 1}, {IdempotencyLife - time.Minute, 1}, {0, 1}} {
		d.sleep(step.sleep)
		if err := d.ForgetRepetitions(t.Context(), customer); err != nil {
			t.Fatal(err)
		}
		if n := keys(); n != step.left {
			t.Errorf("%d keys are left, want %d", n, step.left)
		}
	}
	if id, err := d.send(r); err != nil || id != first {
		t.Errorf("answered %q, %v", id, err)
	}
}

// meanwhile does something once, right after entries were read.
type meanwhile struct {
	stored Entries
	do     func()
}

func (m *meanwhile) Entries(ctx context.Context, keys []store.EntryKey) ([]*store.Entry, error) {
	defer m.once()
	return m.stored.Entries(ctx, keys)
}

func (m *meanwhile) EntriesAfter(ctx context.Context, scan store.EntryScan) ([]store.Entry, error) {
	defer m.once()
	return m.stored.EntriesAfter(ctx, scan)
}

func (m *meanwhile) once() {
	if do := m.do; do != nil {
		m.do = nil
		do()
	}
}

// Keys are forgotten while requests with them come: neither is a request forgotten that
// has just been accepted, nor one refused whose old entry has just been deleted.
func TestForgetMeanwhile(t *testing.T) {
	var m *meanwhile
	d := newDesk(t, func(o *Options) {
		m = &meanwhile{stored: o.Entries}
		o.Entries = m
	})
	r := Request{Destination: inUS, Body: "hello", IdempotencyKey: "key"}
	send := func() string {
		t.Helper()
		id, err := d.send(r)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	forget := func() {
		t.Helper()
		if err := d.ForgetRepetitions(t.Context(), customer); err != nil {
			t.Fatal(err)
		}
	}
	first := send()
	d.sleep(IdempotencyLife)
	var second string
	m.do = func() { second = send() }
	forget()
	if again := send(); second == "" || second == first || again != second {
		t.Errorf("answered %q, then %q, then %q", first, second, again)
	}
	d.sleep(IdempotencyLife)
	m.do = forget
	third := send()
	if again := send(); third == second || again != third {
		t.Errorf("answered %q, then %q, then %q", second, third, again)
	}
}
