//go:build postgres

package e2e

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"heliograph/internal/admin"
	"heliograph/internal/store/pgtest"
)

// TestNodes runs three nodes over one PostgreSQL, with a carrier in two shards and
// clients at each. One node is killed under load, another is ended in order: nothing
// is lost, all of it ends once, and the carrier's shards are with who is left.
func TestNodes(t *testing.T) {
	t.Parallel()
	cluster := pgtest.Start(t, pgtest.Options{Fsync: true})
	centre := newCentre(t, 20*time.Millisecond, 300*time.Millisecond)
	configuration := strings.Replace(lanesConfiguration(centre.Address, 60, 60, 60, 60), "system_id: helio,", "system_id: helio, sessions: 2,", 1)
	configuration = strings.Replace(configuration, "- name: centre", "- name: centre\n    shards: 2", 1)
	configuration += "\ndatabase: \"" + cluster.Database() + "\"\n"
	first := start(t, configuration, "HELIOGRAPH_NODE=first")
	leaseLanes(t, first.client(), 4)
	second, third := first.beside(configuration, "second"), first.beside(configuration, "third")
	eventually(t, "shards on all three nodes", func() bool {
		shards := third.shards()
		return len(shards["first"]) == 1 && len(shards["second"]) == 1 && len(shards["third"]) == 1
	})

	l := newLoad()
	ctx, end := context.WithCancel(t.Context())
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		done := make(chan struct{}, 3)
		for run, s := range []*server{first, second, third} {
			client := s.client()
			go func() {
				l.send(ctx, client, 4, 10, 25, run)
				done <- struct{}{}
			}()
		}
		for range 3 {
			<-done
		}
	}()
	eventually(t, "parts at the message centre", func() bool { return centre.count() > 100 })
	first.kill()
	time.Sleep(500 * time.Millisecond) // of load on a carrier whose node is dead
	second.stop()
	eventually(t, "all shards on the node that is left", func() bool { return len(third.shards()["third"]) == 3 })
	time.Sleep(time.Second) // of load on it
	end()
	<-sent
	for id := range l.taken {
		eventually(t, "message "+id+" ends", func() bool {
			var story struct{ Final bool }
			if err := json.Unmarshal([]byte(third.run("messages", "show", id, "--json")), &story); err != nil {
				t.Fatal(err)
			}
			return story.Final
		})
	}
	copies := l.checkArrivals(t, centre.arrivals())
	counted := third.metric("heliograph_possible_duplicate_parts_total")
	if float64(copies) > counted {
		t.Errorf("%d parts arrived twice, and only %v are counted as possible duplicates", copies, counted)
	}
	// A message whose client was not answered any more may have been accepted too.
	if r := third.reconcile(0); r.Messages.Accepted < int64(len(l.taken)) || r.PartsOnTheWire < int64(len(centre.arrivals())) || len(r.Logs) != 3 {
		t.Errorf("%d messages were taken and %d parts arrived: %+v", len(l.taken), len(centre.arrivals()), r.Report)
	}
	t.Logf("%d messages, %d parts arrived twice, %v counted as possible duplicates", len(l.taken), copies, counted)
}

// shards are the shards of each node that is there, by its name.
func (s *server) shards() map[string][]string {
	var out admin.ListNodesOutput
	if err := json.Unmarshal([]byte(s.run("nodes", "--json")), &out); err != nil {
		s.t.Fatal(err)
	}
	shards := map[string][]string{}
	for _, n := range out.Nodes {
		if n.State == "here" || n.State == "serving" {
			shards[n.Name] = n.Shards
		}
	}
	return shards
}

// beside starts another node over the same database, with the same secrets.
func (s *server) beside(configuration, name string) *server {
	s.t.Helper()
	data := s.t.TempDir()
	for _, file := range []string{"credentials", "keys"} {
		text, err := os.ReadFile(filepath.Join(s.dir, "data", file))
		if err != nil {
			s.t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(data, file), text, 0o600); err != nil {
			s.t.Fatal(err)
		}
	}
	other := start(s.t, configuration, "HELIOGRAPH_NODE="+name, "HELIOGRAPH_DATA_DIR="+data)
	if err := os.Symlink(data, filepath.Join(other.dir, "data")); err != nil {
		s.t.Fatal(err)
	}
	return other
}
