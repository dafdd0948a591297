package queue

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"heliograph/internal/carrier"
	"heliograph/internal/sms"
	"heliograph/internal/store"
)

const (
	scanRows  = 10_000
	leastPage = 256
)

// load reads what is open from the store, before anything is handed over. Parts that
// were marked as in flight and have no outcome, whichever node they were in flight
// from, are treated by the policy of their type.
func (s *shard) load(ctx context.Context) (err error) {
	if s.names, err = s.q.Names(ctx, s.name); err != nil {
		return err
	}
	marked, err := s.loadMarks(ctx)
	if err != nil {
		return err
	}
	// What an earlier layout left is older than what is the shard's own.
	for _, name := range slices.Backward(s.names) {
		if err := s.loadQueued(ctx, name, marked); err != nil {
			return err
		}
		if err := s.loadAwaiting(ctx, name, marked); err != nil {
			return err
		}
	}
	if err := s.loadMarked(ctx, marked); err != nil {
		return err
	}
	if err := s.unmarkSettled(ctx, marked); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loading = false
	now := s.q.o.Now()
	for i := range s.arrived {
		s.take(&s.arrived[i].row, s.arrived[i].message, now)
	}
	s.arrived = nil
	return nil
}

// Names are the shards in which the store may have messages of this one: itself, and
// those that its carrier had in another layout.
func (q *Queue) Names(ctx context.Context, shard string) ([]string, error) {
	stored, err := q.o.Engine.Shards(ctx)
	if err != nil {
		return nil, fmt.Errorf("read shards: %w", err)
	}
	names := []string{shard}
	for _, name := range stored {
		if name != shard && carrier.OfShard(name) == carrier.OfShard(shard) && !q.o.Layout.Has(name) {
			names = append(names, name)
		}
	}
	return names, nil
}

// TakeUp looks again for messages in shards that carriers had in another layout: a node
// that has that still may go on to accept them.
func (q *Queue) TakeUp(ctx context.Context) error {
	for _, s := range q.all() {
		if err := s.takeUp(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (s *shard) takeUp(ctx context.Context) error {
	names, err := s.q.Names(ctx, s.name)
	if err != nil {
		return err
	}
	s.mu.Lock()
	if s.loading || s.stopping {
		s.mu.Unlock()
		return nil
	}
	s.left, s.names = map[sms.ID]bool{}, names
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.left = nil
		s.mu.Unlock()
		s.wake()
	}()
	for _, name := range names[1:] {
		if err := s.loadQueued(ctx, name, &marks{}); err != nil {
			return err
		}
	}
	return nil
}

// mine reports whether a lane is this shard's. Of a carrier that is configured no
// more every lane is.
func (s *shard) mine(lane string) bool {
	return s.q.o.Layout[s.of] == 0 || s.q.o.Layout.Shard(s.of, lane) == s.name
}

// loadQueued reads the queue lane by lane, of each as much as there is memory for.
func (s *shard) loadQueued(ctx context.Context, name string, marked *marks) error {
	for after := (store.Place{}); ; {
		page := s.q.loadPage()
		rows, err := s.q.o.Engine.QueuedAfter(ctx, name, after, page)
		if err != nil {
			return fmt.Errorf("read queue of carrier %s: %w", s.name, err)
		}
		full := s.loadRows(rows, marked)
		switch {
		case full != nil:
			after = store.Place{Lane: full.Lane, Class: full.Class, ID: math.MaxInt64}
		case len(rows) < page:
			return nil
		default:
			after = rows[len(rows)-1].Place()
		}
	}
}

// loadPage is how many rows are read in one go: what some lanes keep of themselves, so
// that little is read that is not kept, and what short lanes hold is read together.
func (q *Queue) loadPage() int { return min(max(4*q.laneLimit(), leastPage), scanRows) }

// loadRows takes rows in, but for those that their lane has no room for. It gives the
// last one if that is such a row: what follows it in its lane need not be read.
func (s *shard) loadRows(rows []store.Queued, marked *marks) *store.Queued {
	now := s.q.o.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	var full *store.Queued
	for i := range rows {
		row := &rows[i]
		if full != nil && full.Lane == row.Lane && full.Class == row.Class {
			full = row
			continue
		}
		full = nil
		if s.known[row.ID] != nil || s.left[row.ID] || !s.mine(row.Lane) {
			continue
		}
		l := s.lane(row.Lane)
		if r := &l.rest[row.Class]; r.spilled && row.ID > r.horizon || r.known >= s.q.laneLimit() {
			if !r.spilled || row.ID <= r.horizon {
				r.spilled, r.horizon = true, row.ID-1
			}
			full = row
			continue
		}
		e := s.newEntry(row)
		s.recover(e, marked)
		s.admit(e, row.Due, now)
	}
	return full
}

// admit puts an entry into its lane, in the order of acceptance. Only one that was
// tried before may have to wait, and not for longer than the first pause: a time
// further off was written by a clock that has been set back since.
func (s *shard) admit(e *entry, due, now time.Time) {
	if most := now.Add(firstBackoff); due.After(most) {
		due = most
	}
	switch {
	case e.todo == 0:
	case e.attempts > 0 && due.After(now):
		s.hold(e, due)
	default:
		s.enqueue(e)
	}
}

// loadAwaiting takes up messages of which some parts were handed over and others
// not.
func (s *shard) loadAwaiting(ctx context.Context, name string, marked *marks) error {
	for after := sms.ID(0); ; {
		rows, err := s.q.o.Engine.AwaitingAfter(ctx, name, after, scanRows)
		if err != nil {
			return fmt.Errorf("read open messages: %w", err)
		}
		for i := range rows {
			after = rows[i].ID
			if err := s.loadOpen(ctx, &rows[i], marked); err != nil {
				return err
			}
		}
		if len(rows) < scanRows {
			return nil
		}
	}
}

func (s *shard) loadOpen(ctx context.Context, a *store.Awaiting, marked *marks) error {
	if a.Progress.Unsent() == 0 {
		return nil
	}
	messages, err := s.q.o.Messages.Fill(ctx, s.q.o.Engine, []sms.ID{a.ID})
	if err != nil {
		return fmt.Errorf("read message of an open row: %w", err)
	}
	m := messages[0]
	if m == nil {
		s.q.o.Log.Error("open message is not in the store", "message", int64(a.ID))
		return nil
	}
	route := m.Route
	if a.Progress.Route != nil {
		route = *a.Progress.Route
	}
	if !s.mine(route.Lane) {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.know(&entry{id: a.ID, lane: s.lane(route.Lane), route: a.Progress.Route, expires: a.Expires, parts: len(a.Progress.Parts),
		class: store.ClassOf(m.Type), touched: true, announced: true})
	s.q.keep(e, m)
	e.lane.setRate(s.q.o.Now(), route.PartsPerSecond)
	for i := range a.Progress.Parts {
		if a.Progress.Parts[i].State == sms.PartUnsent {
			e.todo |= bit(i + 1)
		}
	}
	s.recover(e, marked)
	if e.todo != 0 {
		s.enqueue(e)
	}
	return nil
}
