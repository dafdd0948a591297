package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"heliograph/internal/carrier"
	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/throttle"
)

// Policy says what happens to a part whose outcome was lost.
type Policy string

const (
	Resend Policy = "resend"  // send it again: it may arrive twice
	GiveUp Policy = "give_up" // end it as UNKNOWN: it may have arrived
)

// Rerouter finds another identity of a message's pool when the carrier of its
// route is down.
type Rerouter func(m *sms.Message, now sms.Route) (sms.Route, bool)

// Options are what a Queue is made of.
type Options struct {
	Engine    store.Engine
	Committer *store.Committer
	Messages  *store.MessageCache
	// Layout is every shard of the installation. Carrier makes the carrier of one
	// that is started here, with the shard's part of its sessions and rate, and Sink
	// takes what comes in from it.
	Layout  carrier.Layout
	Carrier func(shard string) (carrier.Carrier, error)
	Sink    carrier.Sink
	// Slots are all that were ever taken, whose marks may be left; nil where there is
	// this node's alone. Peers is what the queue asks of other nodes; nil where there cannot be any.
	Slots func(context.Context) ([]int, error)
	Peers *Peers
	// RecipientInterval is the time between two messages to one recipient (guide,
	// "SMS quotas": one second); 0 is no limit.
	RecipientInterval time.Duration
	// Lost outcomes, by message type.
	TransactionalPolicy, PromotionalPolicy Policy
	// FailoverAfter is how long a carrier is down before messages from pools are
	// moved to other identities.
	FailoverAfter time.Duration
	Reroute       Rerouter
	// Moved is what is written besides with a message that another identity takes over; nil for nothing.
	Moved func(m *sms.Message, to sms.Route, at time.Time) []store.EntryWrite
	// Memory is how many messages are kept in memory, or thereabouts, 0 for the
	// default; the rest of the lanes is in the store alone.
	Memory  int
	Metrics *Metrics
	Log     *slog.Logger
	Now     func() time.Time
}

// Queue is the shards that this node sees to.
type Queue struct {
	o          Options
	recipients *throttle.Recipients
	dispatch   atomic.Int64 // Seq of the last dispatch
	inMemory   atomic.Int64 // entries that keep their message
	entries    atomic.Int64 // of all shards
	follower   *follower

	mu     sync.RWMutex
	shards map[string]*shard // those that are started, or are being started
}

// maxInMemory bounds the entries that keep their message; others are read again
// when they are claimed.
const maxInMemory = 20_000

// recipientLimit bounds the memory of recipients' slots.
const recipientLimit = 400_000

// New makes a queue without shards. Open has to follow.
func New(o Options) *Queue {
	if o.Memory == 0 {
		o.Memory = defaultMemory
	}
	return &Queue{o: o, shards: map[string]*shard{}, recipients: throttle.NewRecipients(o.RecipientInterval, recipientLimit, o.Now())}
}

// Open reads where this node's marks end, and begins to follow other nodes. Shards
// can be started after it.
func (q *Queue) Open(ctx context.Context) error {
	last, err := q.o.Engine.LastDispatch(ctx, q.slot())
	if err != nil {
		return fmt.Errorf("read last dispatch: %w", err)
	}
	q.dispatch.Store(last)
	if q.o.Peers != nil {
		q.follower, err = follow(ctx, q)
	}
	return err
}

func (q *Queue) slot() int { return q.o.Committer.Fence().Slot }

func (q *Queue) slots(ctx context.Context) ([]int, error) {
	if q.o.Slots == nil {
		return []int{q.slot()}, nil
	}
	slots, err := q.o.Slots(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the slots of nodes: %w", err)
	}
	return slots, nil
}

// Start loads a shard that this node holds and begins to hand over. A shard of a
// carrier that is not configured any more has its messages expire or move. What is
// loaded are also messages of shards that the carrier had in another layout; nobody
// may see to those.
func (q *Queue) Start(ctx context.Context, name string) error {
	made, err := q.carrier(name)
	if err != nil {
		return err
	}
	s := newShard(q, name, made)
	if err := q.register(s); err != nil {
		return err
	}
	if err := s.load(ctx); err != nil {
		q.remove(s)
		return errors.Join(err, made.Close(ctx))
	}
	if err := made.Start(context.WithoutCancel(ctx), q.o.Sink, s.wake); err != nil {
		q.remove(s)
		return fmt.Errorf("start carrier %s: %w", name, err)
	}
	s.start()
	return nil
}

func (q *Queue) carrier(name string) (carrier.Carrier, error) {
	if !q.o.Layout.Has(name) {
		q.o.Log.Warn("messages wait for a carrier that is not configured", "carrier", name)
		return absent(name), nil
	}
	return q.o.Carrier(name)
}

// register has a shard hear of what is accepted, here and on other nodes, from
// now on.
func (q *Queue) register(s *shard) error {
	if q.follower != nil {
		q.follower.polling.Lock()
		defer q.follower.polling.Unlock()
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.shards[s.name] != nil {
		return fmt.Errorf("shard %s is started already", s.name)
	}
	q.shards[s.name] = s
	return nil
}

func (q *Queue) remove(s *shard) {
	q.mu.Lock()
	delete(q.shards, s.name)
	q.mu.Unlock()
	s.clear()
}

// Stop stops claiming from a shard, waits until everything handed over has its
// outcome in the store or ctx ends, and disconnects it. Another node can start it
// then.
func (q *Queue) Stop(ctx context.Context, name string) {
	s := q.shard(name)
	if s == nil {
		return
	}
	s.close(ctx)
	q.remove(s)
}

// Close stops all shards.
func (q *Queue) Close(ctx context.Context) {
	if q.follower != nil {
		q.follower.close()
	}
	var closing sync.WaitGroup
	for _, s := range q.all() {
		closing.Go(func() { q.Stop(ctx, s.name) })
	}
	closing.Wait()
}

func (q *Queue) shard(name string) *shard {
	q.mu.RLock()
	defer q.mu.RUnlock()
	return q.shards[name]
}

// all are the shards in the order of their names.
func (q *Queue) all() []*shard {
	q.mu.RLock()
	defer q.mu.RUnlock()
	return slices.SortedFunc(maps.Values(q.shards), func(a, b *shard) int { return strings.Compare(a.name, b.name) })
}

// Observe takes over what the committer has just made durable, where it is for a
// shard of this node. It is one of the committer's observers and does not wait.
func (q *Queue) Observe(changes []*store.Change) {
	var now time.Time
	for _, c := range changes {
		if c.Err != nil {
			continue
		}
		for i := range c.Accept {
			if now.IsZero() {
				now = q.o.Now()
			}
			a := &c.Accept[i]
			if s := q.shard(a.Queued.Shard); s != nil {
				s.accept(&a.Queued, a.Message, now)
			}
		}
	}
}

// Healthy reports whether a carrier can take parts, as far as this node knows: of a
// carrier whose shards other nodes have it is taken for granted.
func (q *Queue) Healthy(name string) bool {
	here := false
	for _, shard := range q.o.Layout.Shards(name) {
		if s := q.shard(shard); s != nil {
			if s.carrier.State().Up {
				return true
			}
			here = true
		}
	}
	return !here && q.o.Peers != nil && q.o.Layout[name] > 0
}

// Backlog is how many seconds of sending wait in a lane, 0 for one of another node.
func (q *Queue) Backlog(key string) float64 {
	q.mu.RLock()
	defer q.mu.RUnlock()
	for _, s := range q.shards {
		if parts, rate, ok := s.backlog(key); ok {
			return float64(parts) / max(rate, 1)
		}
	}
	return 0
}

// Carriers are those of the shards that are started here.
func (q *Queue) Carriers() []carrier.Carrier {
	var out []carrier.Carrier
	for _, s := range q.all() {
		out = append(out, s.carrier)
	}
	return out
}

// Depth is how much waits at a carrier, in the shards of this node.
type Depth struct {
	Carrier  string
	Shards   int
	Messages int // with those that are in the store alone, which are counted about every minute
	Parts    int
	InMemory int // messages
	InFlight int // parts claimed or handed over, without an outcome
	Lanes    int
	Held     int // messages that wait for a recipient's slot or a retry
	Oldest   time.Time
	Classes  [2]ClassDepth
}

// ClassDepth is how much of a class waits at a carrier. Oldest is that of the
// heads of lanes and of what is held; zero where nothing waits.
type ClassDepth struct {
	Class    string // transactional or promotional
	Messages int
	Oldest   time.Time
}

// Depths tells how much waits, a carrier each, in the order of their names.
func (q *Queue) Depths() []Depth {
	var out []Depth
	for _, s := range q.all() {
		d := s.depth()
		if n := len(out); n > 0 && out[n-1].Carrier == d.Carrier {
			out[n-1].add(d)
		} else {
			out = append(out, d)
		}
	}
	return out
}

func (d *Depth) add(other Depth) {
	d.Shards += other.Shards
	d.Messages += other.Messages
	d.Parts += other.Parts
	d.InMemory += other.InMemory
	d.InFlight += other.InFlight
	d.Lanes += other.Lanes
	d.Held += other.Held
	d.Oldest = earlier(d.Oldest, other.Oldest)
	for i := range d.Classes {
		d.Classes[i].Messages += other.Classes[i].Messages
		d.Classes[i].Oldest = earlier(d.Classes[i].Oldest, other.Classes[i].Oldest)
	}
}

// earlier is the earlier of two times, of which a zero one is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func (q *Queue) policy(c store.Class) Policy {
	if c == store.ClassPromotional {
		return q.o.PromotionalPolicy
	}
	return q.o.TransactionalPolicy
}

// keep lets an entry hold on to its message while memory allows.
func (q *Queue) keep(e *entry, m *sms.Message) {
	if q.inMemory.Load() < maxInMemory {
		q.inMemory.Add(1)
		e.message = m
	}
}

// forget lets go of an entry's message.
func (q *Queue) forget(e *entry) {
	if e.message != nil {
		q.inMemory.Add(-1)
		e.message = nil
	}
}
