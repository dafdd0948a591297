package feedback

import (
	"context"
	"fmt"
	"math"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

const (
	// sweepEvery is how often messages that waited for long enough are looked for.
	sweepEvery = time.Minute
	// grace is how much longer than the hour they are left alone, so that feedback that
	// is put at its end on another node is written by then.
	grace = time.Minute
	batch = 256
)

// Run sweeps again and again, until ctx ends.
func (f *Flow) Run(ctx context.Context) {
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if err := f.Sweep(ctx); err != nil && ctx.Err() == nil {
			f.o.Log.Error("the wait for message feedback cannot be ended", "error", err)
		}
	}
}

// Sweep writes FAILED for the messages that had no feedback within the hour, as long as
// it is for this node to do.
func (f *Flow) Sweep(ctx context.Context) error {
	now := f.o.Now()
	end := sms.FirstID(now.Add(-Wait - grace))
	sum := 0
	for after := int64(math.MinInt64); f.o.Mine(); {
		entries, err := f.o.Lists.EntriesAfter(ctx, store.EntryScan{List: f.list, After: after, Limit: batch})
		if err != nil {
			return fmt.Errorf("read the messages that wait for feedback: %w", err)
		}
		var ids []sms.ID
		for i := range entries {
			if id := sms.ID(entries[i].Key); id < end {
				ids, after = append(ids, id), entries[i].Key
			}
		}
		if err := f.fail(ctx, ids, now); err != nil {
			return err
		}
		if sum += len(ids); len(ids) < batch {
			break
		}
	}
	if sum > 0 {
		f.o.Log.Info("messages had no feedback within an hour", "messages", sum)
	}
	return nil
}

// fail writes FAILED for messages, as far as they are there still.
func (f *Flow) fail(ctx context.Context, ids []sms.ID, now time.Time) error {
	if len(ids) == 0 {
		return nil
	}
	messages, err := f.o.Messages.Fill(ctx, f.o.Engine, ids)
	if err != nil {
		return fmt.Errorf("read messages that wait for feedback: %w", err)
	}
	change := &store.Change{}
	for i, m := range messages {
		change.Entries = append(change.Entries, f.ended(ids[i]))
		if m != nil {
			change.Append = append(change.Append, event(m, Failed, now))
		}
	}
	if err := f.o.Committer.Commit(change); err != nil {
		return fmt.Errorf("write that there was no feedback: %w", err)
	}
	f.o.Metrics.Feedback.WithLabelValues(Failed).Add(float64(len(change.Append)))
	return nil
}
