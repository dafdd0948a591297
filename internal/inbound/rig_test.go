package inbound

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"heliograph/internal/carrier"
	"heliograph/internal/optout"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/store/sqlite"
)

const (
	customer = "111122223333"
	handset  = "+14255550168"
	twoWay   = "+12065550183" // two-way, with the keywords JOIN and START
	oneWay   = "+12065550184"
)

var testKeys, _ = NewKeys(make([]byte, 16))

// clock is the time of a test, which moves by hand.
type clock struct{ ms atomic.Int64 }

func (c *clock) now() time.Time          { return time.UnixMilli(c.ms.Load()).UTC() }
func (c *clock) advance(d time.Duration) { c.ms.Add(d.Milliseconds()) }

// flaky is an engine that fails as many commits as a test says.
type flaky struct {
	store.Engine
	store.Lists
	commits atomic.Int64
}

func (e *flaky) Apply(ctx context.Context, f store.Fence, changes []*store.Change) error {
	if e.commits.Add(-1) >= 0 {
		return store.ErrUnavailable
	}
	return e.Engine.Apply(ctx, f, changes)
}

// answer is a Reply that is one message.
type answer struct {
	rig       *rig
	message   *sms.Message
	abandoned bool
}

func (a *answer) Into(c *store.Change) {
	c.Accept = append(c.Accept, store.Accepted{Message: a.message, Queued: store.Queued{ID: a.message.ID, Shard: "acme", Lane: "lane", Parts: 1,
		Due: a.message.AcceptedAt, Expires: a.message.ExpiresAt}})
}

func (a *answer) Abandon() { a.rig.abandoned.Add(1) }

// rig is flows over one store, as nodes have them.
type rig struct {
	*testing.T
	clock     clock
	path      string
	engine    *flaky
	committer *store.Committer
	directory *resources.Directory
	ids       *sms.MessageIDs
	refusal   atomic.Pointer[error] // of answers
	abandoned atomic.Int64
	nodes     []*node
}

type node struct {
	*Flow
	registry *prometheus.Registry
	stop     context.CancelFunc
}

func newRig(t *testing.T, nodes int) *rig {
	t.Helper()
	r := &rig{T: t, path: filepath.Join(t.TempDir(), "inbound.db")}
	r.clock.ms.Store(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).UnixMilli())
	var err error
	if r.ids, err = sms.NewMessageIDs(make([]byte, 16)); err != nil {
		t.Fatal(err)
	}
	r.open(nodes)
	r.must(r.directory.EnsureAccount(t.Context(), customer, resources.Production))
	r.must(r.directory.Change(t.Context(), customer, func(tx *resources.Tx) error {
		for id, n := range map[string]sms.PhoneNumber{"phone-two": {Number: twoWay, TwoWay: sms.TwoWay{Enabled: true, ChannelARN: "arn:aws:sns:us-east-1:111122223333:in"}},
			"phone-one": {Number: oneWay}} {
			n.ID, n.Country, n.Type, n.Status, n.Carrier, n.OptOutList = id, "US", sms.LongCode, sms.NumberActive, "acme", sms.DefaultOptOutList
			tx.PhoneNumbers.Put(id, n)
		}
		tx.Keywords.Put("phone-two", sms.Keywords{Own: []sms.Keyword{{Keyword: "JOIN", Message: "welcome", Action: sms.AutomaticResponse},
			{Keyword: "START", Message: "back", Action: sms.OptIn}}})
		return nil
	}))
	t.Cleanup(func() { r.shut() })
	return r
}

func (r *rig) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

// open opens the store, and runs flows over it.
func (r *rig) open(nodes int) {
	r.Helper()
	e, err := sqlite.Open(r.Context(), r.path, sqlite.Options{})
	r.must(err)
	r.engine = &flaky{Engine: e, Lists: e}
	fence, err := e.Join(r.Context(), "test")
	r.must(err)
	r.committer = store.NewCommitter(r.engine, fence, store.CommitterOptions{})
	r.directory, err = resources.Open(r.Context(), r.engine, r.committer, "aws", "us-east-1", r.clock.now)
	r.must(err)
	r.nodes = nil
	for i := range nodes {
		ids, registry := sms.NewIDs(i, 0), prometheus.NewRegistry()
		f := New(Options{Lists: e, Committer: r.committer, Directory: r.directory, IDs: ids, MessageIDs: r.ids, Keys: testKeys,
			Reply: func(_ context.Context, s *resources.Snapshot, number *sms.PhoneNumber, to, body string) (Reply, error) {
				if refusal := r.refusal.Load(); refusal != nil {
					return nil, *refusal
				}
				now := r.clock.now()
				return &answer{rig: r, message: &sms.Message{ID: ids.Next(now), Account: s.Account.ID, AcceptedAt: now, ExpiresAt: now.Add(time.Hour),
					Destination: to, Country: "US", Body: body, Encoding: "GSM", Parts: 1, Type: sms.Transactional,
					Route: sms.Route{Identity: number.Number, Kind: sms.IdentityPhoneNumber, Carrier: "acme", Lane: "lane"}}}, nil
			},
			Metrics: NewMetrics(registry), Log: slog.New(slog.DiscardHandler), Now: r.clock.now})
		ctx, stop := context.WithCancel(context.Background())
		f.Run(ctx)
		r.nodes = append(r.nodes, &node{f, registry, stop})
	}
}

func (r *rig) shut() {
	for _, n := range r.nodes {
		n.stop()
		n.Close()
	}
	r.committer.Close()
	if err := r.engine.Engine.Close(); err != nil {
		r.Errorf("close: %v", err)
	}
}

// crash takes the store away from under the flows, and begins again.
func (r *rig) crash() {
	r.Helper()
	nodes := len(r.nodes)
	r.committer.Close()
	r.shut()
	r.open(nodes)
}

// give hands a part to a node and waits for the answer.
func (r *rig) give(n int, m carrier.Inbound) (carrier.InboundOutcome, error) {
	var outcome carrier.InboundOutcome
	m.Outcome, m.At = &outcome, r.clock.now()
	answer := make(chan error, 2)
	r.nodes[n].Inbound(m, func(err error) { answer <- err })
	select {
	case err := <-answer:
		return outcome, err
	case <-time.After(20 * time.Second):
		return outcome, errors.New("the message was not answered")
	}
}

func text(to, body string) carrier.Inbound {
	return carrier.Inbound{Carrier: "acme", From: handset, To: to, Text: body, Total: 1, Number: 1}
}

func (r *rig) take(m carrier.Inbound) carrier.InboundOutcome {
	r.Helper()
	return r.takeAt(0, m)
}

func (r *rig) takeAt(n int, m carrier.Inbound) carrier.InboundOutcome {
	r.Helper()
	o, err := r.give(n, m)
	if err != nil {
		r.Fatalf("part %d of %d: %v", m.Number, m.Total, err)
	}
	return o
}

// published are the payloads of the events that were written, in order.
func (r *rig) published() []Payload {
	r.Helper()
	events, err := r.engine.EventsAfter(r.Context(), r.committer.Fence().Slot, 0, 1000)
	r.must(err)
	var out []Payload
	for _, e := range events {
		if e.Status != store.StatusInbound {
			continue
		}
		var p Payload
		r.must(json.Unmarshal(e.Detail.Content.Body, &p))
		if id, err := r.ids.Parse(p.InboundMessageID); err != nil || id != e.Message || e.Final || e.Account != customer || e.ConfigurationSet != "two-way:phone-two" {
			r.Errorf("event %+v of payload %+v, %v", e, p, err)
		}
		out = append(out, p)
	}
	return out
}

// bodies are the texts that were published.
func (r *rig) bodies() []string {
	r.Helper()
	out := []string{}
	for _, p := range r.published() {
		out = append(out, p.MessageBody)
	}
	return out
}

// answers are the texts of the messages that were accepted, the oldest first.
func (r *rig) answers() []string {
	r.Helper()
	all, err := r.engine.MessagesOf(r.Context(), customer, 0, 1000)
	r.must(err)
	out := []string{}
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].Destination != handset {
			r.Errorf("answer to %s", all[i].Destination)
		}
		out = append(out, all[i].Body)
	}
	return out
}

func (r *rig) optOutKey() store.EntryKey {
	r.Helper()
	list := r.directory.Account(customer).OptOutLists.Get(sms.DefaultOptOutList)
	key, _ := optout.Key(optout.List(customer, &list.Value, list.Created), handset)
	return key
}

// optOut is the handset's entry on the Default list.
func (r *rig) optOut() *store.Entry {
	r.Helper()
	e, err := r.engine.Entries(r.Context(), []store.EntryKey{r.optOutKey()})
	r.must(err)
	return e[0]
}

// waiting counts the parts that wait, and what is left of messages that were made.
func (r *rig) waiting() (parts, made int) {
	r.Helper()
	for list, n := range map[int64]*int{pendingList: &parts, doneList: &made} {
		all, err := r.engine.EntriesAfter(r.Context(), store.EntryScan{List: list, After: math.MinInt64, Limit: 10_000})
		r.must(err)
		*n = len(all)
	}
	return parts, made
}

func (r *rig) sweep() {
	r.Helper()
	r.must(r.nodes[0].Sweep(r.Context()))
}

// count is the value of a node's metric, all labels together.
func (r *rig) count(n int, name string) int {
	r.Helper()
	families, err := r.nodes[n].registry.Gather()
	r.must(err)
	sum := 0.0
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return int(sum)
}
