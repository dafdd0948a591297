package nodes

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"heliograph/internal/carrier"
	"heliograph/internal/store"
)

// Names of what one node at a time sees to.
const (
	shardPrefix  = "shard/"  // and the shard: it hands over the messages of its lanes
	streamPrefix = "stream/" // and a slot: it publishes the events of the slot's log and keeps its parked receipts
	// Sweep ends messages whose receipts never came and removes what is old.
	Sweep = "sweep"
)

// ShardHolding is the name of a shard among holdings.
func ShardHolding(shard string) string { return shardPrefix + shard }

// StreamHolding is the name of a slot's log among holdings.
func StreamHolding(slot int) string { return streamPrefix + strconv.Itoa(slot) }

// Shard is the shard that a holding is, or false.
func Shard(holding string) (string, bool) { return strings.CutPrefix(holding, shardPrefix) }

// Stream is the slot of the log that a holding is, or false.
func Stream(holding string) (int, bool) {
	text, ok := strings.CutPrefix(holding, streamPrefix)
	slot, err := strconv.Atoi(text)
	return slot, ok && err == nil
}

// State is what a node decides by. All nodes read the same.
type State struct {
	Self     int             // slot of the node that decides
	Nodes    []store.Node    // every slot that was ever taken
	Holdings []store.Holding // every name that was ever claimed
	Shards   []string        // that there are by the layout, and those left with messages of carriers that are gone
}

// Gift is a holding that goes to another node.
type Gift struct {
	Name string
	To   int
}

// Decision is what a node does now.
type Decision struct {
	Claim []string // try to take them
	Give  []Gift   // finish with them and hand them over
}

// Decide is the rule by which the work is spread:
//
//   - Shards are divided evenly among the nodes that are there. A shard that nobody
//     has goes to the node with the fewest, among equals to the lowest slot. A node
//     that has two more than another hands one over to it.
//     One that there is not, by the layout, is nobody's.
//   - The log of a slot is the slot's own node's. While that is away, the next node
//     by slot sees to it.
//   - What there is one of goes to the lowest slot that finds it free.
func Decide(s State) Decision {
	var d Decision
	live := s.live()
	if !slices.Contains(live, s.Self) {
		return d
	}
	holder := s.holders()
	for _, m := range spread(live, holder, s.Shards) {
		switch {
		case m.to == s.Self && m.from == store.Nobody:
			d.Claim = append(d.Claim, ShardHolding(m.shard))
		case m.from == s.Self:
			d.Give = append(d.Give, Gift{ShardHolding(m.shard), m.to})
		}
	}
	for _, h := range s.Holdings {
		// A shard of another layout, or of a carrier that has nothing left to send.
		if shard, ok := Shard(h.Name); ok && h.Slot == s.Self && !slices.Contains(s.Shards, shard) {
			d.Give = append(d.Give, Gift{h.Name, store.Nobody})
		}
	}
	for _, n := range s.Nodes {
		name, owner := StreamHolding(n.Slot), successor(live, n.Slot)
		switch from, held := holder[name]; {
		case !held && owner == s.Self:
			d.Claim = append(d.Claim, name)
		case held && from == s.Self && owner != s.Self && owner == n.Slot:
			d.Give = append(d.Give, Gift{name, owner})
		}
	}
	if _, held := holder[Sweep]; !held && live[0] == s.Self {
		d.Claim = append(d.Claim, Sweep)
	}
	return d
}

// Farewell is to whom a node that ends hands over what it holds: shards to those
// with the fewest, its log and the rest to the next node. Without other nodes it is
// empty: what it holds becomes free when it leaves.
func Farewell(s State) []Gift {
	live := slices.DeleteFunc(s.live(), func(slot int) bool { return slot == s.Self })
	if len(live) == 0 {
		return nil
	}
	holder := s.holders()
	var gifts []Gift
	var mine []string
	for _, h := range s.Holdings {
		if h.Slot != s.Self {
			continue
		}
		if shard, ok := Shard(h.Name); ok {
			if slices.Contains(s.Shards, shard) {
				mine = append(mine, shard)
				delete(holder, h.Name)
			}
			continue
		}
		gifts = append(gifts, Gift{h.Name, successor(live, s.Self)})
	}
	for _, m := range spread(live, holder, append(s.othersShards(), mine...)) {
		if slices.Contains(mine, m.shard) {
			gifts = append(gifts, Gift{ShardHolding(m.shard), m.to})
		}
	}
	slices.SortFunc(gifts, func(a, b Gift) int { return cmp.Compare(a.Name, b.Name) })
	return slices.CompactFunc(gifts, func(a, b Gift) bool { return a.Name == b.Name })
}

func (s State) othersShards() []string {
	var out []string
	for _, h := range s.Holdings {
		if shard, ok := Shard(h.Name); ok && h.Slot != s.Self && h.Slot != store.Nobody {
			out = append(out, shard)
		}
	}
	return out
}

// Conflict is a shard of the same carrier in another layout that another node has:
// until both nodes have the same configuration, neither may start. It is empty where
// there is none.
func Conflict(shard string, s State, layout carrier.Layout) string {
	for _, h := range s.Holdings {
		other, ok := Shard(h.Name)
		if ok && h.Slot != store.Nobody && h.Slot != s.Self && carrier.OfShard(other) == carrier.OfShard(shard) && layout.Has(shard) && !layout.Has(other) {
			return fmt.Sprintf("%s, which slot %d holds", other, h.Slot)
		}
	}
	return ""
}

// live are the slots of nodes that are there, in order.
func (s State) live() []int {
	var out []int
	for _, n := range s.Nodes {
		if !n.Free && (n.Left > 0 || n.Slot == s.Self) {
			out = append(out, n.Slot)
		}
	}
	slices.Sort(out)
	return out
}

// holders are the slots of holdings' nodes, by name. What a node holds whose lease
// has run out is still its own, until it is fenced off.
func (s State) holders() map[string]int {
	out := map[string]int{}
	for _, h := range s.Holdings {
		if h.Slot != store.Nobody {
			out[h.Name] = h.Slot
		}
	}
	return out
}

// move is a shard that goes from one node, or Nobody, to another.
type move struct {
	shard    string
	from, to int
}

// spread gives the moves after which shards are divided evenly. It is the same on
// every node.
func spread(live []int, holder map[string]int, shards []string) (moves []move) {
	count := map[int]int{}
	of := map[int][]string{} // shards of live nodes
	for _, slot := range live {
		count[slot] = 0
	}
	shards = slices.Compact(slices.Sorted(slices.Values(shards)))
	var free []string
	for _, shard := range shards {
		slot, held := holder[ShardHolding(shard)]
		switch _, there := count[slot]; {
		case !held:
			free = append(free, shard)
		case there:
			count[slot]++
			of[slot] = append(of[slot], shard)
		}
	}
	least := func() int {
		return slices.MinFunc(live, func(a, b int) int { return cmp.Or(cmp.Compare(count[a], count[b]), cmp.Compare(a, b)) })
	}
	for _, shard := range free {
		to := least()
		count[to]++
		moves = append(moves, move{shard, store.Nobody, to})
	}
	for {
		to := least()
		from := slices.MaxFunc(live, func(a, b int) int { return cmp.Or(cmp.Compare(count[a], count[b]), cmp.Compare(b, a)) })
		if count[from]-count[to] < 2 || len(of[from]) == 0 {
			return moves
		}
		last := len(of[from]) - 1
		moves = append(moves, move{of[from][last], from, to})
		of[from] = of[from][:last]
		count[from]--
		count[to]++
	}
}

// successor is the slot itself where its node is there, or else the next one.
func successor(live []int, slot int) int {
	for _, s := range live {
		if s >= slot {
			return s
		}
	}
	return live[0]
}
