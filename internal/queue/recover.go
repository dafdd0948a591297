package queue

import (
	"context"
	"fmt"
	"slices"

	"heliograph/internal/carrier"
	"heliograph/internal/sms"
	"heliograph/internal/store"
)

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
