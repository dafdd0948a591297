//go:build postgres

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

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
