package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"

	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/store/record"
)

const eventColumns = "key, msg, account, cset, status, at, final, doc"

// Messages fills in the messages with these ids, nil for one that is not there.
func (e *Engine) Messages(ctx context.Context, ids []sms.ID) ([]*sms.Message, error) {
	out := make([]*sms.Message, len(ids))
	at := make(map[sms.ID]int, len(ids))
	wanted := newBulk("SELECT id, doc FROM message WHERE id IN (", "?", ")")
	for i, id := range ids {
		if _, twice := at[id]; !twice {
			at[id] = i
			wanted.add(int64(id))
		}
	}
	err := e.read(ctx, "messages", func(c *conn) error {
		return wanted.query(ctx, c, func(r row) error {
			m, err := e.message(r.int(0), r.blob(1))
			out[at[sms.ID(r.int(0))]] = m
			return err
		})
	})
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
		before = 1<<63 - 1
	}
	var out []*sms.Message
	err := e.scan(ctx, "messages of an account", "SELECT id, doc FROM message WHERE account = ? AND id < ? ORDER BY id DESC LIMIT ?",
		[]driver.Value{account, int64(before), int64(limit)}, func(r row) error {
			m, err := e.message(r.int(0), r.blob(1))
			out = append(out, m)
			return err
		})
	return out, err
}

// MessageEvents is a message's events in order.
func (e *Engine) MessageEvents(ctx context.Context, id sms.ID) ([]store.Event, error) {
	var out []store.Event
	err := e.scan(ctx, "events of a message", "SELECT "+eventColumns+" FROM event WHERE msg = ? ORDER BY key",
		[]driver.Value{int64(id)}, e.collectEvents(&out))
	return out, err
}

// EventsAfter reads a slot's log after a Seq, at most about store.EventBytes.
func (e *Engine) EventsAfter(ctx context.Context, slot int, after int64, limit int) ([]store.Event, error) {
	var out []store.Event
	err := e.read(ctx, "events", func(c *conn) error {
		return c.query(ctx, "SELECT "+eventColumns+" FROM event WHERE key BETWEEN ? AND ? ORDER BY key LIMIT ?",
			append(keysAfter(slot, after), int64(limit)), enough(e.collectEvents(&out)))
	})
	return out, complete(err)
}

// EventsAt reads the named rows of a slot's log, in ascending order as seqs is, at most
// about store.EventBytes; those that are not there are left out.
func (e *Engine) EventsAt(ctx context.Context, slot int, seqs []int64) ([]store.Event, error) {
	wanted := newBulk("SELECT "+eventColumns+" FROM event WHERE key IN (", "?", ") ORDER BY key")
	for _, seq := range seqs {
		wanted.add(key(slot, seq))
	}
	var out []store.Event
	err := e.read(ctx, "events", func(c *conn) error { return wanted.query(ctx, c, enough(e.collectEvents(&out))) })
	return out, complete(err)
}

// errEnough ends a query whose further rows are not wanted.
var errEnough = errors.New("enough was read")

// enough collects events until their details come to store.EventBytes.
func enough(collect func(row) error) func(row) error {
	read := 0
	return func(r row) error {
		if err := collect(r); err != nil {
			return err
		}
		if read += len(r.blob(7)); read >= store.EventBytes {
			return errEnough
		}
		return nil
	}
}

// complete is the error of a query that enough may have ended.
func complete(err error) error {
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

func (e *Engine) collectEvents(out *[]store.Event) func(row) error {
	return func(r row) error {
		doc, err := e.unsealed(r.blob(7), record.TableEvent, r.int(0)>>slotShift, seqOf(r.int(0)))
		if err != nil {
			return fmt.Errorf("event %d of slot %d: %w", seqOf(r.int(0)), r.int(0)>>slotShift, err)
		}
		detail, err := record.Detail(doc)
		*out = append(*out, store.Event{Slot: int(r.int(0) >> slotShift), Seq: seqOf(r.int(0)), Message: sms.ID(r.int(1)),
			Account: r.text(2), ConfigurationSet: r.text(3), Status: sms.Status(r.text(4)), At: r.time(5), Final: r.int(6) != 0, Detail: detail})
		return err
	}
}
