package sns

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"heliograph/internal/store"
)

// DeadLetterList is the list of what the endpoint of a subscription refused for good.
// Its keys are of (slot, Seq), the time is when it was refused.
func DeadLetterList(account, subscription string) int64 {
	return store.ListID("dead-letter", account, subscription)
}

// DeadLetter is a message that an endpoint refused.
type DeadLetter struct {
	MessageID string    `json:"message_id"`
	Published time.Time `json:"published"`
	Refused   time.Time `json:"refused"`
	Reason    string    `json:"reason"`
	Subject   string    `json:"subject,omitempty"`
	Message   string    `json:"message"`
}

// slotBits leaves the rest of a key to the Seq.
const slotBits = 56

func deadLetterKey(account, subscription string, slot int, seq int64) store.EntryKey {
	return store.EntryKey{List: DeadLetterList(account, subscription), Key: int64(slot)<<slotBits | seq}
}

// entry is the dead letter as the store has it.
func (d *DeadLetter) entry(key store.EntryKey) (store.Entry, error) {
	doc, err := json.Marshal(d)
	return store.Entry{EntryKey: key, At: d.Refused, Doc: doc}, err
}

// List is what is read of store.Lists.
type List interface {
	EntriesAfter(ctx context.Context, scan store.EntryScan) ([]store.Entry, error)
}

// DeadLetters reads up to limit dead letters of a subscription after a key, from the
// first with math.MinInt64. next is the key to go on with; more says whether there may
// be any.
func DeadLetters(ctx context.Context, from List, account, subscription string, after int64, limit int) (all []DeadLetter, next int64, more bool, err error) {
	entries, err := from.EntriesAfter(ctx, store.EntryScan{List: DeadLetterList(account, subscription), After: after, Limit: limit})
	if err != nil {
		return nil, 0, false, err
	}
	next = after
	for i := range entries {
		var d DeadLetter
		if err := json.Unmarshal(entries[i].Doc, &d); err != nil {
			return nil, 0, false, err
		}
		all, next = append(all, d), entries[i].Key
	}
	return all, next, len(entries) == limit, nil
}

// CountDeadLetters counts those of a subscription, up to most.
func CountDeadLetters(ctx context.Context, from List, account, subscription string, most int) (n int, err error) {
	const step = 1000
	after := int64(math.MinInt64)
	for n < most {
		entries, err := from.EntriesAfter(ctx, store.EntryScan{List: DeadLetterList(account, subscription), After: after, Limit: min(step, most-n), Bare: true})
		if err != nil {
			return 0, err
		}
		if n += len(entries); len(entries) < step {
			break
		}
		after = entries[len(entries)-1].Key
	}
	return n, nil
}

// expireStep is how many dead letters one change deletes.
const expireStep = 500

// ExpireDeadLetters deletes dead letters of all subscriptions from before a time.
func (s *Subscribers) ExpireDeadLetters(ctx context.Context, from List, before time.Time) error {
	for _, account := range s.Directory.Inventory().Accounts.All() {
		snapshot := s.Directory.Account(account.ID)
		if snapshot == nil {
			continue
		}
		for _, item := range snapshot.Subscriptions.All() {
			if err := s.expire(ctx, from, DeadLetterList(account.ID, item.ID), before); err != nil {
				return fmt.Errorf("dead letters of subscription %s: %w", item.ID, err)
			}
		}
	}
	return nil
}

// expire goes through a list slot by slot: within one the first are the oldest.
func (s *Subscribers) expire(ctx context.Context, from List, list int64, before time.Time) error {
	after := int64(math.MinInt64)
	for {
		entries, err := from.EntriesAfter(ctx, store.EntryScan{List: list, After: after, Limit: expireStep, Bare: true})
		if err != nil || len(entries) == 0 {
			return err
		}
		change := &store.Change{}
		for i := range entries {
			if after = entries[i].Key; !entries[i].At.Before(before) {
				after = (after>>slotBits+1)<<slotBits - 1 // the next slot's
				break
			}
			change.Entries = append(change.Entries, store.EntryWrite{Entry: store.Entry{EntryKey: entries[i].EntryKey}, Delete: true})
		}
		if len(change.Entries) > 0 {
			if err := s.Committer.Commit(change); err != nil {
				return err
			}
		}
	}
}
