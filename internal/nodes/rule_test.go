package nodes

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"heliograph/internal/carrier"
	"heliograph/internal/store"
)

// world is the rows that nodes decide by. A node's text is its slot, with ! where its
// lease has run out and - where nobody has the slot.
func world(self int, nodes string, shards string, holdings ...string) State {
	s := State{Self: self, Shards: strings.Fields(shards)}
	for _, text := range strings.Fields(nodes) {
		n := store.Node{Left: time.Second, Free: strings.HasSuffix(text, "-")}
		if strings.HasSuffix(text, "!") {
			n.Left = -time.Second
		}
		fmt.Sscan(strings.TrimRight(text, "!-"), &n.Slot)
		s.Nodes = append(s.Nodes, n)
	}
	for _, text := range holdings {
		name, slot, _ := strings.Cut(text, "=")
		h := store.Holding{Name: name, Slot: store.Nobody}
		if slot != "" {
			fmt.Sscan(slot, &h.Slot)
		}
		s.Holdings = append(s.Holdings, h)
	}
	return s
}

func (d Decision) String() string {
	var out []string
	for _, name := range d.Claim {
		out = append(out, "+"+name)
	}
	for _, g := range d.Give {
		out = append(out, fmt.Sprintf("-%s>%d", g.Name, g.To))
	}
	return strings.Join(out, " ")
}

func TestDecide(t *testing.T) {
	for _, c := range []struct {
		name  string
		state State
		want  string
	}{
		{"the first node takes everything", world(0, "0", "a b"), "+shard/a +shard/b +stream/0 +sweep"},
		{"and is then content", world(0, "0", "a b", "shard/a=0", "shard/b=0", "stream/0=0", "sweep=0"), ""},
		{"a second one gets one of two", world(0, "0 1", "a b", "shard/a=0", "shard/b=0", "stream/0=0", "stream/1=1", "sweep=0"), "-shard/b>1"},
		{"which it does not claim, for it is not free", world(1, "0 1", "a b", "shard/a=0", "shard/b=0", "stream/0=0", "sweep=0"), "+stream/1"},
		{"one shard stays where it is", world(0, "0 1", "a", "shard/a=0", "stream/0=0", "stream/1=1", "sweep=0"), ""},
		{"free shards go to who has the fewest", world(1, "0 1", "a b c", "shard/a=0", "shard/b=", "stream/0=0", "stream/1=1", "sweep=0"), "+shard/b"},
		{"and among equals to the lowest slot", world(0, "0 1", "a b c", "shard/a=0", "shard/b=", "stream/0=0", "stream/1=1", "sweep=0"), "+shard/c"},
		{"a dead node keeps what it has until it is fenced off", world(0, "0 1!", "a b", "shard/a=0", "shard/b=1", "stream/0=0", "stream/1=1", "sweep=0"), ""},
		{"then it is free", world(0, "0 1-", "a b", "shard/a=0", "shard/b=", "stream/0=0", "stream/1=", "sweep=0"), "+shard/b +stream/1"},
		{"a log goes to the next node", world(2, "0 1- 2", "", "stream/0=0", "stream/1=", "stream/2=2", "sweep=0"), "+stream/1"},
		{"and from the last to the first", world(0, "0 1 2-", "", "stream/0=0", "stream/1=1", "stream/2=", "sweep=0"), "+stream/2"},
		{"and back to its own", world(2, "0 1 2", "", "stream/0=0", "stream/1=2", "stream/2=2", "sweep=0"), "-stream/1>1"},
		{"whose node waits for it", world(1, "0 1 2", "", "stream/0=0", "stream/1=2", "stream/2=2", "sweep=0"), ""},
		{"one node sweeps", world(1, "0 1", "", "stream/0=0", "stream/1=1"), ""},
		{"a shard of another layout is nobody's", world(0, "0", "a#1of2 a#2of2", "shard/a=0", "shard/a#1of2=0", "shard/a#2of2=0", "stream/0=0", "sweep=0"), "-shard/a>-1"},
		{"a node that has lost its slot does nothing", world(1, "0 1-", "a"), ""},
	} {
		if got := Decide(c.state).String(); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestFarewell(t *testing.T) {
	for _, c := range []struct {
		name  string
		state State
		want  string
	}{
		{"nobody is left", world(0, "0 1-", "a", "shard/a=0", "stream/0=0", "sweep=0"), ""},
		{"all goes to the other", world(0, "0 1", "a b", "shard/a=0", "shard/b=1", "stream/0=0", "stream/1=1", "sweep=0"),
			"-shard/a>1 -stream/0>1 -sweep>1"},
		{"shards to those with the fewest", world(0, "0 1 2", "a b c", "shard/a=0", "shard/b=0", "shard/c=1", "stream/0=0", "stream/1=1", "stream/2=2"),
			"-shard/a>2 -shard/b>1 -stream/0>1"},
		{"a shard of another layout is free when it leaves", world(0, "0 1", "a", "shard/a=0", "shard/old=0"), "-shard/a>1"},
		{"a dead node gets nothing", world(1, "0! 1 2", "a", "shard/a=1", "stream/1=1", "stream/0=1"), "-shard/a>2 -stream/0>2 -stream/1>2"},
	} {
		if got := (Decision{Give: Farewell(c.state)}).String(); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestConflict(t *testing.T) {
	now := carrier.Layout{"acme": 2, "sim": 1}
	s := world(1, "0 1", "acme#1of2 acme#2of2 sim", "shard/acme=0", "shard/acme#1of2=1", "shard/sim=1")
	if got := Conflict("acme#1of2", s, now); got == "" {
		t.Error("another node has the whole carrier, and there is no conflict")
	}
	for _, shard := range []string{"sim", "gone"} {
		if got := Conflict(shard, s, now); got != "" {
			t.Errorf("%s: conflict with %s", shard, got)
		}
	}
	s = world(1, "0 1", "", "shard/acme=", "shard/acme#1of2=1", "shard/acme#2of2=0")
	if got := Conflict("acme#1of2", s, now); got != "" {
		t.Errorf("conflict with %s", got)
	}
}

// Nodes that come, go and die, each deciding in its turn by what it reads, come to an
// even division in which nothing is without a node.
func TestDecideSettles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		shards := make([]string, rapid.IntRange(0, 9).Draw(t, "shards"))
		for i := range shards {
			shards[i] = fmt.Sprint("s", i)
		}
		live := map[int]bool{}
		held := map[string]int{}
		ever := map[int]bool{}
		state := func(self int) State {
			s := State{Self: self, Shards: shards}
			for slot := range 5 {
				if ever[slot] {
					s.Nodes = append(s.Nodes, store.Node{Fence: store.Fence{Slot: slot}, Left: time.Second, Free: !live[slot]})
				}
			}
			for _, name := range slices.Sorted(maps.Keys(held)) {
				s.Holdings = append(s.Holdings, store.Holding{Name: name, Slot: held[name]})
			}
			return s
		}
		do := func(self int) {
			d := Decide(state(self))
			for _, name := range d.Claim {
				if slot, ok := held[name]; ok && slot != store.Nobody {
					t.Fatalf("%d claims %s, which %d has", self, name, slot)
				}
				held[name] = self
			}
			for _, g := range d.Give {
				if held[g.Name] != self || !live[g.To] {
					t.Fatalf("%d gives %s, which %d has, to %d", self, g.Name, held[g.Name], g.To)
				}
				held[g.Name] = g.To
			}
		}
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			slot := rapid.IntRange(0, 4).Draw(t, "slot")
			switch {
			case !live[slot]:
				live[slot], ever[slot] = true, true
			case rapid.Bool().Draw(t, "dies"):
				delete(live, slot)
				for name, of := range held {
					if of == slot {
						held[name] = store.Nobody
					}
				}
			default:
				do(slot)
			}
		}
		if len(live) == 0 {
			return
		}
		for range 20 {
			for slot := range 5 {
				if live[slot] {
					do(slot)
				}
			}
		}
		count := map[int]int{}
		for _, shard := range shards {
			slot, ok := held[ShardHolding(shard)]
			if !ok || !live[slot] {
				t.Fatalf("nobody has shard %s", shard)
			}
			count[slot]++
		}
		for a := range live {
			for b := range live {
				if count[a] > count[b]+1 {
					t.Fatalf("%d has %d shards and %d has %d", a, count[a], b, count[b])
				}
			}
			if held[StreamHolding(a)] != a {
				t.Fatalf("%d has the log of %d", held[StreamHolding(a)], a)
			}
		}
		for slot := range ever {
			if !live[held[StreamHolding(slot)]] {
				t.Fatalf("nobody has the log of %d", slot)
			}
		}
		if !live[held[Sweep]] {
			t.Fatal("nobody sweeps")
		}
	})
}
