package accept

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
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
// accepted, because its entry may only be put where there is none, or over the one that
// was found to be too old; the others are answered what that one was.
type repetition struct {
	key    store.EntryKey
	digest []byte       // of the idempotency key and the request
	old    *store.Entry // that is too old, if there is one
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
	if again.old = e; e == nil || expired(e, now) {
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
	return store.EntryWrite{Entry: store.Entry{EntryKey: r.key, At: m.AcceptedAt, Mark: int64(m.ID), Doc: r.digest}}.Over(r.old)
}

// commitAttempts is how often a message is committed whose request's entry is found
// neither as it was read nor with an answer: one that was too old is deleted now and then.
const commitAttempts = 4

// commit makes a message durable, unless its request turns out to be the repetition of
// one that was accepted meanwhile: then it answers what that was.
func (v *Service) commit(ctx context.Context, p *Prepared, again *repetition, now time.Time) (first string, err error) {
	for range commitAttempts {
		change := &store.Change{}
		p.Into(change)
		if again != nil {
			change.Entries = append(change.Entries, again.entry(p.message))
		}
		if err = v.committer.Commit(change); err == nil {
			return "", nil
		}
		if again == nil || !store.Overtaken(err) {
			break
		}
		if first, failed := v.firstOf(ctx, again, now); failed != nil || first != "" {
			p.Abandon()
			return first, failed
		}
	}
	p.Abandon()
	return "", refusal(err)
}

// ForgetRepetitions deletes what is known of an account's requests by idempotency keys
// that have expired. It reads the account's list from one end to the other, which is as
// long as the account sent messages with keys since the last time and in the day before;
// one node at a time should do it, now and then. A request that puts over an old entry
// meanwhile is not forgotten with it.
func (v *Service) ForgetRepetitions(ctx context.Context, account string) error {
	now := v.now()
	_, err := store.Forget(ctx, v.entries, v.committer, idempotencyList(account), func(e *store.Entry) bool { return expired(e, now) })
	if err != nil {
		return fmt.Errorf("forget idempotency keys: %w", err)
	}
	return nil
}
