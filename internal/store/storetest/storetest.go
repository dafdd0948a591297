// Package storetest is the one suite that every engine of the store passes: what
// the contract promises, method by method, and what must hold after any run of
// updates.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// Opener opens the engine whose data is kept under dir, a directory of the
// test's own that is empty at first. It is called again with the same dir, after
// Close or, for a takeover, while another engine has it open. It fails the test
// where it cannot open one.
type Opener func(t *testing.T, dir string) store.Engine

// Run runs the suite.
func Run(t *testing.T, open Opener) {
	for _, test := range []struct {
		name string
		run  func(*suite)
	}{
		{"accept", testAccept},
		{"an ID is accepted once", testAcceptedOnce},
		{"messages of an account", testMessagesOf},
		{"one part", testOnePart},
		{"several parts", testSeveralParts},
		{"settled without receipts", testSettled},
		{"accepted and ended in one change", testAcceptedAndEnded},
		{"unsent parts end", testUnsentFinal},
		{"taken parts end", testTakenFinal},
		{"late receipts", testLateReceipts},
		{"requeue", testRequeue},
		{"moved to another shard", testMoved},
		{"whole life in one batch", testWholeLifeInOneBatch},
		{"any run of updates", testAnyUpdates},
		{"queue scan", testQueueScan},
		{"lanes of the queue", testQueueLanes},
		{"awaiting scan", testAwaitingScan},
		{"dispatches", testDispatches},
		{"recipients", testRecipients},
		{"parked receipts", testParked},
		{"event log", testEventLog},
		{"events with much content", testLargeEvents},
		{"cursors and lag", testCursorsAndLag},
		{"spend", testSpend},
		{"usage", testUsage},
		{"entries", testEntries},
		{"absent entries", testAbsentEntries},
		{"expected entries", testExpectedEntries},
		{"entries of a list", testEntriesAfter},
		{"a long list", testLongList},
		{"any writes of entries", testAnyEntries},
		{"log lines once", testLogOnce},
		{"log lines both ways", testLogScan},
		{"any log scan", testAnyLogScan},
		{"appended events", testAppend},
		{"messages to audit", testAuditMessages},
		{"spend to audit", testAuditSpend},
		{"event log to audit", testAuditLog},
		{"lag to audit", testAuditLag},
		{"losses", testLosses},
		{"resources", testResources},
		{"resource versions", testVersions},
		{"fence", testFence},
		{"takeover", testTakeover},
		{"an ended context", testContext},
		{"reopen", testReopen},
		{"close", testClose},
		{"group commit", testGroupCommit},
	} {
		t.Run(strings.ReplaceAll(test.name, " ", "-"), func(t *testing.T) {
			s := &suite{T: t, open: open, dir: t.TempDir(), ids: sms.NewIDs(0, 0), now: time.UnixMilli(1_790_000_000_123).UTC()}
			s.Engine = s.reopen()
			s.fence = s.join()
			test.run(s)
		})
	}
}

// suite is one test's engine, joined.
type suite struct {
	*testing.T
	store.Engine
	open  Opener
	dir   string
	fence store.Fence
	ids   *sms.IDs
	now   time.Time
}

const (
	account = "111122223333"
	shard   = "acme"
)

func (s *suite) ctx() context.Context { return s.T.Context() }

// reopen opens the suite's data once more.
func (s *suite) reopen() store.Engine {
	s.Helper()
	e := s.open(s.T, s.dir)
	s.Cleanup(func() { _ = e.Close() })
	return e
}

func (s *suite) join() store.Fence {
	s.Helper()
	f, err := s.Engine.Join(s.ctx(), "node")
	s.need(err)
	return f
}

// apply commits the changes in one batch; none may fail.
func (s *suite) apply(changes ...*store.Change) {
	s.Helper()
	s.try(changes...)
	for i, c := range changes {
		if c.Err != nil {
			s.Fatalf("change %d: %v", i, c.Err)
		}
	}
}

// try commits the changes in one batch, each of which may fail.
func (s *suite) try(changes ...*store.Change) {
	s.Helper()
	s.need(s.Engine.Apply(s.ctx(), s.fence, changes))
}

// message is a message with a bit of everything.
func (s *suite) message(parts int) *sms.Message {
	s.now = s.now.Add(time.Millisecond)
	id := s.ids.Next(s.now)
	return &sms.Message{ID: id, Account: account, AcceptedAt: s.now, ExpiresAt: s.now.Add(time.Hour),
		Destination: "+447700900123", Country: "GB", Type: sms.Transactional, Body: fmt.Sprintf("Grüße %d", id), Encoding: "Unicode",
		Parts: parts, Reference: 77, Context: map[string]string{"order": "1"}, ConfigurationSet: "set", Price: 6450, CarrierFee: 1,
		Route: sms.Route{Identity: "+447700900001", Kind: sms.IdentityPhoneNumber, NumberType: sms.LongCode, Carrier: shard, Lane: "lane", PartsPerSecond: 0.5, Why: "given"}}
}

func (s *suite) accepted(m *sms.Message) store.Accepted {
	return store.Accepted{Message: m, Queued: store.Queued{ID: m.ID, Shard: shard, Lane: m.Route.Lane, Class: store.ClassOf(m.Type),
		Parts: m.Parts, Due: m.AcceptedAt, Expires: m.ExpiresAt}}
}

// accept commits new messages of so many parts each.
func (s *suite) accept(parts ...int) []*sms.Message {
	s.Helper()
	var messages []*sms.Message
	var changes []*store.Change
	for _, n := range parts {
		m := s.message(n)
		messages = append(messages, m)
		changes = append(changes, &store.Change{Accept: []store.Accepted{s.accepted(m)}})
	}
	s.apply(changes...)
	return messages
}

// update is a part change of a message.
func (s *suite) update(m *sms.Message, kind sms.UpdateKind, number int, status sms.Status) store.PartChange {
	s.now = s.now.Add(time.Second)
	return store.PartChange{Shard: shard, Account: m.Account, ConfigurationSet: m.ConfigurationSet, Expires: m.ExpiresAt,
		Update: sms.PartUpdate{Message: m.ID, Parts: m.Parts, Number: number, Kind: kind, Status: status, Carrier: "acme",
			CarrierMessageID: fmt.Sprintf("%x", number), Code: "code", Detail: "detail", At: s.now}}
}

// part commits one part change alone and answers its events.
func (s *suite) part(p store.PartChange, want store.PartResult) []store.Event {
	s.Helper()
	c := &store.Change{Parts: []store.PartChange{p}}
	s.apply(c)
	if got := c.Parts[0].Result; got != want {
		s.Fatalf("%+v: result %d, want %d", p.Update, got, want)
	}
	return c.Events
}

// openRow is the open row of a message; at most one of the two may be there.
func (s *suite) openRow(id sms.ID) (*store.Queued, *store.Awaiting) {
	s.Helper()
	q, a, err := s.Engine.Open(s.ctx(), id)
	s.need(err)
	if q != nil && a != nil {
		s.Fatalf("message %d is queued and awaiting", id)
	}
	return q, a
}

func (s *suite) story(id sms.ID) []store.Event {
	s.Helper()
	events, err := s.Engine.MessageEvents(s.ctx(), id)
	s.need(err)
	return events
}

func (s *suite) log() []store.Event {
	s.Helper()
	return all(s, 7, func(last store.Event, _ bool, limit int) ([]store.Event, error) {
		return s.Engine.EventsAfter(s.ctx(), s.fence.Slot, last.Seq, limit)
	})
}

func (s *suite) lastSeq() int64 {
	s.Helper()
	n, err := s.Engine.LastSeq(s.ctx(), s.fence.Slot)
	s.need(err)
	return n
}

func (s *suite) counts() store.Counts {
	s.Helper()
	n, err := s.Engine.Counts(s.ctx())
	s.need(err)
	return n
}

// need fails the test at once where err is one.
func (s *suite) need(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// statuses are those of the events, with a dot where the event is final.
func statuses(events []store.Event) string {
	var out []string
	for _, e := range events {
		text := string(e.Status)
		if e.Final {
			text += "."
		}
		out = append(out, text)
	}
	return strings.Join(out, " ")
}

func (s *suite) wantStatuses(events []store.Event, want string) {
	s.Helper()
	if got := statuses(events); got != want {
		s.Errorf("events %q, want %q", got, want)
	}
}

func (s *suite) same(what string, got, want any) {
	s.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		s.Errorf("%s: -want +got\n%s", what, diff)
	}
}

func (s *suite) wantErr(what string, got, want error) {
	s.Helper()
	if !errors.Is(got, want) {
		s.Errorf("%s: %v, want %v", what, got, want)
	}
}

// all reads a scan page by page with a limit that is smaller than most results,
// and checks the limit.
func all[R any](s *suite, limit int, read func(last R, first bool, limit int) ([]R, error)) []R {
	s.Helper()
	var out []R
	for {
		var last R
		if len(out) > 0 {
			last = out[len(out)-1]
		}
		page, err := read(last, len(out) == 0, limit)
		s.need(err)
		if len(page) > limit {
			s.Fatalf("%d rows, limit %d", len(page), limit)
		}
		if out = append(out, page...); len(page) < limit {
			return out
		}
	}
}
