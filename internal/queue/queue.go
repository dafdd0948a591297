package queue

import (
	"context"
	"fmt"
	"log/slog"
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
	Carriers  []carrier.Carrier
	// RecipientInterval is the time between two messages to one recipient (guide,
	// "SMS quotas": one second); 0 is no limit.
	RecipientInterval time.Duration
	// Lost outcomes, by message type.
	TransactionalPolicy, PromotionalPolicy Policy
	// FailoverAfter is how long a carrier is down before messages from pools are
	// moved to other identities.
	FailoverAfter time.Duration
	Reroute       Rerouter
	Metrics       *Metrics
	Log           *slog.Logger
	Now           func() time.Time
}

// Queue is every shard of this node.
type Queue struct {
	o          Options
	shards     map[string]*shard
	recipients *throttle.Recipients
	dispatch   atomic.Int64 // Seq of the last dispatch
	inMemory   atomic.Int64 // entries that keep their message
	running    sync.WaitGroup
}

// maxInMemory bounds the entries that keep their message; others are read again
// when they are claimed.
const maxInMemory = 50_000

// recipientLimit bounds the memory of recipients' slots.
const recipientLimit = 400_000

// New makes a queue. Load and Run have to follow.
func New(o Options) *Queue {
	q := &Queue{o: o, shards: map[string]*shard{}, recipients: throttle.NewRecipients(o.RecipientInterval, recipientLimit, o.Now())}
	for _, c := range o.Carriers {
		q.shards[c.Name()] = newShard(q, c)
	}
	return q
}

// Observe takes over what the committer has just made durable. It is one of the
// committer's observers and does not wait.
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
			s := q.shards[a.Queued.Shard]
			if s == nil {
				q.o.Log.Error("message accepted for a carrier that is not configured", "carrier", a.Queued.Shard)
				continue
			}
			s.accept(a, now)
		}
	}
}

// Run starts handing over. It returns at once; Close ends it.
func (q *Queue) Run(ctx context.Context, sink carrier.Sink) error {
	for _, s := range q.shards {
		if err := s.carrier.Start(ctx, sink, s.wake); err != nil {
			return fmt.Errorf("start carrier %s: %w", s.carrier.Name(), err)
		}
		s.start(&q.running)
	}
	return nil
}

// Close stops claiming, waits until everything handed over has its outcome in
// the store or ctx ends, and disconnects the carriers.
func (q *Queue) Close(ctx context.Context) {
	var closing sync.WaitGroup
	for _, s := range q.shards {
		closing.Go(func() { s.close(ctx) })
	}
	closing.Wait()
	q.running.Wait()
}

// Healthy reports whether a carrier can take parts.
func (q *Queue) Healthy(name string) bool {
	s := q.shards[name]
	return s != nil && s.carrier.State().Up
}

// Backlog is how many seconds of sending wait in a lane.
func (q *Queue) Backlog(key string) float64 {
	for _, s := range q.shards {
		if parts, rate, ok := s.backlog(key); ok {
			return float64(parts) / max(rate, 1)
		}
	}
	return 0
}

// Depth is how much waits at a carrier.
type Depth struct {
	Carrier  string
	Messages int
	Parts    int
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

// Depths tells how much waits, a carrier each.
func (q *Queue) Depths() []Depth {
	out := make([]Depth, 0, len(q.shards))
	for _, s := range q.shards {
		out = append(out, s.depth())
	}
	return out
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
