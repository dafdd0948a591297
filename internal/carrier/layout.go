package carrier

import (
	"slices"
	"strconv"
	"strings"
)

// A shard is a carrier's share of sessions and of its rate, with the lanes that
// leave through them. A carrier has one, or several so that several nodes can see to
// it. A shard has the carrier's name where it is the only one, and else that and its
// number: acme#1of2, acme#2of2. The names of different layouts are different, so that
// a lane's place in one cannot be taken for its place in another.

// shardMark stands between a carrier's name and the number of a shard.
const shardMark = "#"

// Layout is the number of shards of each configured carrier, 1 or more, by name.
// Nodes have to agree on it.
type Layout map[string]int

// Shard is the shard of a carrier that a lane leaves through, the same one always.
func (l Layout) Shard(carrier, lane string) string {
	n := l[carrier]
	if n <= 1 {
		return carrier
	}
	return shardName(carrier, int(hash(lane)%uint64(n)), n)
}

// Shards are the names of a carrier's shards, in order; none where it is not
// configured.
func (l Layout) Shards(carrier string) []string {
	n := l[carrier]
	if n == 1 {
		return []string{carrier}
	}
	names := make([]string, n)
	for k := range names {
		names[k] = shardName(carrier, k, n)
	}
	return names
}

// With are all shards of the carrier that a shard is of, or it alone where its carrier
// is not configured.
func (l Layout) With(shard string) []string {
	if !l.Has(shard) {
		return []string{shard}
	}
	return l.Shards(OfShard(shard))
}

// All are the names of all shards, in order.
func (l Layout) All() []string {
	var names []string
	for carrier := range l {
		names = append(names, l.Shards(carrier)...)
	}
	slices.Sort(names)
	return names
}

// Has reports whether there is a shard of this name.
func (l Layout) Has(shard string) bool { return slices.Contains(l.Shards(OfShard(shard)), shard) }

// OfShard is the name of the carrier that a shard is of.
func OfShard(shard string) string {
	name, _, _ := strings.Cut(shard, shardMark)
	return name
}

// ShardNumber is which of its carrier's shards it is, from 0.
func ShardNumber(shard string) int {
	_, text, several := strings.Cut(shard, shardMark)
	number, _, _ := strings.Cut(text, "of")
	k, err := strconv.Atoi(number)
	if !several || err != nil {
		return 0
	}
	return k - 1
}

func shardName(carrier string, k, n int) string {
	return carrier + shardMark + strconv.Itoa(k+1) + "of" + strconv.Itoa(n)
}

// hash spreads lanes evenly (FNV-1a, with the bits mixed once more, for lanes
// differ in their last characters).
func hash(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := 0; i < len(s); i++ {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	return h ^ h>>33
}
