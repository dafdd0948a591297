package queue

import (
	"context"
	"fmt"
	"time"

	"heliograph/internal/carrier"
	"heliograph/internal/sms"
	"heliograph/internal/store"
)

const scanRows = 10_000

// Load reads what is open from the store, before Run. Parts that were marked as
// in flight and have no outcome are treated by the policy of their type.
func (q *Queue) Load(ctx context.Context) error {
	slot := q.o.Committer.Fence().Slot
	last, err := q.o.Engine.LastDispatch(ctx, slot)
	if err != nil {
		return fmt.Errorf("read last dispatch: %w", err)
	}
	q.dispatch.Store(last)
	marked, rows, err := q.loadMarks(ctx, slot)
	if err != nil {
		return err
	}
	if err := q.addAbsent(ctx); err != nil {
		return err
	}
	for _, s := range q.shards {
		if err := s.loadQueued(ctx, marked); err != nil {
			return err
		}
	}
	if err := q.loadAwaiting(ctx, marked); err != nil {
		return err
	}
	var idle []int64
	for _, r := range rows {
		// Parts that are not open any more will bring no outcome, and those that
		// were marked again count for the later row.
		if r.found == 0 {
			idle = append(idle, r.seq)
		}
		r.left = r.found
	}
	if len(idle) > 0 {
		if err := q.o.Committer.Commit(&store.Change{Unmark: idle}); err != nil {
			return fmt.Errorf("remove settled dispatches: %w", err)
		}
	}
	return q.loadRates(ctx)
}

// marks are the dispatch rows that a crash left behind, by the parts they name: of
// a part that was sent again, the last one.
type marks map[sms.PartID]*recovered

type recovered struct {
	batch
	found int // parts that are still open
}

func (q *Queue) loadMarks(ctx context.Context, slot int) (marks, []*recovered, error) {
	found := marks{}
	var all []*recovered
	for after := int64(0); ; {
		rows, err := q.o.Engine.Dispatches(ctx, slot, after, scanRows)
		if err != nil {
			return nil, nil, fmt.Errorf("read dispatches: %w", err)
		}
		for _, row := range rows {
			after = row.Seq
			r := &recovered{batch: batch{seq: row.Seq, left: len(row.Parts)}}
			all = append(all, r)
			for _, part := range row.Parts {
				found[part] = r
			}
		}
		if len(rows) < scanRows {
			return found, all, nil
		}
	}
}

// addAbsent makes shards for carriers that have messages in the store and are
// not configured any more, so that those messages still expire or move.
func (q *Queue) addAbsent(ctx context.Context) error {
	names, err := q.o.Engine.Shards(ctx)
	if err != nil {
		return fmt.Errorf("read shards: %w", err)
	}
	for _, name := range names {
		if q.shards[name] == nil {
			q.o.Log.Warn("messages wait for a carrier that is not configured", "carrier", name)
			q.shards[name] = newShard(q, absent(name))
		}
	}
	return nil
}

func (s *shard) loadQueued(ctx context.Context, marked marks) error {
	for after := (store.Place{}); ; {
		rows, err := s.q.o.Engine.QueuedAfter(ctx, s.name, after, scanRows)
		if err != nil {
			return fmt.Errorf("read queue of carrier %s: %w", s.name, err)
		}
		now := s.q.o.Now()
		s.mu.Lock()
		for i := range rows {
			after = rows[i].Place()
			e := s.newEntry(&rows[i])
			s.recover(e, marked)
			s.admit(e, rows[i].Due, now)
		}
		s.mu.Unlock()
		if len(rows) < scanRows {
			return nil
		}
	}
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
func (q *Queue) loadAwaiting(ctx context.Context, marked marks) error {
	for after := sms.ID(0); ; {
		rows, err := q.o.Engine.AwaitingAfter(ctx, "", after, scanRows)
		if err != nil {
			return fmt.Errorf("read open messages: %w", err)
		}
		for i := range rows {
			after = rows[i].ID
			if err := q.loadOpen(ctx, &rows[i], marked); err != nil {
				return err
			}
		}
		if len(rows) < scanRows {
			return nil
		}
	}
}

func (q *Queue) loadOpen(ctx context.Context, a *store.Awaiting, marked marks) error {
	s := q.shards[a.Shard]
	if a.Progress.Unsent() == 0 || s == nil {
		return nil
	}
	messages, err := q.o.Messages.Fill(ctx, q.o.Engine, []sms.ID{a.ID})
	if err != nil {
		return fmt.Errorf("read message of an open row: %w", err)
	}
	m := messages[0]
	if m == nil {
		q.o.Log.Error("open message is not in the store", "message", int64(a.ID))
		return nil
	}
	route := m.Route
	if a.Progress.Route != nil {
		route = *a.Progress.Route
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e := &entry{id: a.ID, lane: s.lane(route.Lane), route: a.Progress.Route, expires: a.Expires, parts: len(a.Progress.Parts),
		class: store.ClassOf(m.Type), touched: true, announced: true}
	q.keep(e, m)
	e.lane.setRate(q.o.Now(), route.PartsPerSecond)
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

// recover finds the parts of an entry that were in flight when the process
// ended, and sends them again or gives them up.
func (s *shard) recover(e *entry, marked marks) {
	for n := 1; n <= e.parts; n++ {
		r := marked[e.id.Part(n)]
		if r == nil || e.todo&bit(n) == 0 {
			continue
		}
		r.found++
		c := claim{entry: e, part: n, batch: &r.batch}
		o := outcome{claim: c, at: s.q.o.Now(), Outcome: carrier.Outcome{Kind: carrier.Unknown, Detail: "the service ended while the part was in flight"}}
		if s.q.policy(e.class) == GiveUp {
			e.todo &^= bit(n)
			e.flying |= bit(n)
			s.flying++
			s.outcomes.add(o)
			continue
		}
		s.lost(e, &o)
	}
}

// loadRates reads one message of each lane that was loaded without one, to learn
// the lane's throughput.
func (q *Queue) loadRates(ctx context.Context) error {
	for _, s := range q.shards {
		var heads []*entry
		var ids []sms.ID
		s.mu.Lock()
		for _, l := range s.lanes {
			for c := range l.fifo {
				if l.fifo[c].len() > 0 {
					heads, ids = append(heads, l.fifo[c].at(0)), append(ids, l.fifo[c].at(0).id)
					break
				}
			}
		}
		s.mu.Unlock()
		messages, err := q.o.Messages.Fill(ctx, q.o.Engine, ids)
		if err != nil {
			return fmt.Errorf("read heads of lanes: %w", err)
		}
		s.mu.Lock()
		for i := range heads {
			s.attach(heads[i], messages[i], q.o.Now())
		}
		s.mu.Unlock()
	}
	return nil
}

// absent is a carrier that is configured no more: it is always down.
type absent string

var _ carrier.Carrier = absent("")

func (a absent) Name() string           { return string(a) }
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
