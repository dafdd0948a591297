//go:build postgres

package postgres

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/store/pgtest"
)

// The server ends again and again, in order and as in a crash, while callers
// commit. What was answered is there, what was refused is not, and work goes on
// by itself.
func TestOutage(t *testing.T) {
	cluster := pgtest.Start(t, pgtest.Options{Fsync: true})
	n := join(t, open(t, cluster.Database(), Options{}), "a")
	committer := store.NewCommitter(n.Engine, n.fence, store.CommitterOptions{Fatal: func(err error) { t.Error(err) }})
	ctx, stop := context.WithCancel(t.Context())
	var mu sync.Mutex
	kept, refused := map[sms.ID]bool{}, 0
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for ctx.Err() == nil {
				change, m := n.accept(1)
				err := committer.Commit(change)
				mu.Lock()
				if err == nil {
					kept[m.ID] = true
				} else if refused++; !errors.Is(err, store.ErrUnavailable) {
					t.Error(err)
				}
				mu.Unlock()
				if err != nil {
					time.Sleep(time.Millisecond)
				}
			}
		})
	}
	progress := func() {
		t.Helper()
		count := func() int {
			mu.Lock()
			defer mu.Unlock()
			return len(kept)
		}
		for before, deadline := count(), time.Now().Add(20*time.Second); count() < before+50; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("nothing is committed")
			}
		}
	}
	for i := range 4 {
		progress()
		if i%2 == 0 {
			cluster.Kill()
		} else {
			cluster.Stop()
		}
		if _, err := n.Counts(t.Context()); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("reading while the server is away: %v", err)
		}
		if err := n.Renew(t.Context(), n.fence); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("renewing while the server is away: %v", err)
		}
		cluster.Start()
	}
	progress()
	stop()
	wg.Wait()
	committer.Close()
	var there []store.Queued
	for after := (store.Place{}); ; after = there[len(there)-1].Place() {
		page, err := n.QueuedAfter(t.Context(), "acme", after, 1000)
		if err != nil {
			t.Fatal(err)
		}
		if there = append(there, page...); len(page) < 1000 {
			break
		}
	}
	for _, q := range there {
		if !kept[q.ID] {
			t.Errorf("message %d was refused and is there", q.ID)
		}
		delete(kept, q.ID)
	}
	if len(kept) > 0 {
		t.Errorf("%d messages were answered and are lost", len(kept))
	}
	if n.spent() != sms.Money(len(there)) {
		t.Errorf("spent %d for %d messages", n.spent(), len(there))
	}
	if last, err := n.LastSeq(t.Context(), n.fence.Slot); err != nil || last != int64(len(there)) {
		t.Errorf("%d events of %d messages, %v", last, len(there), err)
	}
	t.Logf("%d messages, %d refused", len(there), refused)
}

// An engine that is closed while it waits to learn what became of a commit says
// that it does not know.
func TestCloseInOutage(t *testing.T) {
	g := new(gate)
	cluster := pgtest.Start(t, pgtest.Options{})
	n := join(t, open(t, cluster.Database(), Options{dial: g.dial}), "a")
	points := n.points(g)
	s := n.set()
	g.arm(stall, points-1, false)
	answer := make(chan error)
	go func() { answer <- n.Apply(t.Context(), n.fence, s.batch) }()
	<-g.reached
	cluster.Kill()
	close(g.release)
	if err := n.Close(); err != nil {
		t.Error(err)
	}
	if err := <-answer; !errors.Is(err, store.ErrUnknown) {
		t.Errorf("%v", err)
	}
}

// While a synchronous standby is awaited nothing is answered: the server commits on
// its own machine as soon as it is told to wait no longer, and says so in a warning.
func TestStandbyAway(t *testing.T) {
	cluster := pgtest.Start(t, pgtest.Options{})
	url := cluster.Database()
	n := join(t, open(t, url, Options{CommitTimeout: 150 * time.Millisecond, Patience: 10 * time.Millisecond}), "a")
	standbys := func(names string) {
		cluster.Exec(url, "ALTER SYSTEM SET synchronous_standby_names = '"+names+"'")
		cluster.Exec(url, "SELECT pg_reload_conf()")
	}
	// A setting that is read anew is seen by each process of the server in its own
	// time, and it is the checkpointer that has commits wait from then on.
	awaited := func() <-chan error {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
			committed := make(chan error, 1)
			go func() {
				committed <- pgtest.Exec(context.Background(), url, "SELECT pg_logical_emit_message(true, 'test', 'a commit')")
			}()
			for ended := false; !ended; {
				select {
				case err := <-committed:
					if err != nil {
						t.Fatal(err)
					}
					ended = true // without waiting; once more
				case <-time.After(time.Millisecond):
					if n.count("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'") > 0 {
						return committed
					}
				}
			}
		}
		t.Fatal("commits do not wait for a standby")
		return nil
	}
	for range 2 {
		s := n.set()
		standbys("nobody")
		other := awaited()
		for n.show(t, "synchronous_standby_names") != "nobody" {
			time.Sleep(time.Millisecond)
		}
		answer := make(chan error, 1)
		go func() { answer <- n.Apply(t.Context(), n.fence, s.batch) }()
		select {
		case err := <-answer:
			t.Errorf("answered %v without the standby", err)
		case <-time.After(500 * time.Millisecond):
			standbys("")
			if err := <-answer; err != nil {
				t.Fatal(err)
			}
		}
		standbys("")
		if err := <-other; err != nil {
			t.Error(err)
		}
		if !n.look(s) {
			t.Error("it did not happen")
		}
	}
}
