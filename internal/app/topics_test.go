package app

import (
	"math"
	"net"
	"testing"
	"time"

	"heliograph/internal/config"
	"heliograph/internal/embedded/sns"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
	"heliograph/internal/store"
)

func TestKeepDeadLetters(t *testing.T) {
	for _, tt := range []struct{ events, bodies, numbers, want time.Duration }{
		{events: 5 * time.Hour, want: 5 * time.Hour},
		{events: 5 * time.Hour, bodies: 6 * time.Hour, numbers: 7 * time.Hour, want: 5 * time.Hour},
		{events: 5 * time.Hour, bodies: 3 * time.Hour, want: 3 * time.Hour},
		{events: 5 * time.Hour, numbers: 4 * time.Hour, want: 4 * time.Hour},
		{events: 5 * time.Hour, bodies: 3 * time.Hour, numbers: 2 * time.Hour, want: 2 * time.Hour},
		{events: 5 * time.Hour, bodies: 2 * time.Hour, numbers: 3 * time.Hour, want: 2 * time.Hour},
	} {
		cfg := config.Config{Events: config.Events{Retention: tt.events}, Retention: config.Retention{Bodies: tt.bodies, Numbers: tt.numbers}}
		if got := keepDeadLetters(cfg); got != tt.want {
			t.Errorf("%+v: %s", tt, got)
		}
	}
}

// Dead letters are gone when the texts of messages are, however long events wait.
func TestDropDeadLetters(t *testing.T) {
	s, end := serviceOf(t, t.TempDir(), carriersOfTest+"retention:\n  bodies: 2h\n")
	defer end()
	if err := s.openTopics(&net.TCPAddr{}); err != nil {
		t.Fatal(err)
	}
	list := sns.DeadLetterList(s.cfg.Account, "subscription")
	if err := s.directory.Change(t.Context(), s.cfg.Account, func(tx *resources.Tx) error {
		tx.Subscriptions.Put("subscription", sms.Subscription{})
		for key, age := range map[int64]time.Duration{1: 3 * time.Hour, 2: time.Hour} {
			tx.Entries = append(tx.Entries, store.EntryWrite{Entry: store.Entry{EntryKey: store.EntryKey{List: list, Key: key},
				At: now().Add(-age), Doc: []byte("{}")}})
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.dropDeadLetters(t.Context()); err != nil {
		t.Fatal(err)
	}
	left, err := s.lists.EntriesAfter(t.Context(), store.EntryScan{List: list, After: math.MinInt64, Limit: 10})
	if err != nil || len(left) != 1 || left[0].Key != 2 {
		t.Errorf("left are %+v, %v", left, err)
	}
}
