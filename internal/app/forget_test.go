package app

import (
	"math"
	"slices"
	"testing"
	"time"

	"heliograph/internal/optout"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// Of every list that grows, the entries go that nothing depends on any more, and no
// others.
func TestForgetLists(t *testing.T) {
	s, end := serviceOf(t, t.TempDir(), carriersOfTest)
	defer end()
	account, at := s.cfg.Account, now()
	s.cfg.Retention.Messages = 10 * 24 * time.Hour
	const number = "+447700900001"
	if err := s.directory.Change(t.Context(), account, func(tx *resources.Tx) error {
		tx.PhoneNumbers.Put("phone", sms.PhoneNumber{ID: "phone", Number: number, Country: "GB", Type: sms.LongCode, Status: sms.NumberActive, Carrier: "acme"})
		tx.Protect.Put("protect", sms.ProtectConfiguration{ID: "protect", Overrides: true})
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	optOuts := s.directory.Account(account).OptOutLists.Get(sms.DefaultOptOutList)
	conversations := store.ListID(sms.ConversationList(account, number)...)
	overrides := store.ListID(sms.OverrideList(account, "protect")...)
	numbers := optout.List(account, &optOuts.Value, optOuts.Created)
	ago := func(days float64) time.Time { return at.Add(-time.Duration(days * 24 * float64(time.Hour))) }
	change := &store.Change{}
	add := func(list, key int64, mark int64, added, until time.Time) {
		change.Entries = append(change.Entries, store.EntryWrite{Entry: store.Entry{EntryKey: store.EntryKey{List: list, Key: key}, At: added, Mark: mark, Until: until}})
	}
	add(conversations, 1, 77, ago(11), time.Time{})
	add(conversations, 2, 77, ago(9.9), time.Time{})
	add(overrides, 1, sms.OverrideAllow, ago(90), ago(1.1))
	add(overrides, 2, sms.OverrideBlock, ago(90), ago(0.9))
	add(overrides, 3, sms.OverrideBlock, ago(90), time.Time{})
	add(overrides, 4, sms.OverrideAllow, ago(90), ago(-1))
	add(numbers, 1, optout.OptedIn, ago(90), ago(30.1))
	add(numbers, 2, optout.OptedIn, ago(90), ago(29.9))
	add(numbers, 3, optout.ByHand, ago(90), ago(90))
	add(numbers, 4, optout.ByEndUser, ago(90), time.Time{})
	if err := s.committer.Commit(change); err != nil {
		t.Fatal(err)
	}
	check := func(when string, want map[int64][]int64) {
		t.Helper()
		for list, keys := range want {
			found, err := s.lists.EntriesAfter(t.Context(), store.EntryScan{List: list, After: math.MinInt64, Limit: 100})
			var left []int64
			for _, e := range found {
				left = append(left, e.Key)
			}
			if err != nil || !slices.Equal(left, keys) {
				t.Errorf("%s: %v of list %d are left, want %v; %v", when, left, list, keys, err)
			}
		}
	}
	s.forgetLists(t.Context(), at)
	check("now", map[int64][]int64{conversations: {2}, overrides: {2, 3, 4}, numbers: {2, 3, 4}})
	s.cfg.Retention.Messages = 0
	s.forgetLists(t.Context(), at.Add(1000*24*time.Hour))
	check("in years, with messages that are kept for ever", map[int64][]int64{conversations: {2}, overrides: {3}, numbers: {3, 4}})
}
