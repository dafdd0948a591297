package nodes

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"heliograph/internal/store"
)

// Alone are the leases of a node that has its database for itself.
type Alone struct {
	fence store.Fence
	name  string
	slots []int // of which there are logs

	mu   sync.Mutex
	held map[string]bool
}

var _ store.Leases = (*Alone)(nil)

// NewAlone makes the leases of the only node. slots are those that its database has
// logs of, where it was once shared.
func NewAlone(name string, f store.Fence, slots []int) *Alone {
	all := slices.Sorted(slices.Values(append(slices.Clone(slots), f.Slot)))
	return &Alone{fence: f, name: name, slots: slices.Compact(all), held: map[string]bool{}}
}

// Lease has no end in sight.
func (a *Alone) Lease() time.Duration { return 24 * time.Hour }

func (a *Alone) Renew(context.Context, store.Fence) error { return nil }
func (a *Alone) Leave(context.Context, store.Fence) error { return nil }

// Nodes are this one, and nobody in any other slot.
func (a *Alone) Nodes(context.Context) ([]store.Node, error) {
	var out []store.Node
	for _, slot := range a.slots {
		if slot == a.fence.Slot {
			out = append(out, store.Node{Fence: a.fence, Name: a.name, Left: a.Lease()})
		} else {
			out = append(out, store.Node{Fence: store.Fence{Slot: slot}, Free: true})
		}
	}
	return out, nil
}

func (a *Alone) FenceOff(context.Context, store.Fence) ([]store.Node, error) { return nil, nil }

// Holdings are what was claimed, in order.
func (a *Alone) Holdings(context.Context) ([]store.Holding, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []store.Holding
	for _, name := range slices.SortedFunc(maps.Keys(a.held), strings.Compare) {
		out = append(out, store.Holding{Name: name, Slot: a.fence.Slot})
	}
	return out, nil
}

// Claim takes what was not taken before.
func (a *Alone) Claim(_ context.Context, _ store.Fence, names ...string) ([]string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var took []string
	for _, name := range names {
		if !a.held[name] {
			a.held[name] = true
			took = append(took, name)
		}
	}
	return took, nil
}

// HandOver lets go of a name: there is nobody to hand it over to.
func (a *Alone) HandOver(_ context.Context, _ store.Fence, name string, to int) error {
	if to == store.Nobody {
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.held, name)
		return nil
	}
	return fmt.Errorf("%w: no node has slot %d to hand %q over to", store.ErrNotFound, to, name)
}
