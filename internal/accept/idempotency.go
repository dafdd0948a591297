package accept

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// IdempotencyLife is how long a request is known by its idempotency key.
const IdempotencyLife = 24 * time.Hour

// repetition is a request that has an idempotency key. What it was answered is an entry
// of the account's list: the key is made of the idempotency key, Mark is the message's
// ID, At its acceptance, and Doc tells whether the same was asked for.
//
// Of requests that come at the same time with one key, at whatever nodes, one is
// accepted, because its entry may only be put where there is none; the others are
// answered what that one was. An entry that is too old is put over: of several that find
// the same old one at the same moment more than one may be accepted.
type repetition struct {
	key    store.EntryKey
	digest []byte // of the idempotency key and the request
	over   bool   // there is an entry that is too old
}

// idempotencyList is where an account's answers are.
func idempotencyList(account string) int64 { return store.ListID("idempotency", account) }

// repeated looks whether a request was made before with its idempotency key, and what it
// was answered. The repetition is nil for a request without a key, and for a dry run,
// which makes nothing that could be made twice.
//
// Errors: Conflict RESOURCE_ALREADY_EXISTS where the key was used for another request, as
// for the ClientToken of other operations.
func (v *Service) repeated(ctx context.Context, account string, r *Request, now time.Time) (again *repetition, first string, err error) {
	if r.IdempotencyKey == "" || r.DryRun {
		return nil, "", nil
	}
	again = newRepetition(account, *r)
	first, err = v.firstOf(ctx, again, now)
	return again, first, err
}

func newRepetition(account string, r Request) *repetition {
	name := sha256.Sum256([]byte(r.IdempotencyKey))
	r.Trace = nil
	asked, err := json.Marshal(r)
	if err != nil {
		panic(fmt.Sprintf("a request is not JSON: %v", err)) // it has only texts and numbers
	}
	digest := sha256.Sum256(asked)
	return &repetition{key: store.EntryKey{List: idempotencyList(account), Key: int64(binary.BigEndian.Uint64(name[:]) >> 1)}, digest: digest[:]}
}

// firstOf is what the first request with the key was answered, empty where there was none
// in the last 24 hours.
func (v *Service) firstOf(ctx context.Context, again *repetition, now time.Time) (messageID string, err error) {
	found, err := v.entries.Entries(ctx, []store.EntryKey{again.key})
	if err != nil {
		return "", fmt.Errorf("look the idempotency key up: %w", err)
	}
	e := found[0]
	if again.over = e != nil && expired(e, now); e == nil || again.over {
		return "", nil
	}
	id := v.messageID.Format(sms.ID(e.Mark))
	if string(e.Doc) != string(again.digest) {
		return "", sms.Conflict(sms.ReasonResourceAlreadyExists, sms.TypeMessage, id,
			"The Idempotency-Key was used in the last 24 hours for a request with other parameters; use a new one.")
	}
	return id, nil
}

func expired(e *store.Entry, now time.Time) bool { return now.Sub(e.At) >= IdempotencyLife }

// entry is what is written with the message that the request is answered with.
func (r *repetition) entry(m *sms.Message) store.EntryWrite {
	return store.EntryWrite{Entry: store.Entry{EntryKey: r.key, At: m.AcceptedAt, Mark: int64(m.ID), Doc: r.digest}, Absent: !r.over}
}

const (
	// forgetRows is how many entries are looked at, and at most deleted in one change.
	forgetRows = 500
	// forgetSpare is how long their deletion may wait for others to share a transaction.
	forgetSpare = 100 * time.Millisecond
)

// ForgetRepetitions deletes what is known of an account's requests by idempotency keys
// that have expired. It reads the account's list from one end to the other, which is as
// long as the account sent messages with keys since the last time and in the day before;
// one node at a time should do it, now and then.
func (v *Service) ForgetRepetitions(ctx context.Context, account string) error {
	now, scan := v.now(), store.EntryScan{List: idempotencyList(account), After: math.MinInt64, Limit: forgetRows}
	for {
		found, err := v.entries.EntriesAfter(ctx, scan)
		if err != nil {
			return fmt.Errorf("read idempotency keys: %w", err)
		}
		change := &store.Change{}
		for i := range found {
			if scan.After = found[i].Key; expired(&found[i], now) {
				change.Entries = append(change.Entries, store.EntryWrite{Entry: store.Entry{EntryKey: found[i].EntryKey}, Delete: true})
			}
		}
		if len(change.Entries) > 0 {
			if err := v.committer.CommitWithin(forgetSpare, change); err != nil {
				return fmt.Errorf("delete idempotency keys: %w", err)
			}
		}
		if len(found) < scan.Limit || ctx.Err() != nil {
			return ctx.Err()
		}
	}
}
