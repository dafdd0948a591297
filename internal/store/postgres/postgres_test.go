//go:build postgres

package postgres

import (
	"bytes"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/store/pgtest"
	"heliograph/internal/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open opens an engine on a server that does not wait for its disk.
func open(t testing.TB, url string, o Options) *Engine {
	t.Helper()
	o.AllowNoFsync = true
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	e, err := Open(t.Context(), url, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}

// rig is a server, with a database to copy that has its tables.
type rig struct {
	*pgtest.Cluster
	mu       sync.Mutex
	template string
	byDir    map[string]string
}

func newRig(t testing.TB) *rig {
	t.Helper()
	r := &rig{Cluster: pgtest.Start(t, pgtest.Options{}), byDir: map[string]string{}}
	r.template = r.Cluster.Database()
	if err := open(t, r.template, Options{}).Close(); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *rig) database() string { return r.Copy(r.template) }

// of is the database that stands for a directory of the suite.
func (r *rig) of(dir string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.byDir[dir] == "" {
		r.byDir[dir] = r.database()
	}
	return r.byDir[dir]
}

func TestContract(t *testing.T) {
	r := newRig(t)
	storetest.Run(t, func(t *testing.T, dir string) store.Engine { return open(t, r.of(dir), Options{}) })
}

func TestContractSealed(t *testing.T) {
	r := newRig(t)
	storetest.Run(t, func(t *testing.T, dir string) store.Engine {
		return open(t, r.of(dir), Options{Sealer: storetest.NewSealer(t, 1)})
	})
}

func TestSealed(t *testing.T) {
	r := newRig(t)
	storetest.RunSealed(t, func(t *testing.T, dir string, sealer store.Sealer) store.Engine {
		return open(t, r.of(dir), Options{Sealer: sealer})
	}, func(t *testing.T, dir string) []byte { return dump(t, r.of(dir)) })
}

// dump is what the tables with documents hold.
func dump(t *testing.T, url string) (all []byte) {
	t.Helper()
	c, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	for _, column := range []string{"doc FROM message", "doc FROM event", "doc FROM entry", "doc FROM receipt_parked", "message FROM log_line", "doc FROM awaiting"} {
		rows, err := c.Query(t.Context(), "SELECT "+column)
		if err != nil {
			t.Fatal(err)
		}
		docs, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, bytes.Join(docs, []byte{0})...)
	}
	return all
}

// Through PgBouncer in transaction mode, with fewer connections to the server than
// the engine has to it, so that they do change hands.
func TestContractThroughPgBouncer(t *testing.T) {
	r := newRig(t)
	bounced := r.Bouncer("default_pool_size = 3", "server_idle_timeout = 2")
	storetest.Run(t, func(t *testing.T, dir string) store.Engine {
		e := open(t, bounced(pgtest.Name(r.of(dir))), Options{})
		if !e.pooled {
			t.Fatal("the pooler was not noticed")
		}
		return e
	})
}

// node is an engine that has joined.
type node struct {
	*Engine
	t     *testing.T
	fence store.Fence
	ids   *sms.IDs
	seq   int64 // of dispatches
}

func join(t *testing.T, e *Engine, name string) *node {
	t.Helper()
	f, err := e.Join(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	last, err := e.LastID(t.Context(), f.Slot)
	if err != nil {
		t.Fatal(err)
	}
	dispatch, err := e.LastDispatch(t.Context(), f.Slot)
	if err != nil {
		t.Fatal(err)
	}
	return &node{Engine: e, t: t, fence: f, ids: sms.NewIDs(f.Slot, last), seq: dispatch}
}

const (
	account = "111122223333"
	month   = "2026-09"
)

var now = time.UnixMilli(1_790_000_000_123).UTC()

// accept is a change that accepts a new message, which costs 1.
func (n *node) accept(parts int) (*store.Change, *sms.Message) {
	m := &sms.Message{ID: n.ids.Next(now), Account: account, Parts: parts, Body: "hello", AcceptedAt: now, ExpiresAt: now.Add(time.Hour), ConfigurationSet: "set"}
	return &store.Change{
		Accept: []store.Accepted{{Message: m, Queued: store.Queued{ID: m.ID, Shard: "acme", Lane: "lane", Parts: parts, Due: now, Expires: m.ExpiresAt}}},
		Spend:  []store.SpendDelta{{UsageKey: store.UsageKey{Account: account, Month: month, Channel: "TEXT"}, Sums: store.Sums{Price: 1}}},
	}, m
}

func update(m *sms.Message, kind sms.UpdateKind, number int, status sms.Status) *store.Change {
	return &store.Change{Parts: []store.PartChange{{Shard: "acme", Account: account, ConfigurationSet: "set", Expires: m.ExpiresAt,
		Update: sms.PartUpdate{Message: m.ID, Parts: m.Parts, Number: number, Kind: kind, Status: status, At: now}}}}
}

func (n *node) apply(changes ...*store.Change) {
	n.t.Helper()
	if err := n.Apply(n.t.Context(), n.fence, changes); err != nil {
		n.t.Fatal(err)
	}
	for _, c := range changes {
		if c.Err != nil {
			n.t.Fatal(c.Err)
		}
	}
}

func (n *node) spent() sms.Money {
	n.t.Helper()
	m, err := n.Spend(n.t.Context(), account, month, "TEXT")
	if err != nil {
		n.t.Fatal(err)
	}
	return m
}

func (n *node) counts() store.Counts {
	n.t.Helper()
	c, err := n.Counts(n.t.Context())
	if err != nil {
		n.t.Fatal(err)
	}
	return c
}

// count is the number that a statement answers.
func (n *node) count(sql string) int64 {
	n.t.Helper()
	v, err := n.number(n.t.Context(), "count", sql)
	if err != nil {
		n.t.Fatal(err)
	}
	return v
}

// TestEngine runs what needs a server, but not one of its own.
func TestEngine(t *testing.T) {
	r := newRig(t)
	for _, test := range []struct {
		name string
		run  func(*testing.T, *rig)
	}{
		{"a stale node's commit", testStale},
		{"a stale node's commit through a pooler", testStalePooled},
		{"a connection that ends in a commit", testCut},
		{"a connection that ends in a commit that reads nothing", testCutOneWay},
		{"a connection that ends in a commit with recipients", testCutRecipients},
		{"errors of the server", testServerErrors},
		{"several nodes", testSeveralNodes},
		{"rows that others replaced", testKnownRows},
		{"receipts at every node", testFinality},
		{"the same resource made by two nodes", testSameResource},
		{"slots", testSlots},
		{"leases", testLeases},
		{"a stalled node is fenced off", testFenceOffStalled},
		{"holdings", testHoldings},
		{"what nodes share", testShared},
		{"data keys that are not known", testUnknownKeys},
		{"watching", testWatch},
		{"watching through a pooler", testWatchPooled},
		{"tables made by several nodes at once", testMigrations},
		{"spend from before countries were kept", testSpendBefore},
		{"settings", testSettings},
		{"plans", testPlans},
		{"servers that do not fit", testProbe},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, r) })
	}
}
