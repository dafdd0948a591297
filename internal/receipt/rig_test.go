package receipt_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"heliograph/internal/carrier"
	"heliograph/internal/receipt"
	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/store/sqlite"
)

// clock is the time of a test, which moves by hand.
type clock struct{ ms atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.ms.Store(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).UnixMilli())
	return c
}

func (c *clock) now() time.Time              { return time.UnixMilli(c.ms.Load()).UTC() }
func (c *clock) advance(d time.Duration)     { c.ms.Add(d.Milliseconds()) }
func (c *clock) message(ids *sms.IDs) sms.ID { return ids.Next(c.now()) }

// flaky is an engine that fails as many commits or reads as a test says.
type flaky struct {
	store.Engine
	commits, reads atomic.Int64
}

func (e *flaky) Apply(ctx context.Context, f store.Fence, changes []*store.Change) error {
	if e.commits.Add(-1) >= 0 {
		return store.ErrUnavailable
	}
	return e.Engine.Apply(ctx, f, changes)
}

func (e *flaky) Messages(ctx context.Context, ids []sms.ID) ([]*sms.Message, error) {
	if e.reads.Add(-1) >= 0 {
		return nil, store.ErrUnavailable
	}
	return e.Engine.Messages(ctx, ids)
}

// tester is what the rig needs of testing.T and rapid.T.
type tester interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
	Errorf(string, ...any)
}

// rig is a flow over a real store.
type rig struct {
	tester
	clock     *clock
	path      string
	engine    *flaky
	committer *store.Committer
	metrics   *receipt.Metrics
	registry  *prometheus.Registry
	flow      *receipt.Flow
	ids       *sms.IDs
	stop      context.CancelFunc

	outOfService func([]string) error // nil: nobody wants to know
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{tester: t, clock: newClock(), path: filepath.Join(t.TempDir(), "receipts.db"), ids: sms.NewIDs(0, 0)}
	r.open()
	r.start()
	t.Cleanup(func() {
		r.end()
		r.shut()
	})
	return r
}

func (r *rig) open() {
	r.Helper()
	e, err := sqlite.Open(context.Background(), r.path, sqlite.Options{})
	if err != nil {
		r.Fatal(err)
	}
	r.engine = &flaky{Engine: e}
}

func (r *rig) shut() {
	r.Helper()
	if err := r.engine.Close(); err != nil {
		r.Errorf("close: %v", err)
	}
}

// load makes a flow and has it read the store; run starts it.
func (r *rig) load() {
	r.Helper()
	fence, err := r.engine.Join(context.Background(), "test")
	if err != nil {
		r.Fatal(err)
	}
	var flow *receipt.Flow
	r.committer = store.NewCommitter(r.engine, fence, store.CommitterOptions{
		Observers: []func([]*store.Change){func(c []*store.Change) { flow.Observe(c) }}})
	r.registry = prometheus.NewRegistry()
	r.metrics = receipt.NewMetrics(r.registry)
	flow = receipt.New(receipt.Options{Engine: r.engine, Committer: r.committer, Messages: store.NewMessageCache(1000),
		OutOfService: func(_ context.Context, numbers []string) error {
			if r.outOfService == nil {
				return nil
			}
			return r.outOfService(numbers)
		},
		Metrics: r.metrics, Log: slog.New(slog.DiscardHandler), Now: r.clock.now})
	if err := errors.Join(flow.Open(context.Background()), flow.AddSlot(context.Background(), fence.Slot), flow.AddShard(context.Background(), "")); err != nil {
		r.Fatal(err)
	}
	r.flow = flow
}

func (r *rig) run() {
	ctx, stop := context.WithCancel(context.Background())
	r.stop = stop
	r.flow.Run(ctx)
}

func (r *rig) start() {
	r.Helper()
	r.load()
	r.run()
}

// end stops the flow in order.
func (r *rig) end() {
	r.stop()
	r.flow.Close()
	r.committer.Close()
}

// restart ends the process in order and begins another over the same file.
func (r *rig) restart() {
	r.Helper()
	r.end()
	r.shut()
	r.open()
	r.start()
}

// crash takes the store away from under the flow before it ends.
func (r *rig) crash() {
	r.Helper()
	r.committer.Close()
	r.stop()
	r.flow.Close()
	r.start()
}

// accept makes a message of some parts durable.
func (r *rig) accept(to string, parts int) sms.ID {
	r.Helper()
	now := r.clock.now()
	m := &sms.Message{ID: r.clock.message(r.ids), Account: "111122223333", AcceptedAt: now, ExpiresAt: now.Add(72 * time.Hour),
		Destination: to, Country: "GB", Type: sms.Transactional, Body: "hello", Encoding: "GSM", Parts: parts, ConfigurationSet: "set",
		Route: sms.Route{Identity: "+447700900001", Kind: sms.IdentityPhoneNumber, Carrier: "acme", Lane: "lane"}}
	if err := r.committer.Commit(&store.Change{Accept: []store.Accepted{{Message: m, Queued: store.Queued{ID: m.ID, Shard: "acme",
		Lane: "lane", Parts: parts, Due: now, Expires: m.ExpiresAt}}}}); err != nil {
		r.Fatal(err)
	}
	return m.ID
}

// taken stores the submit answer of a part.
func (r *rig) taken(message sms.ID, part, parts int, carrierID string) {
	r.Helper()
	if err := r.committer.Commit(takenChange(message, part, parts, carrierID, r.clock.now())); err != nil {
		r.Fatal(err)
	}
}

func takenChange(message sms.ID, part, parts int, carrierID string, at time.Time) *store.Change {
	return &store.Change{Parts: []store.PartChange{{Shard: "acme", Account: "111122223333", ConfigurationSet: "set",
		Expires: at.Add(72 * time.Hour), Update: sms.PartUpdate{Message: message, Parts: parts, Number: part, Kind: sms.UpdateTaken,
			Carrier: "acme", CarrierMessageID: carrierID, Code: "ESME_ROK", At: at}}}}
}

func word(status sms.Status, to string, ids ...string) carrier.Receipt {
	return carrier.Receipt{Carrier: "acme", CarrierMessageIDs: ids, Destination: to, Final: true, Status: status, Code: "000", Detail: "stat"}
}

// give hands a receipt to the flow and waits for the answer.
func (r *rig) give(in carrier.Receipt) error {
	in.At = r.clock.now()
	answer := make(chan error, 2)
	r.flow.Receipt(in, func(err error) { answer <- err })
	select {
	case err := <-answer:
		return err
	case <-time.After(10 * time.Second):
		return errors.New("the receipt was not answered")
	}
}

func (r *rig) receipt(in carrier.Receipt) {
	r.Helper()
	if err := r.give(in); err != nil {
		r.Fatalf("receipt %v: %v", in.CarrierMessageIDs, err)
	}
}

func (r *rig) delivered(to string, ids ...string) {
	r.Helper()
	r.receipt(word(sms.StatusDelivered, to, ids...))
}

func (r *rig) sweep() {
	r.Helper()
	if err := r.flow.Sweep(context.Background()); err != nil {
		r.Fatal(err)
	}
}

// dropNumbers has all messages that have ended lose their numbers, as retention does.
func (r *rig) dropNumbers() {
	r.Helper()
	fence := r.committer.Fence()
	last, err := r.engine.LastSeq(context.Background(), fence.Slot)
	if err != nil {
		r.Fatal(err)
	}
	if err := r.committer.Commit(&store.Change{Cursors: []store.Cursor{{Slot: fence.Slot, Seq: last}}}); err != nil {
		r.Fatal(err)
	}
	for p := (store.Pass{Numbers: r.clock.message(r.ids)}); !p.Done(); {
		if _, err := r.engine.Engine.(store.Pruner).Prune(context.Background(), fence, &p); err != nil {
			r.Fatal(err)
		}
	}
}

// events are a message's statuses in order; the final one has a dot.
func (r *rig) events(id sms.ID) string {
	r.Helper()
	list, err := r.engine.MessageEvents(context.Background(), id)
	if err != nil {
		r.Fatal(err)
	}
	var words []string
	for _, e := range list {
		w := string(e.Status)
		if e.Final {
			w += "."
		}
		words = append(words, w)
	}
	return strings.Join(words, " ")
}

func (r *rig) want(id sms.ID, events string) {
	r.Helper()
	got := ""
	if !r.comes(func() bool { got = r.events(id); return got == events }) {
		r.Fatalf("events are %q, want %q", got, events)
	}
}

// parked waits until so many receipts are parked, in the store and in memory.
func (r *rig) parked(want int) {
	r.Helper()
	var stored int64
	memory := 0
	if !r.comes(func() bool {
		c, err := r.engine.Counts(context.Background())
		if err != nil {
			r.Fatal(err)
		}
		_, memory = r.flow.Sizes()
		stored = c.Parked
		return stored == int64(want) && memory == want
	}) {
		r.Fatalf("%d receipts are parked in the store and %d in memory, want %d", stored, memory, want)
	}
}

// settle has the sweep bring home what is held back as late.
func (r *rig) settle() {
	r.Helper()
	if !r.comes(func() bool {
		r.clock.advance(2 * time.Minute)
		r.sweep()
		c, err := r.engine.Counts(context.Background())
		return err == nil && c.Parked == 0
	}) {
		r.Fatal("receipts stay parked")
	}
}

// story is a message's events without the late receipts in between.
func (r *rig) story(id sms.ID) string {
	r.Helper()
	return strings.TrimSpace(strings.ReplaceAll(r.events(id)+" ", "LATE_RECEIPT ", ""))
}

func (r *rig) comes(f func() bool) bool {
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if f() {
			return true
		}
	}
	return false
}

// count is the value of one of the flow's metrics, over all labels.
func (r *rig) count(name string) int {
	r.Helper()
	families, err := r.registry.Gather()
	if err != nil {
		r.Fatal(err)
	}
	total := 0.0
	for _, family := range families {
		if family.GetName() == "heliograph_"+name {
			for _, m := range family.GetMetric() {
				total += m.GetCounter().GetValue()
			}
		}
	}
	return int(total)
}

const alice, bob = "+447700900111", "+447700900222"

func to(i int) string { return fmt.Sprintf("+4477009%05d", i) }

// together runs functions at the same time.
func together(fs ...func()) {
	var wg sync.WaitGroup
	for _, f := range fs {
		wg.Go(f)
	}
	wg.Wait()
}
