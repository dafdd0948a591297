//go:build postgres

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	api "github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"

	"heliograph/internal/store/pgtest"
)

// TestMigrate moves a service with an unfinished queue from SQLite into PostgreSQL,
// where it goes on until it is killed, and back: each MessageId that was given out
// stays known, and ends in exactly one final event.
func TestMigrate(t *testing.T) {
	t.Parallel()
	url := pgtest.Start(t, pgtest.Options{Fsync: true}).Database()
	s := start(t, `tier: production
recipient_interval: 0s
carriers:
  - name: sim
    sim: {receipt_delay: 300ms}
numbers:
  - {number: "+447700900000", country: GB, type: LONG_CODE, carrier: sim, parts_per_second: 10}
  - {number: "+447700900001", country: GB, type: LONG_CODE, carrier: sim, parts_per_second: 10}
log: {level: warn}
`)
	leaseLanes(t, s.client(), 2)
	l := newLoad()
	fill := func(messages int) {
		t.Helper()
		c := s.client()
		for i := range messages {
			id := send(t, c, &api.SendTextMessageInput{DestinationPhoneNumber: aws.String(recipient(i)), OriginationIdentity: aws.String("+" + lane(i%2)),
				ConfigurationSetName: aws.String("Set"), MessageBody: aws.String(fmt.Sprint("Hello ", len(l.taken)))})
			if l.taken[id] {
				t.Errorf("the MessageId %s was given out twice", id)
			}
			l.taken[id] = true
		}
	}
	// goesOn waits until so many messages more have ended; others are still open.
	goesOn := func(messages int) {
		t.Helper()
		ended := finals(s.untilFinal(finals(s.events()) + messages))
		if ended >= len(l.taken) {
			t.Fatalf("all %d messages have ended: nothing is left to go on with", ended)
		}
	}
	// known checks that the service knows each message that was taken.
	known := func() {
		t.Helper()
		for id := range l.taken {
			var story struct{ ID, Status string }
			if err := json.Unmarshal([]byte(s.run("messages", "show", id, "--json")), &story); err != nil || story.Status == "" {
				t.Fatalf("message %s: %+v, %v", id, story, err)
			}
		}
	}

	fill(60)
	goesOn(5)
	if _, problems, err := s.try("migrate", "--to", url); err == nil || !strings.Contains(problems, "in use by another process") {
		t.Errorf("a migration while the service runs: %v, %s", err, problems)
	}
	s.stop()
	out := s.run("migrate", "--to", url)
	for _, want := range []string{"message         60 ", "the target has the same rows as the source", "credentials", "keys", "events", "sim.receipts"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	if _, problems, err := s.try("migrate", "--to", url); err == nil || !strings.Contains(problems, "not empty") {
		t.Errorf("a second migration: %v, %s", err, problems)
	}

	sqlite := s.env
	s.env = append(sqlite[:len(sqlite):len(sqlite)], "HELIOGRAPH_DATABASE="+url)
	s.launch()
	known()
	fill(60)
	goesOn(5)
	if _, problems, err := s.try("migrate", "--from", url); err == nil || !strings.Contains(problems, "in use by another process") {
		t.Errorf("a migration while the service runs: %v, %s", err, problems)
	}
	s.kill()
	if _, problems, err := s.try("migrate", "--from", url); err == nil || !strings.Contains(problems, "heliograph.db is there already") {
		t.Errorf("a migration over another database: %v, %s", err, problems)
	}
	data := filepath.Join(s.dir, "data")
	if err := os.Rename(filepath.Join(data, "heliograph.db"), filepath.Join(data, "before.db")); err != nil {
		t.Fatal(err)
	}
	waited := false
	eventually(t, "the lease of the process that was killed", func() bool {
		_, problems, err := s.try("migrate", "--from", url)
		if err != nil && !strings.Contains(problems, "in use by node") {
			t.Fatalf("%v: %s", err, problems)
		}
		waited = waited || err != nil
		return err == nil
	})
	if !waited {
		t.Error("the database was moved while a node's lease ran")
	}

	s.env = sqlite
	s.launch()
	known()
	fill(10)
	events := l.untilEnded(s)
	l.checkEnds(t, events, "TEXT_DELIVERED")
}

// TestMigrateFromNodes moves what two nodes left when they were killed into SQLite:
// the one process there goes on with both nodes' queues, marks and event logs.
func TestMigrateFromNodes(t *testing.T) {
	t.Parallel()
	url := pgtest.Start(t, pgtest.Options{Fsync: true}).Database()
	centre := newCentre(t, 20*time.Millisecond, 300*time.Millisecond)
	configuration := strings.Replace(lanesConfiguration(centre.Address, 10, 10, 10, 10, 10, 10, 10, 10), "- name: centre", "- name: centre\n    shards: 4", 1)
	configuration = strings.Replace(configuration, "system_id: helio,", "system_id: helio, sessions: 4,", 1)
	first := start(t, configuration, "HELIOGRAPH_NODE=first", "HELIOGRAPH_DATABASE="+url)
	leaseLanes(t, first.client(), 8)
	second := first.beside(configuration+"database: \""+url+"\"\n", "second")
	eventually(t, "shards on both nodes", func() bool {
		shards := second.shards()
		return len(shards["first"]) > 1 && len(shards["second"]) > 1 // of which one may be the simulator's
	})
	l := newLoad()
	ctx, enough := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	for run, s := range []*server{first, second} {
		client := s.client()
		clients.Go(func() { l.send(ctx, client, 8, 10, 10, run) })
	}
	eventually(t, "events of both nodes", func() bool { return finals(first.events()) > 20 && finals(second.events()) > 20 })
	enough()
	clients.Wait()
	second.kill()
	first.kill()
	eventually(t, "the leases of the nodes that were killed", func() bool {
		_, problems, err := first.try("migrate", "--from", url)
		if err != nil && !strings.Contains(problems, "in use by node") {
			t.Fatalf("%v: %s", err, problems)
		}
		return err == nil
	})

	first.env = append(first.env, "HELIOGRAPH_DATABASE=sqlite")
	first.launch()
	// Each node's events are in its own directory, and what was published when it was
	// killed may have been published once more.
	type end struct {
		kind string
		at   int64
	}
	ends := map[string]map[end]bool{}
	eventually(t, "the end of all messages", func() bool {
		clear(ends)
		for _, e := range append(first.events(), second.events()...) {
			if e.Final {
				if ends[e.MessageID] == nil {
					ends[e.MessageID] = map[end]bool{}
				}
				ends[e.MessageID][end{e.Type, e.At}] = true
			}
		}
		for id := range l.taken {
			if len(ends[id]) == 0 {
				return false
			}
		}
		return true
	})
	for id := range l.taken {
		if len(ends[id]) != 1 {
			t.Errorf("message %s has %d final events", id, len(ends[id]))
		}
	}
	copies := l.checkArrivals(t, centre.arrivals())
	t.Logf("%d messages, %d parts arrived twice", len(l.taken), copies)
}
