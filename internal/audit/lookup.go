package audit

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"time"

	"heliograph/internal/store"
)

// LookupTarget is the follower that copies records to where they are looked up.
const LookupTarget = "lookup"

// List is where the store has an account's records.
func List(account string) int64 { return store.ListID("audit", account) }

// Committer makes a change durable; store.Committer is the one there is.
type Committer interface {
	CommitWithin(spare time.Duration, change *store.Change) error
}

// lookupSpare is how long records may wait for others to share a transaction.
const lookupSpare = 100 * time.Millisecond

// CopyTo copies records to the store, where every node finds them, until ctx ends; those
// that are younger than keep. One that is copied again is there once.
func (l *Log) CopyTo(ctx context.Context, c Committer, keep time.Duration) {
	l.follow(ctx, LookupTarget, func(_ context.Context, batch []Line) error {
		oldest := l.o.Now().Add(-keep)
		change := &store.Change{}
		for _, line := range batch {
			var r Record
			if err := json.Unmarshal(line.Record, &r); err != nil || r.Time().Before(oldest) {
				continue // what cannot be read here, Verify names
			}
			change.Logs = append(change.Logs, store.LogEvent{Group: List(r.RecipientAccountID), At: r.Time(), Seq: keyOf(line.Sequence, r.EventID), Message: line.Record})
		}
		if len(change.Logs) == 0 {
			return nil
		}
		return c.CommitWithin(lookupSpare, change)
	})
}

// keyOf tells records of one second apart, whatever node they are of, and has those of one
// node in their order.
func keyOf(sequence uint64, eventID string) int64 {
	h := sha256.Sum256([]byte(eventID))
	return int64(sequence<<24&(1<<63-1)) | int64(binary.BigEndian.Uint32(h[:])>>8)
}
