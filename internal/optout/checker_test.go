package optout

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"heliograph/internal/store"
)

// slow is a store whose reads take a second. The numbers that end in 7 are on its
// lists; reads of a list of bad fail.
type slow struct {
	mu      sync.Mutex
	batches []int
	longest time.Duration // that a read's context would let it take
	current int
	most    int // reads at the same time
	bad     int64
}

var errDown = errors.New("the database is down")

func (s *slow) Entries(ctx context.Context, keys []store.EntryKey) ([]*store.Entry, error) {
	s.mu.Lock()
	s.batches = append(s.batches, len(keys))
	s.current++
	s.most = max(s.most, s.current)
	if deadline, ok := ctx.Deadline(); ok {
		s.longest = time.Until(deadline)
	}
	s.mu.Unlock()
	time.Sleep(time.Second)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.current--
	entries := make([]*store.Entry, len(keys))
	for i, k := range keys {
		if k.List == s.bad {
			return nil, errDown
		}
		if k.Key%10 == 7 {
			entries[i] = &store.Entry{EntryKey: k, Mark: ByHand}
		} else if k.Key%10 == 8 {
			entries[i] = &store.Entry{EntryKey: k, Mark: OptedIn}
		}
	}
	return entries, nil
}

func TestCheckerReadsAtOnceForOneWhoIsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &slow{}
		c := NewChecker(s)
		for number, want := range map[string]bool{"+491761234567": true, "491761234567": true, "+491761234568": false, "+491761234569": false} {
			began := time.Now()
			got, err := c.OptedOut(t.Context(), 1, number)
			if got != want || err != nil {
				t.Errorf("%s: %v, %v", number, got, err)
			}
			if took := time.Since(began); took != time.Second {
				t.Errorf("%s took %s, one read takes a second", number, took)
			}
		}
		if len(s.batches) != 4 || s.longest != readLimit {
			t.Errorf("reads of %v rows, within %s", s.batches, s.longest)
		}
		if got, err := c.OptedOut(t.Context(), 1, "HELIO"); got || err != nil || len(s.batches) != 4 {
			t.Errorf("what is no number: %v, %v", got, err)
		}
	})
}

func TestCheckerSharesReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &slow{}
		c := NewChecker(s)
		var wg sync.WaitGroup
		for i := range 1000 {
			wg.Go(func() {
				got, err := c.OptedOut(t.Context(), int64(1+i%3), fmt.Sprintf("+49176000%04d", i))
				if got != (i%10 == 7) || err != nil {
					t.Errorf("number %d: %v, %v", i, got, err)
				}
			})
		}
		wg.Wait()
		rows := 0
		for _, n := range s.batches {
			rows += n
			if n > maxBatch {
				t.Errorf("%d rows were read at once", n)
			}
		}
		if rows != 1000 || c.RowsRead() != 1000 || s.most > maxReads || len(s.batches) > 8 {
			t.Errorf("%d rows in %d reads, %d of them at once", rows, len(s.batches), s.most)
		}
		synctest.Wait()
		if c.reading != 0 || c.waiting != nil {
			t.Errorf("%d reads are under way for nobody", c.reading)
		}
	})
}

func TestCheckerFailsThoseOfABatchOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &slow{bad: 9}
		c := NewChecker(s)
		errs := make([]error, 6)
		var wg sync.WaitGroup
		ask := func(i int, list int64) {
			wg.Go(func() { _, errs[i] = c.OptedOut(t.Context(), list, "+491761234567") })
			synctest.Wait()
		}
		ask(0, 1) // the two reads that there may be
		ask(1, 9)
		ask(2, 1) // those that wait for the next one
		ask(3, 1)
		wg.Wait()
		ask(4, 9)
		wg.Wait()
		ask(5, 1)
		wg.Wait()
		for i, want := range []error{nil, errDown, nil, nil, errDown, nil} {
			if !errors.Is(errs[i], want) {
				t.Errorf("lookup %d: %v, want %v", i, errs[i], want)
			}
		}
	})
}

func TestCheckerKeepsNobodyWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &slow{}
		c := NewChecker(s)
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		began := time.Now()
		var patient bool
		var wg sync.WaitGroup
		wg.Go(func() { patient, _ = c.OptedOut(t.Context(), 1, "+491761234567") })
		_, err := c.OptedOut(ctx, 1, "+491761234567")
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 300*time.Millisecond {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
		wg.Wait()
		if !patient {
			t.Error("one who gives up takes the answer of another away")
		}
		read := len(s.batches)
		if _, err := c.OptedOut(ctx, 1, "+491761234567"); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		synctest.Wait()
		if len(s.batches) != read {
			t.Error("a read is made for a caller that is gone")
		}
	})
}
