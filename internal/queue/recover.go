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

// marks are the dispatch rows that were left behind, by the parts they name: a row
// for each time that a part may have been sent.
type marks struct {
	parts map[sms.PartID][]*recovered
	rows  []*recovered
}

type recovered struct {
	batch
	found int // parts that are open, in this shard
}

func (s *shard) loadMarks(ctx context.Context) (*marks, error) {
	slots, err := s.q.slots(ctx)
	if err != nil {
		return nil, err
	}
	m := &marks{parts: map[sms.PartID][]*recovered{}}
	for _, slot := range slots {
		for after := int64(0); ; {
			rows, err := s.q.o.Engine.Dispatches(ctx, slot, after, scanRows)
			if err != nil {
				return nil, fmt.Errorf("read dispatches: %w", err)
			}
			for _, row := range rows {
				after = row.Seq
				if !slices.Contains(s.names, row.Shard) {
					continue
				}
				r := &recovered{batch: batch{slot: slot, seq: row.Seq}}
				m.rows = append(m.rows, r)
				for _, part := range row.Parts {
					m.parts[part] = append(m.parts[part], r)
				}
			}
			if len(rows) < scanRows {
				break
			}
		}
	}
	return m, nil
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

// loadMarked takes up queued messages with marked parts that stand too far back in
// their lanes to be in memory.
func (s *shard) loadMarked(ctx context.Context, marked *marks) error {
	for part, rows := range marked.parts {
		id, _ := part.Split()
		s.mu.Lock()
		known := s.known[id] != nil
		s.mu.Unlock()
		if known {
			continue
		}
		row, open, err := s.q.o.Engine.Open(ctx, id)
		switch {
		case err != nil:
			return fmt.Errorf("read a message that was in flight: %w", err)
		case open != nil && unsent(open, part), row != nil && !s.mine(row.Lane):
			for _, r := range rows {
				r.found++ // another shard's: the mark stays until that has seen to it
			}
			continue
		case row == nil:
			continue
		}
		s.mu.Lock()
		e := s.newEntry(row)
		s.recover(e, marked)
		s.admit(e, row.Due, s.q.o.Now())
		s.mu.Unlock()
	}
	return nil
}

func unsent(a *store.Awaiting, part sms.PartID) bool {
	_, n := part.Split()
	return n <= len(a.Progress.Parts) && a.Progress.Parts[n-1].State == sms.PartUnsent
}

// unmarkSettled removes marks whose parts are not open any more and will bring no
// outcome.
func (s *shard) unmarkSettled(ctx context.Context, marked *marks) error {
	var idle []store.SlotSeq
	s.mu.Lock()
	for _, r := range marked.rows {
		if r.found == 0 {
			idle = append(idle, store.SlotSeq{Slot: r.slot, Seq: r.seq})
		}
		r.left = r.found
	}
	s.mu.Unlock()
	if len(idle) == 0 {
		return nil
	}
	if err := s.q.o.Committer.Commit(&store.Change{Unmark: idle}); err != nil {
		return fmt.Errorf("remove settled dispatches: %w", err)
	}
	return ctx.Err()
}

// recover finds the parts of an entry that were in flight, and sends them again or
// gives them up. The caller holds mu.
func (s *shard) recover(e *entry, marked *marks) {
	for n := 1; n <= e.parts; n++ {
		rows := marked.parts[e.id.Part(n)]
		if len(rows) == 0 || e.todo&bit(n) == 0 {
			continue
		}
		for _, r := range rows {
			r.found++
		}
		last := len(rows) - 1
		e.lostBefore(n, rows[:last])
		c := claim{entry: e, part: n, batch: &rows[last].batch}
		o := outcome{claim: c, at: s.q.o.Now(), Outcome: carrier.Outcome{Kind: carrier.Unknown, Detail: "the service ended while the part was in flight"}}
		if s.q.policy(e.class) == GiveUp {
			e.todo &^= bit(n)
			e.flying |= bit(n)
			s.flying++
			s.outcomes.add(o)
			continue
		}
		s.lost(e, &o)
		s.explain(&o)
	}
}

// lostBefore puts down the times that a part may have been sent but for the last.
func (e *entry) lostBefore(part int, rows []*recovered) {
	if len(rows) == 0 {
		return
	}
	if e.lost == nil {
		e.lost, e.times = map[int][]*batch{}, map[int]int{}
	}
	e.resent |= bit(part)
	for _, r := range rows {
		e.times[part]++
		e.lost[part] = append(e.lost[part], &r.batch)
	}
}

// absent is a carrier that is configured no more: it is always down.
type absent string

var _ carrier.Carrier = absent("")

func (a absent) Name() string           { return carrier.OfShard(string(a)) }
func (a absent) Traits() carrier.Traits { return carrier.Traits{} }
func (a absent) Start(context.Context, carrier.Sink, func()) error {
	return nil
}
func (a absent) Room() int                   { return 0 }
func (a absent) State() carrier.State        { return carrier.State{Detail: "not configured"} }
func (a absent) Close(context.Context) error { return nil }
func (a absent) Submit(_ carrier.Part, done func(carrier.Outcome)) {
	done(carrier.Outcome{Kind: carrier.OtherRoute, Detail: "not configured"})
}
