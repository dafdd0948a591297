package app

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"heliograph/internal/resources"
	"heliograph/internal/sms"
	"heliograph/internal/store"
)

func TestDropped(t *testing.T) {
	s, end := serviceOf(t, t.TempDir(), carriersOfTest)
	defer end()
	account := s.cfg.Account
	list, group := store.ListID("list"), store.ListID("group")
	if err := s.directory.Change(t.Context(), account, func(tx *resources.Tx) error {
		for id, log := range map[int64]bool{list: false, group: true} {
			tx.Dropped.Put(strconv.FormatInt(id, 10), resources.Dropped{List: id, Log: log})
		}
		tx.LogGroups.Put("kept", sms.LogGroup{Name: "kept", RetentionDays: 3})
		tx.LogGroups.Put("for ever", sms.LogGroup{Name: "for ever"})
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	lists, logs := dropOf(s.directory, now())
	if len(lists) != 0 || len(logs) != 1 {
		t.Errorf("at once: %v, %v", lists, logs)
	}
	later := now().Add(2 * dropAfter)
	lists, logs = dropOf(s.directory, later)
	slices.Sort(lists)
	want := []int64{min(list, group), max(list, group)}
	kept := s.directory.Account(account).LogGroups.Get("kept")
	lines := store.ListID(sms.LogGroupList(account, "kept", kept.Created)...)
	if !slices.Equal(lists, want) || len(logs) != 2 || !logs[lines].Equal(later.AddDate(0, 0, -3)) || !logs[group].After(later.AddDate(1000, 0, 0)) {
		t.Errorf("then: %v of %v, %v", lists, want, logs)
	}
	s.dropped(t.Context(), append(lists, 7))
	if lists, logs := dropOf(s.directory, later); len(lists) != 0 || len(logs) != 1 || s.directory.Inventory().Dropped.Len() != 0 {
		t.Errorf("at last: %v, %v", lists, logs)
	}
}

// What was dropped is deleted by retention, and then forgotten.
func TestDroppedListsAreDeleted(t *testing.T) {
	s, end := serviceOf(t, t.TempDir(), carriersOfTest)
	defer end()
	key := store.EntryKey{List: store.ListID("list"), Key: 7}
	if err := s.directory.Change(t.Context(), s.cfg.Account, func(tx *resources.Tx) error {
		tx.Dropped.Put(strconv.FormatInt(key.List, 10), resources.Dropped{List: key.List})
		tx.Entries = append(tx.Entries, store.EntryWrite{Entry: store.Entry{EntryKey: key}})
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	pass := store.Pass{Within: time.Second}
	for pass.Lists, pass.Logs = dropOf(s.directory, now().Add(time.Hour)); !pass.Done(); {
		if _, err := s.place.pruner.Prune(t.Context(), s.place.fence, &pass); err != nil {
			t.Fatal(err)
		}
	}
	found, err := s.engine.(store.Lists).Entries(t.Context(), []store.EntryKey{key})
	if err != nil || found[0] != nil {
		t.Errorf("%+v, %v", found[0], err)
	}
}
