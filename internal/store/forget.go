package store

import (
	"context"
	"fmt"
	"math"
	"time"
)

const (
	// forgetRows is how many entries are looked at, and at most deleted in one change.
	forgetRows = 500
	// forgetRest is how many times as long as a page took to be read nothing is done
	// after it.
	forgetRest = 4
	// forgetSpare is how long a deletion may wait for others to share a transaction.
	forgetSpare = 100 * time.Millisecond
	// forgetAttempts is how often a page is read whose entries others write meanwhile,
	// before it is left to the next time.
	forgetAttempts = 4
)

// ListReader is the part of Lists that reads a list.
type ListReader interface {
	EntriesAfter(ctx context.Context, scan EntryScan) ([]Entry, error)
}

// SpareCommitter commits what may wait; a Committer is one.
type SpareCommitter interface {
	CommitWithin(spare time.Duration, change *Change) error
}

// Forget reads a list from one end to the other, with pauses, and deletes the entries
// that go, but for those that are not any more what was read of them. One node at a time
// should do it, now and then; it does no harm where several do.
func Forget(ctx context.Context, lists ListReader, committer SpareCommitter, list int64, goes func(*Entry) bool) (deleted int, err error) {
	scan := EntryScan{List: list, After: math.MinInt64, Limit: forgetRows}
	for attempt := 1; ; {
		began := time.Now()
		page, err := lists.EntriesAfter(ctx, scan)
		if err != nil {
			return deleted, fmt.Errorf("read a list: %w", err)
		}
		took := time.Since(began)
		change := &Change{}
		for i := range page {
			if goes(&page[i]) {
				change.Entries = append(change.Entries, EntryWrite{Entry: Entry{EntryKey: page[i].EntryKey}, Delete: true}.Over(&page[i]))
			}
		}
		if len(change.Entries) > 0 {
			switch err := committer.CommitWithin(forgetSpare, change); {
			case Overtaken(err) && attempt < forgetAttempts:
				attempt++
				continue
			case err == nil:
				deleted += len(change.Entries)
			case !Overtaken(err):
				return deleted, fmt.Errorf("delete entries of a list: %w", err)
			}
		}
		if len(page) < scan.Limit {
			return deleted, nil
		}
		attempt, scan.After = 1, page[len(page)-1].Key
		select {
		case <-ctx.Done():
			return deleted, ctx.Err()
		case <-time.After(forgetRest * took):
		}
	}
}
