package store

import (
	"context"
	"time"

	"heliograph/internal/sms"
)

// Nobody stands for the slot of a shard that no node holds.
const Nobody = -1

// Node is a slot and who has it.
type Node struct {
	Fence
	Name string
	Left time.Duration // of its lease, by the database's clock; not above 0 where it has run out
	Free bool          // nobody has the slot: its node left, or was fenced off
}

// Holding is a shard, or anything else that one node at a time sees to, by a name
// that the nodes agree on, and the slot of the node that holds it or Nobody.
type Holding struct {
	Name string
	Slot int
}

// Leases is what an engine offers besides Engine where several nodes share its
// database: who is there, and who sees to what.
//
// A node has its slot from Join on for the time of Lease, and again from each
// Renew on. The database's clock decides when that is over. A node counts it from
// before it asked, by a clock that runs on while the machine sleeps, and hands
// nothing to a carrier after it: a fence reaches the database only.
//
// What a node holds, it holds until it hands it over, leaves or is fenced off.
// Holding a shard is not looked at when changes are committed, the fence is: a
// receipt may come in anywhere.
//
// Errors are those of Engine; ErrFenced where f is not its slot's fence any more.
type Leases interface {
	// Lease is the time from Join or Renew to the end of a lease.
	Lease() time.Duration
	// Renew has the lease begin anew.
	Renew(ctx context.Context, f Fence) error
	// Leave gives up the slot and all that the node holds. Nothing is committed
	// under f afterwards.
	Leave(ctx context.Context, f Fence) error
	// Nodes are the slots that were ever taken, in order.
	Nodes(ctx context.Context) ([]Node, error)
	// FenceOff takes their slots, and what they hold, from nodes whose leases have
	// run out, and says which. When it returns, no commit of theirs is under way
	// and none will happen. A node that missed its own renewals of late, because
	// the database was away for all, fences nobody off until it has kept up its
	// lease for the time of Lease.
	FenceOff(ctx context.Context, f Fence) ([]Node, error)

	// Holdings are all names that were ever claimed, in order.
	Holdings(ctx context.Context) ([]Holding, error)
	// Claim takes those of the names that nobody holds, and answers the ones
	// that it took.
	Claim(ctx context.Context, f Fence, names ...string) ([]string, error)
	// HandOver gives a name that this node holds to another node that is there,
	// or to Nobody. ErrNotFound where this node does not hold it or the other is
	// not there.
	HandOver(ctx context.Context, f Fence, name string, to int) error
}

// News is what other nodes have written that this one has to know of.
type News struct {
	Queued []Queued  // came into one of the shards, and waits there still; by ID, the order in which lanes send
	Taken  []Event   // StatusSuccessful, StatusTaken and final ones, with the parts and what the carrier calls them
	Upto   []SlotSeq // how far each slot's log was read
}

// SpendKey names what an account spends in a month on a channel; see SpendDelta.
type SpendKey struct{ Account, Month, Channel string }

// Shared is what an engine offers besides Engine and Leases where several nodes
// share its database: how they hear of each other's messages, and the limits that
// they keep to together.
type Shared interface {
	// News reads the logs of slots, each after a Seq, about limit rows of each in
	// one go: the messages that came into one of the shards, and with taken those
	// that a carrier has taken, and those that have ended since. In a slot's log nothing appears later below what was
	// read, so that nothing is missed.
	News(ctx context.Context, after []SlotSeq, shards []string, taken bool, limit int) (News, error)
	// Take takes up to n requests from a rate that all nodes share, of which burst
	// may come at once, and says how many; where none, how long until there is one.
	// The database's clock counts.
	Take(ctx context.Context, name string, perSecond float64, burst, n int) (granted int, wait time.Duration, err error)
	// Allow raises what the node may spend by at most want, so that all nodes
	// together never may spend more than limit, and answers by how much: 0 where
	// less than least is left. A want below 0 lowers it, to no less than is spent. What
	// a node may spend and has not is given back when it leaves, is fenced off or joins.
	Allow(ctx context.Context, f Fence, key SpendKey, least, want, limit sms.Money) (sms.Money, error)
}

// Watching is what a Watcher calls, from one goroutine. A nil function is left
// out.
type Watching struct {
	// Resources is told of an account, "" for the installation, whose resources
	// were written, by this node or another.
	Resources func(account string)
	// Holdings is told that nodes came or went, or that holdings passed from one
	// to another.
	Holdings func()
}

// Watcher is what an engine offers besides Engine where other processes write to
// its database: word of changes to what nodes keep in memory.
type Watcher interface {
	// Watch calls w for what changes until ctx ends, whose error it answers. It
	// begins with all there is, so that nothing falls between reading and
	// watching. Changes in quick succession may be told as one; none is missed,
	// whatever happens to the connection.
	Watch(ctx context.Context, w Watching) error
}
