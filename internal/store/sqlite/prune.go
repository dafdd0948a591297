package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/store/record"
)

const (
	// pruneRows is how many rows a step looks at, on a reading connection.
	pruneRows = 512
	// pruneChunk is how many messages are deleted between two looks at the clock.
	pruneChunk = 16
)

var _ store.Pruner = (*Engine)(nil)

// Prune does the next step of a pass. What may go is found by a reading connection,
// beside the commits: what may go once may go later too. Only its deletion keeps
// them waiting, of which about half of p.Within is for the disk.
func (e *Engine) Prune(ctx context.Context, f store.Fence, p *store.Pass) (store.Pruned, error) {
	if p.Spared == nil {
		spared, err := e.spared(ctx)
		if err != nil {
			return store.Pruned{}, err
		}
		p.Spared = spared
	}
	switch p.Stage {
	case store.PruneMessages:
		return e.pruneMessages(ctx, f, p)
	case store.PruneBodies, store.PruneNumbers:
		return e.redactMessages(ctx, f, p)
	case store.PruneContents:
		return e.redactContents(ctx, f, p)
	case store.PruneStories:
		return e.pruneStories(ctx, f, p)
	case store.PruneReceipts:
		return e.pruneReceipts(ctx, f, p)
	case store.PruneSpend:
		return e.pruneSpend(ctx, f, p)
	case store.PruneEntries:
		return e.pruneEntries(ctx, f, p)
	case store.PruneLogs:
		return e.pruneLogs(ctx, f, p)
	}
	return store.Pruned{}, nil
}

// spared reads what routers have not passed, and what is in the lag.
func (e *Engine) spared(ctx context.Context) (*store.Spared, error) {
	cursors, err := e.Cursors(ctx)
	if err != nil {
		return nil, err
	}
	var lag []store.LagSpan
	err = e.scan(ctx, "lag", "SELECT slot, first, seqs FROM event_lag", nil, func(r row) error {
		seqs, err := record.Keys[int64](r.blob(2))
		span := store.LagSpan{Slot: int(r.int(0)), First: r.int(1), Last: r.int(1)}
		for _, seq := range seqs {
			span.First, span.Last = min(span.First, seq), max(span.Last, seq)
		}
		lag = append(lag, span)
		return err
	})
	return store.Spare(cursors, lag), err
}

// oldMessage is a message that may go, with the keys of its events.
type oldMessage struct {
	id     sms.ID
	events []int64
}

func (e *Engine) pruneMessages(ctx context.Context, f store.Fence, p *store.Pass) (store.Pruned, error) {
	old, last, err := e.oldMessages(ctx, p)
	if err != nil {
		return store.Pruned{}, err
	}
	var n store.Pruned
	upto := last
	n.Held, err = e.prune(f, len(old) > 0, func(began time.Time) error {
		for len(old) > 0 && (n.Messages == 0 || time.Since(began) < p.Within/2) {
			chunk := old[:min(pruneChunk, len(old))]
			events, err := e.deleteMessages(chunk)
			if err != nil {
				return err
			}
			n.Messages, n.Events = n.Messages+len(chunk), n.Events+events
			upto, old = chunk[len(chunk)-1].id, old[len(chunk):]
		}
		return nil
	})
	if err != nil {
		return store.Pruned{}, err
	}
	switch {
	case len(old) > 0: // the rest of them is for the next step
		p.After = upto
	case last == 0:
		p.Next()
	default:
		p.After = last
	}
	return n, nil
}

// oldMessages finds those of the next messages of the pass that may go, and says
// which was the last that it looked at, 0 where there was none.
func (e *Engine) oldMessages(ctx context.Context, p *store.Pass) (old []oldMessage, last sms.ID, err error) {
	at := map[sms.ID]int{}
	err = e.read(ctx, "old messages", func(c *conn) error {
		wanted := newBulk("SELECT msg, key FROM event WHERE msg IN (", "?", ")")
		if err := c.query(ctx, `SELECT id, EXISTS (SELECT 1 FROM queued q WHERE q.id = m.id) OR EXISTS (SELECT 1 FROM awaiting a WHERE a.id = m.id)
			FROM message m WHERE id > ? AND id < ? ORDER BY id LIMIT ?`,
			[]driver.Value{int64(p.After), int64(p.Messages), int64(pruneRows)}, func(r row) error {
				last = sms.ID(r.int(0))
				if r.int(1) == 0 {
					at[last] = len(old)
					old = append(old, oldMessage{id: last})
					wanted.add(r.int(0))
				}
				return nil
			}); err != nil {
			return err
		}
		return wanted.query(ctx, c, func(r row) error {
			m := &old[at[sms.ID(r.int(0))]]
			m.events = append(m.events, r.int(1))
			return nil
		})
	})
	kept := old[:0]
	for _, m := range old {
		if !sparesAny(p.Spared, m.events) {
			kept = append(kept, m)
		}
	}
	return kept, last, err
}

func sparesAny(s *store.Spared, keys []int64) bool {
	for _, k := range keys {
		if s.Has(slotOf(k), seqOf(k)) {
			return true
		}
	}
	return false
}

// deleteMessages deletes messages and their events, of which it says how many, in
// the transaction that is under way.
func (e *Engine) deleteMessages(old []oldMessage) (events int, err error) {
	last := map[int]slotLast{}
	messages, rows := newBulk("DELETE FROM message WHERE id IN (", "?", ")"), newBulk("DELETE FROM event WHERE key IN (", "?", ")")
	for _, m := range old {
		noteID(last, m.id)
		messages.add(int64(m.id))
		for _, k := range m.events {
			rows.add(k)
			noteSeq(last, k)
		}
		events += len(m.events)
	}
	if err := messages.exec(e.writer); err != nil {
		return 0, err
	}
	if err := rows.exec(e.writer); err != nil {
		return 0, err
	}
	return events, e.keepLast(last)
}

// slotLast is the largest of what was deleted of a slot.
type slotLast struct {
	seq int64
	id  sms.ID
}

func noteSeq(last map[int]slotLast, key int64) {
	l := last[slotOf(key)]
	l.seq = max(l.seq, seqOf(key))
	last[slotOf(key)] = l
}

func noteID(last map[int]slotLast, id sms.ID) {
	l := last[id.Slot()]
	l.id = max(l.id, id)
	last[id.Slot()] = l
}

// keepLast writes down what LastSeq and LastID would not find any more.
func (e *Engine) keepLast(last map[int]slotLast) error {
	for slot, l := range last {
		if _, err := e.writer.exec(`INSERT INTO node (slot, epoch, name, seq, id) VALUES (?,0,'',?,?)
			ON CONFLICT DO UPDATE SET seq = max(seq, excluded.seq), id = max(id, excluded.id)`, int64(slot), l.seq, int64(l.id)); err != nil {
			return err
		}
	}
	return nil
}

// pruneStories deletes old rows from the beginning of each log whose message was
// gone when they were written.
func (e *Engine) pruneStories(ctx context.Context, f store.Fence, p *store.Pass) (store.Pruned, error) {
	slots := p.Spared.Slots()
	for len(slots) > 0 && slots[0] < p.Place.Slot {
		slots = slots[1:]
	}
	if len(slots) == 0 || p.Messages == 0 {
		p.Next()
		return store.Pruned{}, nil
	}
	if slots[0] != p.Place.Slot {
		p.Place = store.SlotSeq{Slot: slots[0]}
	}
	var keys []int64
	last := map[int]slotLast{}
	limit, rows, old := p.Messages.Time().UnixMilli(), 0, 0
	err := e.scan(ctx, "old events", `SELECT key, at, EXISTS (SELECT 1 FROM message m WHERE m.id = msg), msg FROM event
		WHERE key BETWEEN ? AND ? ORDER BY key LIMIT ?`, append(keysAfter(p.Place.Slot, p.Place.Seq), int64(pruneRows)), func(r row) error {
		rows++
		p.Place.Seq = seqOf(r.int(0))
		if r.int(1) >= limit {
			return nil
		}
		old++
		if r.int(2) == 0 && !p.Spared.Has(p.Place.Slot, p.Place.Seq) {
			keys = append(keys, r.int(0))
			noteID(last, sms.ID(r.int(3)))
		}
		return nil
	})
	if err != nil {
		return store.Pruned{}, err
	}
	gone := newBulk("DELETE FROM event WHERE key IN (", "?", ")")
	for _, k := range keys {
		gone.add(k)
		noteSeq(last, k)
	}
	held, err := e.prune(f, len(keys) > 0, func(time.Time) error {
		if err := gone.exec(e.writer); err != nil {
			return err
		}
		return e.keepLast(last)
	})
	if err != nil {
		return store.Pruned{}, err
	}
	if rows < pruneRows || old == 0 { // what comes next is younger
		p.Place = store.SlotSeq{Slot: p.Place.Slot + 1}
	}
	return store.Pruned{Events: len(keys), Held: held}, nil
}

func (e *Engine) pruneReceipts(ctx context.Context, f store.Fence, p *store.Pass) (store.Pruned, error) {
	gone := newBulk("DELETE FROM receipt_parked WHERE key IN (", "?", ")")
	n, err := e.pruneFew(ctx, f, p, gone, "old receipts", "SELECT key FROM receipt_parked WHERE at < ? LIMIT ?", millis(p.Receipts))
	return store.Pruned{Receipts: n.rows, Held: n.held}, err
}

func (e *Engine) pruneSpend(ctx context.Context, f store.Fence, p *store.Pass) (store.Pruned, error) {
	gone := newBulk("DELETE FROM spend WHERE (account, month, channel, country, route) IN (VALUES ", "(?,?,?,?,?)", ")")
	n, err := e.pruneFew(ctx, f, p, gone, "old spend", "SELECT account, month, channel, country, route FROM spend WHERE month < ? LIMIT ?", p.Month)
	return store.Pruned{Spend: n.rows, Held: n.held}, err
}

// few is what came of pruneFew.
type few struct {
	rows int
	held time.Duration
}

// pruneFew deletes from a table that has few rows at any time: find reads their
// keys, gone deletes them.
func (e *Engine) pruneFew(ctx context.Context, f store.Fence, p *store.Pass, gone *bulk, what, find string, limit driver.Value) (few, error) {
	var n few
	if err := e.scan(ctx, what, find, []driver.Value{limit, int64(pruneRows)}, func(r row) error {
		n.rows++
		gone.add(r...)
		return nil
	}); err != nil {
		return few{}, err
	}
	var err error
	if n.held, err = e.prune(f, n.rows > 0, func(time.Time) error { return gone.exec(e.writer) }); err != nil {
		return few{}, err
	}
	if n.rows < pruneRows {
		p.Next()
	}
	return n, nil
}

// prune runs do in a transaction under the fence, if there is anything to do, and
// says for how long it kept others waiting.
func (e *Engine) prune(f store.Fence, wanted bool, do func(began time.Time) error) (held time.Duration, err error) {
	if !wanted {
		return 0, nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	began := time.Now()
	if err := e.transact(func() error {
		if err := e.check(f); err != nil {
			return err
		}
		return do(began)
	}); err != nil {
		return 0, fmt.Errorf("prune: %w", err)
	}
	return time.Since(began), nil
}

// millis is t as it is stored; nothing is older than the zero time.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// slotOf is the slot in a key.
func slotOf(key int64) int { return int(key >> slotShift) }
