package admin

import (
	"context"

	"heliograph/internal/nodes"
	"heliograph/internal/store"
)

// NodeState is a node, or a slot that a node had.
type NodeState struct {
	Slot        int      `json:"slot"`
	Name        string   `json:"name,omitempty"`
	State       string   `json:"state"` // here (the node that answers), serving, expired or gone
	LeaseLeftMS int64    `json:"lease_left_ms"`
	Shards      []string `json:"shards"`
	Streams     []int    `json:"event_logs"` // slots whose events it publishes
	Sweeps      bool     `json:"sweeps"`     // it ends messages without receipts and removes what is old, for all
}

// ListNodesInput has no members.
type ListNodesInput struct{}

// ListNodesOutput is every node that ever had a slot, and the shards that nobody has.
type ListNodesOutput struct {
	Nodes []NodeState `json:"nodes"`
	Free  []string    `json:"free_shards"`
}

func (a *operations) listNodes(context.Context, ListNodesInput) (ListNodesOutput, error) {
	s := a.Nodes()
	out := ListNodesOutput{Nodes: []NodeState{}, Free: []string{}}
	holder := map[string]int{}
	for _, h := range s.Holdings {
		holder[h.Name] = h.Slot
	}
	for _, n := range s.Nodes {
		state := NodeState{Slot: n.Slot, Name: n.Name, State: "serving", LeaseLeftMS: max(n.Left.Milliseconds(), 0), Shards: []string{}, Streams: []int{}}
		switch {
		case n.Slot == s.Self:
			state.State = "here"
		case n.Free:
			state.State, state.LeaseLeftMS = "gone", 0
		case n.Left <= 0:
			state.State = "expired"
		}
		for _, h := range s.Holdings {
			if h.Slot != n.Slot {
				continue
			}
			if shard, ok := nodes.Shard(h.Name); ok {
				state.Shards = append(state.Shards, shard)
			}
			if slot, ok := nodes.Stream(h.Name); ok {
				state.Streams = append(state.Streams, slot)
			}
			state.Sweeps = state.Sweeps || h.Name == nodes.Sweep
		}
		out.Nodes = append(out.Nodes, state)
	}
	for _, shard := range s.Shards {
		if slot, held := holder[nodes.ShardHolding(shard)]; !held || slot == store.Nobody {
			out.Free = append(out.Free, shard)
		}
	}
	return out, nil
}
