package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// applier is an engine whose Apply is the function.
type applier struct {
	Engine
	apply func(changes []*Change) error
}

func (a applier) Apply(_ context.Context, _ Fence, changes []*Change) error { return a.apply(changes) }

// change is a change that can be told from others by its Unmark.
func change(n int64) *Change { return &Change{Unmark: []SlotSeq{{Seq: n}}} }

func numbers(changes []*Change) (out []int64) {
	for _, c := range changes {
		for _, u := range c.Unmark {
			out = append(out, u.Seq)
		}
	}
	return out
}

func TestCommitterGathersWhileAnotherTransactionRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var batches [][]int64
		var observed []int64
		e := applier{apply: func(changes []*Change) error {
			time.Sleep(time.Millisecond)
			batches = append(batches, numbers(changes))
			return nil
		}}
		c := NewCommitter(e, Fence{Slot: 1, Epoch: 2}, CommitterOptions{
			Observers: []func([]*Change){func(changes []*Change) { observed = append(observed, numbers(changes)...) }}})
		if c.Fence() != (Fence{Slot: 1, Epoch: 2}) {
			t.Errorf("fence is %v", c.Fence())
		}
		answered := 0
		for n := range int64(1500) {
			if n == 1 {
				synctest.Wait() // the first is being applied
			}
			c.Enqueue(change(n), func(err error) {
				if err != nil || len(observed) <= int(n) {
					t.Errorf("change %d was answered %v, %d observed", n, err, len(observed))
				}
				answered++
			})
		}
		c.Close()
		if answered != 1500 || len(batches) != 4 || len(batches[0]) != 1 || len(batches[1]) != maxBatch {
			t.Errorf("%d answers from %d batches", answered, len(batches))
		}
		if !slices.IsSorted(observed) || len(observed) != 1500 {
			t.Errorf("observed %d changes, not in the order they were handed in", len(observed))
		}
	})
}

func TestCommitterClose(t *testing.T) {
	applied := 0
	c := NewCommitter(applier{apply: func(changes []*Change) error { applied += len(changes); return nil }}, Fence{}, CommitterOptions{})
	var wg sync.WaitGroup
	for n := range 10 {
		wg.Add(1)
		c.Enqueue(change(int64(n)), func(err error) {
			if err != nil {
				t.Error(err)
			}
			wg.Done()
		})
	}
	c.Close()
	c.Close()
	wg.Wait()
	if applied != 10 {
		t.Errorf("%d of 10 changes were applied", applied)
	}
	if err := c.Commit(change(11)); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func TestCommitterAnswersEachChangeItsOwnError(t *testing.T) {
	c := NewCommitter(applier{apply: func(changes []*Change) error {
		for _, one := range changes {
			if one.Unmark[0].Seq == 2 {
				one.Err = ErrVersion
			}
		}
		return nil
	}}, Fence{}, CommitterOptions{})
	defer c.Close()
	for n, want := range []error{nil, nil, ErrVersion, nil} {
		if err := c.Commit(change(int64(n))); !errors.Is(err, want) {
			t.Errorf("change %d: %v", n, err)
		}
	}
}

func TestCommitterErrorsOfTheDatabase(t *testing.T) {
	for _, kind := range []error{ErrFull, ErrUnavailable, ErrFenced, ErrBroken} {
		t.Run(kind.Error(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				transactions, fatal, told := 0, 0, 0
				c := NewCommitter(applier{apply: func([]*Change) error {
					transactions++
					time.Sleep(time.Millisecond)
					return fmt.Errorf("apply: %w", kind)
				}}, Fence{}, CommitterOptions{
					Observers: []func([]*Change){func([]*Change) { t.Error("a failed batch was observed") }},
					Fatal:     func(error) { fatal++ },
					Stats: func(changes int, took time.Duration, err error) {
						if told++; changes == 0 || took != time.Millisecond || !errors.Is(err, kind) {
							t.Errorf("told of %d changes, %v, %v", changes, took, err)
						}
					},
				})
				failed := 0
				for n := range 3 {
					c.Enqueue(change(int64(n)), func(err error) {
						if errors.Is(err, kind) {
							failed++
						}
					})
					synctest.Wait()
				}
				c.Close()
				if failed != 3 || transactions != 2 || told != 2 {
					t.Errorf("%d failed in %d transactions, %d told", failed, transactions, told)
				}
				want := 0
				if kind == ErrFenced || kind == ErrBroken {
					want = 1
				}
				if fatal != want {
					t.Errorf("fatal was called %d times, want %d", fatal, want)
				}
			})
		})
	}
}

// A change that the engine chokes on must not take its neighbours with it.
func TestCommitterIsolatesABadChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var written []int64
		bad := errors.New("constraint failed")
		c := NewCommitter(applier{apply: func(changes []*Change) error {
			time.Sleep(time.Millisecond)
			if slices.Contains(numbers(changes), 5) {
				return bad
			}
			written = append(written, numbers(changes)...)
			return nil
		}}, Fence{}, CommitterOptions{})
		for n := range int64(10) {
			c.Enqueue(change(n), func(err error) {
				if (n == 5) != errors.Is(err, bad) || n != 5 && err != nil {
					t.Errorf("change %d: %v", n, err)
				}
			})
		}
		c.Close()
		if want := []int64{0, 1, 2, 3, 4, 6, 7, 8, 9}; !slices.Equal(written, want) {
			t.Errorf("wrote %v", written)
		}
	})
}

// While a transaction does not end, what is not part of it is refused, and then
// taken again.
func TestCommitterLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := time.Duration(0)
		e := applier{apply: func([]*Change) error {
			time.Sleep(slow)
			return nil
		}}
		c := NewCommitter(e, Fence{}, CommitterOptions{Limit: time.Second})
		commit := func(wantErr error, wantTook time.Duration) {
			t.Helper()
			began := time.Now()
			if err := c.Commit(change(1)); !errors.Is(err, wantErr) || time.Since(began) != wantTook {
				t.Errorf("%v after %v, want %v after %v", err, time.Since(began), wantErr, wantTook)
			}
		}
		commit(nil, 0)
		slow = 999 * time.Millisecond
		commit(nil, slow)
		slow = time.Minute
		var wg sync.WaitGroup
		wg.Go(func() { commit(nil, time.Minute) })
		synctest.Wait()
		// Handed in before the limit: refused when it is reached. Afterwards: at once.
		wg.Go(func() { commit(ErrUnavailable, time.Second) })
		time.Sleep(2 * time.Second)
		commit(ErrUnavailable, 0)
		slow = 0
		wg.Wait()
		commit(nil, 0)
		time.Sleep(time.Hour) // no clock runs on
		commit(nil, 0)
		c.Close()
	})
}

// A change with time to spare waits for one that has none, and no longer than it
// may. Order stays that of handing in.
func TestCommitterSharesTransactionsWithWhatCanWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var batches [][]int64
		c := NewCommitter(applier{apply: func(changes []*Change) error {
			batches = append(batches, numbers(changes))
			return nil
		}}, Fence{}, CommitterOptions{})
		began := time.Now()
		var wg sync.WaitGroup
		hand := func(n int64, spare, want time.Duration) {
			c.EnqueueWithin(spare, change(n), func(err error) {
				if took := time.Since(began); err != nil || took != want {
					t.Errorf("change %d: %v after %v, want it after %v", n, err, took, want)
				}
				wg.Done()
			})
			wg.Add(1)
		}
		const ms = time.Millisecond
		hand(1, 10*ms, 3*ms)
		hand(2, 20*ms, 3*ms)
		time.Sleep(3 * ms)
		hand(3, 0, 3*ms) // takes both along
		synctest.Wait()
		hand(4, 10*ms, 5*ms)
		hand(5, 2*ms, 5*ms) // the shortest time counts
		hand(6, 10*ms, 5*ms)
		wg.Wait()
		hand(7, 10*ms, 15*ms) // after them time is counted anew
		wg.Wait()
		time.Sleep(time.Hour)
		if want := [][]int64{{1, 2, 3}, {4, 5, 6}, {7}}; !slices.EqualFunc(batches, want, slices.Equal) {
			t.Errorf("batches %v, want %v", batches, want)
		}
		began = time.Now()
		hand(8, time.Minute, 0)
		c.Close()
		wg.Wait()
	})
}

// Where several callers wait, the next transaction lets more of them come
// together; where one is alone, or what came can wait, none begins later.
func TestCommitterGathersForACrowd(t *testing.T) {
	for _, tc := range []struct {
		name         string
		hasty, spare int // changes of a transaction
		want         time.Duration
	}{{"alone", 1, 0, 0}, {"among what can wait", 1, 2 * crowd, 0}, {"in a crowd", crowd, 0, gatherTime}} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := NewCommitter(applier{apply: func([]*Change) error {
					time.Sleep(time.Millisecond)
					return nil
				}}, Fence{}, CommitterOptions{})
				defer c.Close()
				began := time.Now()
				ignore := func(error) {}
				c.Enqueue(change(0), ignore)
				synctest.Wait() // it is being applied
				for n := range tc.spare {
					c.EnqueueWithin(time.Hour, change(int64(n)), ignore)
				}
				for n := range tc.hasty {
					c.Enqueue(change(int64(n)), ignore)
				}
				time.Sleep(time.Millisecond * 3 / 2) // so are they
				if err := c.Commit(change(99)); err != nil || time.Since(began) != 3*time.Millisecond+tc.want {
					t.Errorf("%v after %v, want it after three transactions and %v", err, time.Since(began), tc.want)
				}
			})
		})
	}
}
