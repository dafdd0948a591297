//go:build postgres

package e2e

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"heliograph/internal/store/pgtest"
)

// TestStandby runs two processes over one PostgreSQL. The second stands by until
// the first is killed under load, takes over what it had, and every message ends.
func TestStandby(t *testing.T) {
	t.Parallel()
	cluster := pgtest.Start(t, pgtest.Options{Fsync: true})
	centre := newCentre(t, 20*time.Millisecond, 300*time.Millisecond)
	configuration := lanesConfiguration(centre.Address, 60, 60) + "\ndatabase: \"" + cluster.Database() + "\"\n"
	first := start(t, configuration)
	leaseLanes(t, first.client(), 2)
	shared := copySecrets(t, filepath.Join(first.dir, "data"))

	l := newLoad()
	ctx, end := context.WithCancel(t.Context())
	sent := make(chan struct{})
	client := first.client()
	go func() {
		defer close(sent)
		l.send(ctx, client, 2, 10, 120, 0)
	}()
	eventually(t, "parts at the message centre", func() bool { return centre.count() > 20 })
	killed := make(chan struct{})
	time.AfterFunc(2*time.Second, func() {
		first.kill()
		close(killed)
	})
	second := start(t, configuration, "HELIOGRAPH_DATA_DIR="+shared) // returns when it has taken over
	select {
	case <-killed:
	default:
		t.Error("the second process served beside the first")
	}
	end()
	<-sent
	if len(l.taken) == 0 {
		t.Fatal("no message was taken")
	}
	for id := range l.taken {
		eventually(t, "message "+id+" ends", func() bool {
			var story struct{ Final bool }
			if err := json.Unmarshal([]byte(second.run("messages", "show", id, "--json")), &story); err != nil {
				t.Fatal(err)
			}
			return story.Final
		})
	}
	copies := l.checkArrivals(t, centre.arrivals())
	counted := second.metric("heliograph_possible_duplicate_parts_total")
	if float64(copies) > counted {
		t.Errorf("%d parts arrived twice, and only %v are counted as possible duplicates", copies, counted)
	}
	t.Logf("%d messages, %d parts arrived twice, %v counted as possible duplicates", len(l.taken), copies, counted)
}

// copySecrets makes a data directory with the secrets of another, as every
// process over one database has to have.
func copySecrets(t *testing.T, from string) string {
	t.Helper()
	to := t.TempDir()
	for _, name := range []string{"credentials", "keys"} {
		text, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(to, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return to
}
