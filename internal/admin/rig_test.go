package admin_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"heliograph/internal/admin"
	"heliograph/internal/api"
	"heliograph/internal/carrier"
	"heliograph/internal/carrier/sim"
	"heliograph/internal/nodes"
	"heliograph/internal/queue"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/store/sqlite"
)

const (
	first  = "111122223333"
	second = "444455556666"
)

// rig is the operator's operations over a real store and a simulator.
type rig struct {
	t          *testing.T
	directory  *resources.Directory
	engine     *sqlite.Engine
	committer  *store.Committer
	ids        *sms.MessageIDs
	simulator  *sim.Carrier
	operations map[string]api.Operation
}

func newRig(t *testing.T) *rig {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	engine, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "heliograph.db"), sqlite.Options{Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	fence, err := engine.Join(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	committer := store.NewCommitter(engine, fence, store.CommitterOptions{})
	t.Cleanup(func() {
		committer.Close()
		engine.Close()
	})
	directory, err := resources.Open(t.Context(), engine, committer, "aws", "us-east-1", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	for _, account := range []string{first, second} {
		if err := directory.EnsureAccount(t.Context(), account, resources.Sandbox); err != nil {
			t.Fatal(err)
		}
	}
	simulator, err := sim.New(sim.Options{Name: "sim", Log: log})
	if err != nil {
		t.Fatal(err)
	}
	ids, err := sms.NewMessageIDs(make([]byte, 16))
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, directory: directory, engine: engine, committer: committer, ids: ids, simulator: simulator, operations: map[string]api.Operation{}}
	depths := func() []queue.Depth {
		return []queue.Depth{{Carrier: "sim", Messages: 3, Parts: 5, InFlight: 1, Lanes: 2, Held: 1}}
	}
	carriers := func() []admin.Carrier {
		return []admin.Carrier{{Name: "sim", Kind: "sim", Window: 1000, Shards: 1, Traits: simulator.Traits(), Here: []carrier.Carrier{simulator}}}
	}
	state := nodes.State{Self: 1, Shards: []string{"acme#1of2", "acme#2of2", "sim"},
		Nodes: []store.Node{{Fence: store.Fence{Slot: 0, Epoch: 2}, Name: "a", Left: 4 * time.Second}, {Fence: store.Fence{Slot: 1}, Name: "b", Left: time.Second},
			{Fence: store.Fence{Slot: 2}, Name: "c", Left: -time.Second}, {Fence: store.Fence{Slot: 3}, Name: "d", Free: true}},
		Holdings: []store.Holding{{Name: nodes.ShardHolding("acme#1of2"), Slot: 0}, {Name: nodes.ShardHolding("acme#2of2"), Slot: store.Nobody},
			{Name: nodes.ShardHolding("sim"), Slot: 1}, {Name: nodes.StreamHolding(0), Slot: 0}, {Name: nodes.StreamHolding(1), Slot: 1},
			{Name: nodes.StreamHolding(3), Slot: 0}, {Name: nodes.Sweep, Slot: 0}}}
	for _, o := range admin.Operations(admin.Options{Account: first, Directory: directory, Messages: engine, MessageIDs: ids,
		Carriers: carriers, Nodes: func() nodes.State { return state }, DefaultCarrier: "sim", Depths: depths, Rand: rand.Reader}) {
		r.operations[o.Target] = o
	}
	return r
}

// raw calls an operation as an account.
func (r *rig) raw(account, operation, body string) ([]byte, error) {
	r.t.Helper()
	o, ok := r.operations[admin.TargetPrefix+operation]
	if !ok {
		r.t.Fatalf("there is no operation %s", operation)
	}
	return o.Handle(context.Background(), &api.Call{AccountID: account, Principal: "arn:aws:iam::" + account + ":root"}, []byte(body))
}

// call calls an operation as the operator and reads its answer; it must succeed.
func call[Out any](r *rig, operation, body string) Out {
	r.t.Helper()
	answer, err := r.raw(first, operation, body)
	if err != nil {
		r.t.Fatalf("%s %s: %v", operation, body, err)
	}
	var out Out
	if err := json.Unmarshal(answer, &out); err != nil {
		r.t.Fatalf("%s answered %s: %v", operation, answer, err)
	}
	return out
}

// refused is the domain error of a call that must fail.
func (r *rig) refused(operation, body string) *sms.Error {
	r.t.Helper()
	answer, err := r.raw(first, operation, body)
	e, ok := sms.AsError(err)
	if !ok {
		r.t.Fatalf("%s %s answered %s, %v", operation, body, answer, err)
	}
	return e
}
