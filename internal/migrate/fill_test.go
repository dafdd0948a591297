package migrate

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"testing"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

const account = "111122223333"

var (
	began = time.UnixMilli(1_790_000_000_123).UTC()
	quiet = slog.New(slog.DiscardHandler)
)

// node writes to a store as a node does.
type node struct {
	t      testing.TB
	engine store.Engine
	fence  store.Fence
	ids    *sms.IDs
	now    time.Time
}

func join(t testing.TB, e store.Engine, name string) *node {
	t.Helper()
	f, err := e.Join(context.Background(), name)
	if err != nil {
		t.Fatal(err)
	}
	last, err := e.LastID(context.Background(), f.Slot)
	if err != nil {
		t.Fatal(err)
	}
	return &node{t: t, engine: e, fence: f, ids: sms.NewIDs(f.Slot, last), now: began}
}

func (n *node) apply(changes ...*store.Change) {
	n.t.Helper()
	if err := n.engine.Apply(context.Background(), n.fence, changes); err != nil {
		n.t.Fatal(err)
	}
	for i, c := range changes {
		if c.Err != nil {
			n.t.Fatalf("change %d: %v", i, c.Err)
		}
	}
}

func (n *node) message(parts int) *sms.Message {
	n.now = n.now.Add(time.Millisecond)
	id := n.ids.Next(n.now)
	return &sms.Message{ID: id, Account: account, AcceptedAt: n.now, ExpiresAt: n.now.Add(time.Hour),
		Destination: "+447700900123", Country: "GB", Type: sms.Transactional, Body: fmt.Sprintf("Grüße %d", id), Encoding: "Unicode",
		Parts: parts, Context: map[string]string{"order": "1"}, ConfigurationSet: "set", Price: 6450, CarrierFee: 1,
		Route: sms.Route{Identity: "+447700900001", Kind: sms.IdentityPhoneNumber, Carrier: "acme", Lane: "lane", PartsPerSecond: 0.5, Why: "given"}}
}

func accepted(m *sms.Message) store.Accepted {
	return store.Accepted{Message: m, Queued: store.Queued{ID: m.ID, Shard: "acme", Lane: m.Route.Lane, Class: store.ClassOf(m.Type),
		Parts: m.Parts, Due: m.AcceptedAt, Expires: m.ExpiresAt}}
}

func (n *node) update(m *sms.Message, kind sms.UpdateKind, number int, status sms.Status) store.PartChange {
	n.now = n.now.Add(time.Second)
	return store.PartChange{Shard: "acme", Account: m.Account, ConfigurationSet: m.ConfigurationSet, Expires: m.ExpiresAt,
		Update: sms.PartUpdate{Message: m.ID, Parts: m.Parts, Number: number, Kind: kind, Status: status, Carrier: "acme",
			CarrierMessageID: fmt.Sprintf("%x", number), Code: "code", Detail: "detail", At: n.now}}
}

// fill writes something into every table: messages in each place that they can be
// in, marks without outcomes, events that are not published, parked receipts.
func (n *node) fill() {
	n.t.Helper()
	slot := n.fence.Slot
	queued, later, partly, ended, plain := n.message(1), n.message(2), n.message(3), n.message(1), n.message(1)
	plain.ConfigurationSet, plain.Context = "", nil
	later.Type = sms.Promotional
	moved := accepted(later)
	moved.Queued.Attempts, moved.Queued.Route = 3, &sms.Route{Identity: "NOTICE", Carrier: "other", PartsPerSecond: 20}
	n.apply(&store.Change{Accept: []store.Accepted{accepted(queued), moved, accepted(partly), accepted(ended), accepted(plain)},
		Spend: []store.SpendDelta{billed("2026-09", "GB", 6451), billed("2026-09", "FR", 7), billed("2026-08", "GB", 1)}})
	n.apply(&store.Change{Spend: []store.SpendDelta{billed("2026-09", "GB", 12)}})
	at := func(after time.Duration) time.Time { return n.now.Add(after) }
	n.apply(&store.Change{Entries: []store.EntryWrite{
		{Entry: store.Entry{EntryKey: store.EntryKey{List: list, Key: 447700900001 << slot}, At: at(0), Mark: 2, Until: at(time.Hour), Doc: []byte{0, 255}}},
		{Entry: store.Entry{EntryKey: store.EntryKey{List: list, Key: int64(-slot) - 1}}}},
		Logs: []store.LogEvent{{Group: list, At: at(0), Slot: slot, Seq: 1 << 40, Message: []byte("a line")}, {Group: list, At: at(time.Second), Slot: slot, Seq: 2}},
		Append: []store.Event{{Account: account, ConfigurationSet: "topic:t", Status: store.StatusPublication, At: n.now,
			Detail: store.EventDetail{Content: &store.EventContent{Body: []byte("{}"), Subject: "Grüße", Attributes: map[string]string{"a": "b"}}}}}})
	n.apply(&store.Change{Mark: []store.Dispatch{
		{Seq: 1, Shard: "acme", Parts: []sms.PartID{ended.ID.Part(1)}},
		{Seq: 2, Shard: "acme", Parts: []sms.PartID{partly.ID.Part(1), partly.ID.Part(2), plain.ID.Part(1)}},
		{Seq: 3, Shard: "other", Parts: []sms.PartID{later.ID.Part(1)}}}})
	n.apply(&store.Change{Parts: []store.PartChange{n.update(ended, sms.UpdateTaken, 1, ""), n.update(partly, sms.UpdateTaken, 1, "")}, Unmark: []store.SlotSeq{{Slot: n.fence.Slot, Seq: 1}}})
	n.apply(&store.Change{Parts: []store.PartChange{n.update(ended, sms.UpdateReceipt, 1, sms.StatusDelivered)}})
	n.apply(&store.Change{Parts: []store.PartChange{n.update(ended, sms.UpdateReceipt, 1, sms.StatusDelivered)}}) // comes late
	n.apply(&store.Change{Park: []store.ParkedReceipt{{Seq: 1, Carrier: "acme", At: n.now, Doc: []byte("a receipt")}, {Seq: 4, Carrier: "acme", At: n.now}},
		Cursors: []store.Cursor{{Slot: slot, Seq: 2}},
		Lag: []store.LagBatch{{LagKey: store.LagKey{Destination: account + "/set/log", Slot: slot, First: 1}, Seqs: []int64{1, 2}},
			{LagKey: store.LagKey{Destination: account + "/set/topic", Slot: slot, First: 2}, Seqs: []int64{2}}},
		Losses: []store.Loss{{Destination: account + "/set/log", Slot: slot, Kind: store.EventsLost, Events: 3},
			{Destination: account + "/set/log", Slot: slot, Kind: store.EventsDropped, Events: 1 << 40}}})
	resource := func(account, kind string, tags map[string]string, doc []byte) store.ResourceWrite {
		return store.ResourceWrite{Resource: store.Resource{ResourceKey: store.ResourceKey{Account: account, Kind: kind, ID: fmt.Sprint("id-", slot)},
			Version: 1, Created: n.now, Tags: tags, Doc: doc}}
	}
	n.apply(&store.Change{Resources: []store.ResourceWrite{resource(account, "pool", map[string]string{"team": "Grüße \x00", "env": ""}, []byte(`{"a":1}`)),
		resource(account, "set", nil, []byte("{}")), resource("", "number", nil, nil)}})
}

// list is that of all entries, and the group of all log lines.
var list = store.ListID("list", account)

func billed(month, country string, price sms.Money) store.SpendDelta {
	return store.SpendDelta{UsageKey: store.UsageKey{Account: account, Month: month, Channel: "TEXT", Country: country, Route: "LONG_CODE"},
		Sums: store.Sums{Parts: 2, Price: price, FeeParts: 1, Fee: 3}}
}

// contents are what can be read of a store, slot by slot.
type contents struct {
	Slots     []slotContents
	Queued    []store.Queued
	Awaiting  []store.Awaiting
	Messages  []*sms.Message
	Cursors   []store.Cursor
	Lag       []store.LagBatch
	Losses    []store.Loss
	Spend     []sms.Money
	Usage     []store.Usage
	Entries   []store.Entry
	Logs      []store.LogEvent
	Resources []store.Resource
	Counts    store.Counts
}

type slotContents struct {
	LastSeq, LastDispatch, LastParked int64
	LastID                            sms.ID
	Events                            []store.Event
	Dispatches                        []store.Dispatch
	Parked                            []store.ParkedReceipt
}

// read reads all that is in a store with so many slots.
func read(t testing.TB, e store.Engine, slots int) contents {
	t.Helper()
	var c contents
	ctx := context.Background()
	need := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for slot := range slots {
		var s slotContents
		var err error
		s.LastSeq, err = e.LastSeq(ctx, slot)
		need(err)
		s.LastID, err = e.LastID(ctx, slot)
		need(err)
		s.LastDispatch, err = e.LastDispatch(ctx, slot)
		need(err)
		s.LastParked, err = e.LastParked(ctx, slot)
		need(err)
		s.Events, err = e.EventsAfter(ctx, slot, 0, 1000)
		need(err)
		s.Dispatches, err = e.Dispatches(ctx, slot, 0, 1000)
		need(err)
		s.Parked, err = e.ParkedReceipts(ctx, slot, 0, 1000)
		need(err)
		c.Slots = append(c.Slots, s)
	}
	shards, err := e.Shards(ctx)
	need(err)
	for _, shard := range shards {
		q, err := e.QueuedAfter(ctx, shard, store.Place{}, 1000)
		need(err)
		c.Queued = append(c.Queued, q...)
	}
	c.Awaiting, err = e.AwaitingAfter(ctx, "", 0, 1000)
	need(err)
	c.Messages, err = e.MessagesOf(ctx, account, 0, 1000)
	need(err)
	c.Cursors, err = e.Cursors(ctx)
	need(err)
	destinations, err := e.LagDestinations(ctx)
	need(err)
	for _, d := range destinations {
		for slot := range slots {
			l, err := e.LagBatches(ctx, d, slot, 1000)
			need(err)
			c.Lag = append(c.Lag, l...)
		}
	}
	c.Losses, err = e.(store.Auditor).AuditLosses(ctx)
	need(err)
	for _, month := range []string{"2026-08", "2026-09"} {
		m, err := e.Spend(ctx, account, month, "TEXT")
		need(err)
		c.Spend = append(c.Spend, m)
		u, err := e.(store.Lists).Usage(ctx, "", month)
		need(err)
		c.Usage = append(c.Usage, u...)
	}
	c.Entries, err = e.(store.Lists).EntriesAfter(ctx, store.EntryScan{List: list, After: math.MinInt64, Limit: 1000})
	need(err)
	c.Logs, err = e.(store.Lists).LogEvents(ctx, store.LogScan{Group: list, Slot: store.AnySlot, Limit: 1000})
	need(err)
	for _, a := range []string{account, ""} {
		r, err := e.Resources(ctx, a)
		need(err)
		c.Resources = append(c.Resources, r...)
	}
	c.Counts, err = e.Counts(ctx)
	need(err)
	return c
}

func accept(m *sms.Message) *store.Change {
	return &store.Change{Accept: []store.Accepted{accepted(m)}}
}
