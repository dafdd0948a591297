package postgres

import (
	"context"
	"fmt"
	"math"

	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/store/record"
)

// Messages fills in the messages with these ids, nil for one that is not there.
func (e *Engine) Messages(ctx context.Context, ids []sms.ID) ([]*sms.Message, error) {
	out := make([]*sms.Message, len(ids))
	at := make(map[sms.ID]int, len(ids))
	wanted := make([]int64, 0, len(ids))
	for i, id := range ids {
		if _, twice := at[id]; !twice {
			at[id] = i
			wanted = append(wanted, int64(id))
		}
	}
	err := e.scan(ctx, e.reads, "messages", "SELECT id, doc FROM message WHERE id = ANY($1::bigint[])", func(r row) error {
		id := sms.ID(r.int(0))
		m, err := e.message(r.int(0), r[1])
		out[at[id]] = m
		return err
	}, wanted)
	if err != nil {
		return nil, err
	}
	for i, id := range ids {
		out[i] = out[at[id]]
	}
	return out, nil
}

// MessagesOf lists an account's newest messages before an ID, 0: from the newest.
func (e *Engine) MessagesOf(ctx context.Context, account string, before sms.ID, limit int) ([]*sms.Message, error) {
	if before == 0 {
		before = math.MaxInt64
	}
	var out []*sms.Message
	err := e.scan(ctx, e.reads, "messages of an account", "SELECT id, doc FROM message WHERE account = $1::text AND id < $2::bigint ORDER BY account DESC, id DESC LIMIT $3::bigint",
		func(r row) error {
			m, err := e.message(r.int(0), r[1])
			out = append(out, m)
			return err
		}, account, int64(before), limit)
	return out, err
}

// MessageEvents is a message's events in order. Those of one slot are in the order
// of its log; between slots, for instance where a receipt came in at another node,
// the times decide.
func (e *Engine) MessageEvents(ctx context.Context, id sms.ID) ([]store.Event, error) {
	var out []store.Event
	err := e.scan(ctx, e.reads, "events of a message", "SELECT "+eventColumns+" FROM event WHERE msg = $1::bigint ORDER BY slot, seq",
		e.collectEvents(&out), int64(id))
	return mergeSlots(out), err
}

// mergeSlots puts events that are ordered by slot and seq into the order of their
// times, leaving those of a slot in their order.
func mergeSlots(events []store.Event) []store.Event {
	if len(events) == 0 || events[0].Slot == events[len(events)-1].Slot {
		return events
	}
	logs := map[int][]store.Event{}
	for i := range events {
		logs[events[i].Slot] = append(logs[events[i].Slot], events[i])
	}
	out := make([]store.Event, 0, len(events))
	for len(out) < len(events) {
		first := -1
		for slot, log := range logs {
			if len(log) == 0 {
				continue
			}
			if first < 0 || log[0].At.Before(logs[first][0].At) || log[0].At.Equal(logs[first][0].At) && slot < first {
				first = slot
			}
		}
		out, logs[first] = append(out, logs[first][0]), logs[first][1:]
	}
	return out
}

// EventsAfter reads a slot's log after a Seq, at most about store.EventBytes.
func (e *Engine) EventsAfter(ctx context.Context, slot int, after int64, limit int) ([]store.Event, error) {
	var out []store.Event
	err := e.scan(ctx, e.reads, "events", bounded("slot = $1::bigint AND seq > $2::bigint ORDER BY slot, seq LIMIT $3::bigint", "$4"),
		e.collectEvents(&out), slot, after, limit, store.EventBytes)
	return out, err
}

// EventsAt reads the named rows of a slot's log, in ascending order, at most about
// store.EventBytes; those that are not there are left out.
func (e *Engine) EventsAt(ctx context.Context, slot int, seqs []int64) ([]store.Event, error) {
	var out []store.Event
	err := e.scan(ctx, e.reads, "events", bounded("slot = $1::bigint AND seq = ANY($2::bigint[]) ORDER BY slot, seq", "$3"),
		e.collectEvents(&out), slot, seqs, store.EventBytes)
	return out, err
}

// bounded asks for events of one slot, in their order, as long as the details of those
// before come to less than so many bytes. The length of a detail is known without
// reading it.
func bounded(which, bytes string) string {
	return "SELECT " + eventColumns + " FROM (SELECT *, coalesce(sum(octet_length(doc)) OVER (ORDER BY seq" +
		" ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before FROM (SELECT " + eventColumns + " FROM event WHERE " + which +
		") AS wanted) AS measured WHERE before < " + bytes + "::bigint ORDER BY seq"
}

func (e *Engine) collectEvents(out *[]store.Event) func(row) error {
	return func(r row) error {
		doc, err := e.unsealed(r[8], record.TableEvent, r.int(0), r.int(1))
		if err != nil {
			return fmt.Errorf("event %d of slot %d: %w", r.int(1), r.int(0), err)
		}
		detail, err := record.Detail(doc)
		*out = append(*out, store.Event{Slot: int(r.int(0)), Seq: r.int(1), Message: sms.ID(r.int(2)), Account: r.text(3),
			ConfigurationSet: r.text(4), Status: sms.Status(r.text(5)), At: r.time(6), Final: r.int(7) != 0, Detail: detail})
		return err
	}
}
