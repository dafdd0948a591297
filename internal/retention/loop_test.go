package retention

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/store/sqlite"
)

// rig is a loop over a real store, in a bubble whose clock begins at its start.
type rig struct {
	*testing.T
	engine  *sqlite.Engine
	fence   store.Fence
	start   time.Time // of the bubble
	ids     *sms.IDs
	turns   atomic.Int64 // how often it still is this node's to prune; below 0: always
	metrics *Metrics
	scraped *prometheus.Registry
	log     journal
	lists   []int64             // that go
	logs    map[int64]time.Time // of which lines go
	dropped [][]int64           // what was told of lists that have gone
	stop    context.CancelFunc
	ended   chan struct{}
}

// journal is what was logged.
type journal struct {
	mu sync.Mutex
	b  strings.Builder
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.Write(b)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.String()
}

var epoch = at("2026-09-21T12:00:00Z")

func (r *rig) now() time.Time { return epoch.Add(time.Since(r.start)) }

func run(t *testing.T, keep Keep, test func(*rig)) {
	path := filepath.Join(t.TempDir(), "heliograph.db")
	synctest.Test(t, func(t *testing.T) {
		r := &rig{T: t, start: time.Now(), ids: sms.NewIDs(0, 0), scraped: prometheus.NewRegistry(), ended: make(chan struct{})}
		r.turns.Store(always)
		r.metrics = NewMetrics(r.scraped)
		log := slog.New(slog.NewTextHandler(&r.log, nil))
		var err error
		if r.engine, err = sqlite.Open(t.Context(), path, sqlite.Options{Logger: log}); err != nil {
			t.Fatal(err)
		}
		defer r.engine.Close()
		if r.fence, err = r.engine.Join(t.Context(), "node"); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		r.stop = stop
		l := New(Options{Pruner: r.engine, Fence: r.fence, Mine: r.isMine, Keep: keep, Metrics: r.metrics, Log: log, Now: r.now,
			Drop:    func() ([]int64, map[int64]time.Time) { return r.lists, r.logs },
			Dropped: func(_ context.Context, lists []int64) { r.dropped = append(r.dropped, lists) }})
		go func() {
			defer close(r.ended)
			l.Run(ctx)
		}()
		synctest.Wait()
		test(r)
		stop()
		<-r.ended
	})
}

const always = -1

func (r *rig) isMine() bool {
	n := r.turns.Load()
	if n > 0 {
		r.turns.Add(-1)
	}
	return n != 0
}

// write accepts messages and ends them, and has the router pass them.
func (r *rig) write(n, size int) {
	r.Helper()
	c := &store.Change{}
	for range n {
		id := r.ids.Next(r.now())
		m := &sms.Message{ID: id, Account: "111122223333", Parts: 1, Body: strings.Repeat("x", size), AcceptedAt: r.now()}
		c.Accept = append(c.Accept, store.Accepted{Message: m, Queued: store.Queued{Shard: "acme", Parts: 1}})
		c.Parts = append(c.Parts, store.PartChange{Update: sms.PartUpdate{Message: id, Parts: 1, Kind: sms.UpdateUnsentFinal, Status: sms.StatusTTLExpired, At: r.now()}})
	}
	r.apply(c)
	seq, err := r.engine.LastSeq(r.Context(), 0)
	if err != nil {
		r.Fatal(err)
	}
	r.apply(&store.Change{Cursors: []store.Cursor{{Seq: seq}}})
}

func (r *rig) apply(c *store.Change) {
	r.Helper()
	if err := r.engine.Apply(r.Context(), r.fence, []*store.Change{c}); err != nil {
		r.Fatal(err)
	}
}

func (r *rig) messages() int {
	r.Helper()
	m, err := r.engine.MessagesOf(r.Context(), "111122223333", 0, 100_000)
	if err != nil {
		r.Fatal(err)
	}
	return len(m)
}

func (r *rig) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (r *rig) want(messages int) {
	r.Helper()
	if n := r.messages(); n != messages {
		r.Errorf("%d messages are there after %v, want %d", n, time.Since(r.start), messages)
	}
}

// metric is the value of a counter or a gauge, of a kind where there are several.
func (r *rig) metric(name, kind string) float64 {
	r.Helper()
	families, err := r.scraped.Gather()
	if err != nil {
		r.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name && (kind == "" || m.GetLabel()[0].GetValue() == kind) {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	r.Fatalf("there is no %s of %q", name, kind)
	return 0
}

func TestLoop(t *testing.T) {
	run(t, Keep{Messages: 100 * time.Second, Receipts: 168 * time.Hour}, func(r *rig) {
		r.write(1000, 1000)
		r.apply(&store.Change{
			Park:  []store.ParkedReceipt{{Seq: 1, At: r.now().Add(-200 * time.Hour)}},
			Spend: []store.SpendDelta{{UsageKey: store.UsageKey{Account: "a", Month: "2025-07", Channel: "TEXT"}, Sums: store.Sums{Price: 1}}, {UsageKey: store.UsageKey{Account: "a", Month: "2025-08", Channel: "TEXT"}, Sums: store.Sums{Price: 1}}},
		})
		r.pass(60 * time.Second)
		r.write(10, 1000)
		r.want(1010)
		r.pass(60 * time.Second)
		r.want(10)
		for kind, want := range map[string]float64{"message": 1000, "event": 2000, "receipt": 1, "spend": 1} {
			if got := r.metric("heliograph_pruned_rows_total", kind); got != want {
				r.Errorf("%s: %v rows, want %v", kind, got, want)
			}
		}
		r.pass(60 * time.Second)
		r.want(0)
		size, free := r.metric("heliograph_store_database_bytes", ""), r.metric("heliograph_store_free_bytes", "")
		if size < 100_000 || free > 1_200_000 {
			r.Errorf("the file has %v bytes, %v of them free", size, free)
		}
		if !strings.Contains(r.log.String(), "old rows deleted") || strings.Contains(r.log.String(), "level=WARN") {
			r.Errorf("the log:\n%s", r.log.String())
		}
	})
}

// Lists that go and old log lines are deleted, and who dropped the lists is told when
// nothing is left of them, and not before.
func TestListsAndLogs(t *testing.T) {
	run(t, Keep{Receipts: 100 * time.Second}, func(r *rig) {
		c := &store.Change{}
		for key := range int64(2000) {
			c.Entries = append(c.Entries, store.EntryWrite{Entry: store.Entry{EntryKey: store.EntryKey{List: 1 + key%2, Key: key}}})
			c.Logs = append(c.Logs, store.LogEvent{Group: 1, At: epoch.Add(-time.Duration(key) * time.Second), Seq: key})
		}
		r.apply(c)
		there := func() (entries, lines int) {
			e, err := r.engine.EntriesAfter(r.Context(), store.EntryScan{List: 1, After: -1, Limit: 5000})
			l, err2 := r.engine.LogEvents(r.Context(), store.LogScan{Group: 1, Slot: store.AnySlot, Limit: 5000})
			if err != nil || err2 != nil {
				r.Fatal(err, err2)
			}
			return len(e), len(l)
		}
		r.pass(15 * time.Second)
		if e, l := there(); e != 1000 || l != 2000 || len(r.dropped) != 0 {
			r.Errorf("%d entries and %d lines before, told %v", e, l, r.dropped)
		}
		r.lists, r.logs = []int64{1, 7}, map[int64]time.Time{1: epoch.Add(-time.Second * 1000), 2: epoch}
		r.turns.Store(9) // the eighth step is of the entries, and the pass ends there
		r.pass(10 * time.Second)
		if e, _ := there(); e == 0 || e == 1000 || len(r.dropped) != 0 {
			r.Errorf("%d entries in between, told %v", e, r.dropped)
		}
		r.turns.Store(always)
		r.pass(15 * time.Second)
		if e, l := there(); e != 0 || l != 1001 {
			r.Errorf("%d entries and %d lines then", e, l)
		}
		if got := fmt.Sprint(r.dropped); !strings.HasPrefix(got, "[[1 7]") {
			r.Errorf("told %s", got)
		}
		for kind, want := range map[string]float64{"entry": 1000, "log_line": 999} {
			if got := r.metric("heliograph_pruned_rows_total", kind); got != want {
				r.Errorf("%s: %v rows, want %v", kind, got, want)
			}
		}
	})
}

// Another node prunes; this one measures.
func TestNotMine(t *testing.T) {
	run(t, Keep{Messages: 10 * time.Second, Receipts: 168 * time.Hour}, func(r *rig) {
		r.turns.Store(0)
		r.write(10, 10)
		r.pass(10 * time.Minute)
		r.want(10)
		if r.metric("heliograph_store_database_bytes", "") == 0 {
			r.Error("it does not measure")
		}
		r.turns.Store(always)
		r.pass(2 * time.Second)
		r.want(0)
	})
}

// Whoever loses the pruning in the middle of a pass stops there.
func TestLoseIt(t *testing.T) {
	run(t, Keep{Messages: 10 * time.Second, Receipts: 168 * time.Hour}, func(r *rig) {
		r.write(5000, 10)
		r.pass(9500 * time.Millisecond)
		r.want(5000)
		r.turns.Store(3) // of the next pass
		r.pass(time.Minute)
		left := r.messages()
		if left == 0 || left == 5000 {
			r.Errorf("%d messages are there", left)
		}
		r.pass(time.Minute)
		r.want(left)
		r.turns.Store(always)
		r.pass(time.Minute)
		r.want(0)
	})
}

func TestKeptForEver(t *testing.T) {
	run(t, Keep{Receipts: time.Hour}, func(r *rig) {
		r.write(10, 10)
		r.apply(&store.Change{Park: []store.ParkedReceipt{{Seq: 1, At: r.now()}}})
		r.pass(10 * time.Hour)
		r.want(10)
		if n, err := r.engine.Counts(r.Context()); err != nil || n.Parked != 0 {
			r.Errorf("%+v, %v", n, err)
		}
	})
}

// A node that was fenced off deletes nothing more.
func TestFenced(t *testing.T) {
	run(t, Keep{Messages: 10 * time.Second, Receipts: 168 * time.Hour}, func(r *rig) {
		r.write(10, 10)
		if _, err := r.engine.Join(r.Context(), "other"); err != nil {
			r.Fatal(err)
		}
		<-r.ended
		r.want(10)
		if !strings.Contains(r.log.String(), "not deleted any more") {
			r.Errorf("the log:\n%s", r.log.String())
		}
	})
}

// What cannot be deleted now is tried again.
func TestTryAgain(t *testing.T) {
	run(t, Keep{Messages: 10 * time.Second, Receipts: 168 * time.Hour}, func(r *rig) {
		r.write(10, 10)
		broken := &failing{Pruner: r.engine}
		broken.full.Store(true)
		l := New(Options{Pruner: broken, Fence: r.fence, Mine: func() bool { return true }, Keep: Keep{Messages: 10 * time.Second, Receipts: time.Hour},
			Metrics: r.metrics, Log: slog.New(slog.DiscardHandler), Now: r.now})
		r.turns.Store(0)
		ctx, stop := context.WithCancel(r.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			l.Run(ctx)
		}()
		r.pass(30 * time.Second)
		r.want(10)
		failures := r.metric("heliograph_prune_failures_total", "")
		if failures < 10 {
			r.Errorf("%v failures", failures)
		}
		broken.full.Store(false)
		r.pass(2 * time.Second)
		r.want(0)
		stop()
		<-ended
	})
}

// failing is a Pruner whose disk may be full.
type failing struct {
	store.Pruner
	full atomic.Bool
}

func (f *failing) Prune(ctx context.Context, fence store.Fence, p *store.Pass) (store.Pruned, error) {
	if f.full.Load() {
		return store.Pruned{}, fmt.Errorf("delete: %w", store.ErrFull)
	}
	return f.Pruner.Prune(ctx, fence, p)
}
