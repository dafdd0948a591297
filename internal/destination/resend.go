package destination

import (
	"context"
	"iter"
	"time"
)

// Chunks cuts a batch into runs of at most most items whose JSON, with overhead
// bytes more for each, has at most bytes bytes. It yields the index of each run's
// first item. An item that is too large by itself is a run of its own.
func Chunks(batch []Item, most, bytes, overhead int) iter.Seq2[int, []Item] {
	return func(yield func(int, []Item) bool) {
		for start := 0; start < len(batch); {
			end, size := start, 0
			for end < len(batch) && end-start < most {
				size += len(batch[end].JSON) + overhead
				if size > bytes && end > start {
					break
				}
				end++
			}
			if !yield(start, batch[start:end]) {
				return
			}
			start = end
		}
	}
}

const (
	resends     = 3
	resendPause = 50 * time.Millisecond
)

// Resend calls send with a batch, and again with the items that were not taken,
// three times at most and with short pauses. send gives the indices, ascending,
// of the items that were not taken, and why. The result is the same for the
// whole. An error of send without indices is about all its items, and ends it:
// the client that send uses has tried again itself.
func Resend(ctx context.Context, batch []Item, send func(context.Context, []Item) ([]int, error)) ([]int, error) {
	left := make([]int, len(batch))
	for i := range left {
		left[i] = i
	}
	for try := 1; ; try++ {
		failed, err := send(ctx, batch)
		if err == nil {
			return nil, nil
		}
		if failed == nil {
			return left, err
		}
		again := make([]Item, len(failed))
		indices := make([]int, len(failed))
		for i, f := range failed {
			again[i], indices[i] = batch[f], left[f]
		}
		batch, left = again, indices
		if try == resends || !sleep(ctx, resendPause<<(try-1)) {
			return left, err
		}
	}
}

// sleep waits and is false if ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
