package queue

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// Of a lane that is too long for memory only the head is there: up to a horizon, an
// ID, everything is in memory, and beyond it nothing is. What is accepted meanwhile
// stays in the store alone and is read when the head has become short. So memory
// follows the number of lanes and not that of messages.

// defaultMemory is the number of messages in memory beyond which lanes keep ever
// less of themselves there.
const defaultMemory = 200_000

// laneMost and laneLeast are how many messages of a class a lane keeps in memory:
// while there is plenty, and when there is none.
const (
	laneMost  = 10_000
	laneLeast = 2
)

// expiredEvery is how often it is looked whether the time to live of anything is over
// that is in the store alone.
const expiredEvery = time.Minute

// distant is after any message's time to live.
var distant = time.Unix(1<<40, 0)

// rest is what of a lane's class is where.
type rest struct {
	known   int    // entries in memory: that wait, are held, or are in flight
	held    int    // of these, the held
	spilled bool   // what is beyond horizon is in the store alone
	horizon sms.ID // everything up to it is known
	behind  int64  // messages beyond it, about; and their parts
	parts   int64
	expires time.Time // no message beyond it expires before; zero: not known
	reading *reading  // nil: it is not being read
}

// reading is what happens to a lane while it is read.
type reading struct {
	came []store.Queued // beyond the horizon
	left []sms.ID       // that were known and are not any more
}

// laneLimit is how many messages of a class a lane may have in memory.
func (q *Queue) laneLimit() int {
	switch n := int(q.entries.Load()); {
	case n < q.o.Memory/2:
		return laneMost
	case n < q.o.Memory:
		return max(q.o.Memory/500, laneLeast)
	}
	return laneLeast
}

// admits reports whether a message that comes in goes into memory. The caller holds
// mu.
func (s *shard) admits(l *lane, row *store.Queued) bool {
	r := &l.rest[row.Class]
	if !r.spilled && r.known >= s.q.laneLimit() && row.ID > l.last[row.Class] {
		r.spilled, r.horizon, r.expires = true, l.last[row.Class], row.Expires
	}
	if !r.spilled || row.ID <= r.horizon {
		return true
	}
	r.behind++
	r.parts += int64(row.Parts)
	if row.Expires.Before(r.expires) {
		r.expires = row.Expires
	}
	if r.reading != nil {
		r.reading.came = append(r.reading.came, *row)
	}
	return false
}

// hungry asks for the next messages of a lane of which little is left in memory. The
// caller holds mu.
func (s *shard) hungry(l *lane, class store.Class) {
	r := &l.rest[class]
	if !r.spilled || r.reading != nil || s.q.wants(r) < s.q.laneLimit()/2 {
		return
	}
	r.reading = &reading{}
	s.short = append(s.short, place{l, class})
	select {
	case s.fills <- struct{}{}:
	default:
	}
}

// laneHeld is how many messages of a class may be held, for a retry or for their
// recipients, besides those that wait in a lane.
const laneHeld = 256

// wants is how many messages a lane's class has room for.
func (q *Queue) wants(r *rest) int {
	return q.laneLimit() - r.known + min(r.held, laneHeld)
}

// place is a class of a lane.
type place struct {
	lane  *lane
	class store.Class
}

// fill reads what short lanes wait for, until the shard is closed.
func (s *shard) fill() {
	expired := time.NewTicker(expiredEvery)
	defer expired.Stop()
	for {
		select {
		case <-s.stopped:
			return
		case <-expired.C:
			s.lookBehind()
			continue
		case <-s.fills:
		}
		for {
			s.mu.Lock()
			short := s.short
			s.short = nil
			s.mu.Unlock()
			if len(short) == 0 {
				break
			}
			for _, p := range short {
				s.refill(p)
			}
			s.wake()
		}
	}
}

// refill reads the next messages of a lane, until it has its share or there are no
// more.
func (s *shard) refill(p place) {
	r := &p.lane.rest[p.class]
	for {
		s.mu.Lock()
		n := s.q.wants(r)
		from := r.horizon
		if n <= 0 {
			r.reading = nil
			s.mu.Unlock()
			return
		}
		r.reading = &reading{}
		s.mu.Unlock()
		rows, more, err := s.behind(p, from, n)
		if err != nil {
			s.q.o.Log.Error("the rest of a lane cannot be read; trying again", "carrier", s.name, "error", err)
			select {
			case <-time.After(time.Second):
				continue
			case <-s.stopped:
				return
			}
		}
		s.mu.Lock()
		now := s.q.o.Now()
		for i := range rows {
			if s.known[rows[i].ID] == nil && !slices.Contains(r.reading.left, rows[i].ID) {
				s.admit(s.newEntry(&rows[i]), rows[i].Due, now)
			}
			r.horizon = rows[i].ID
		}
		// IDs are not in the order of commits: what came meanwhile may belong in front
		// of what was read.
		left := 0
		for i := range r.reading.came {
			if row := &r.reading.came[i]; row.ID > r.horizon {
				left++
			} else if s.known[row.ID] == nil {
				s.admit(s.newEntry(row), row.Due, now)
				rows = append(rows, *row)
			}
		}
		for i := range rows {
			r.behind, r.parts = max(r.behind-1, 0), max(r.parts-int64(rows[i].Parts), 0)
		}
		if !more && left == 0 {
			*r = rest{known: r.known, held: r.held}
			s.mu.Unlock()
			return
		}
		s.mu.Unlock()
	}
}

// storedUnder are the names of shards in which the store may have messages of this one.
func (s *shard) storedUnder() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.names
}

// behind reads at most n messages of a lane beyond an ID, and whether there are
// more.
func (s *shard) behind(p place, after sms.ID, n int) (rows []store.Queued, more bool, err error) {
	last := sms.ID(math.MaxInt64) // everything up to it was read
	for _, name := range s.storedUnder() {
		from := store.Place{Lane: p.lane.key, Class: p.class, ID: after}
		some, err := s.q.o.Engine.QueuedAfter(context.Background(), name, from, n)
		if err != nil {
			return nil, false, err
		}
		full := len(some) == n
		if i := slices.IndexFunc(some, func(q store.Queued) bool { return q.Lane != p.lane.key || q.Class != p.class }); i >= 0 {
			some, full = some[:i], false
		}
		if full {
			last, more = min(last, some[n-1].ID), true
		}
		rows = append(rows, some...)
	}
	slices.SortFunc(rows, func(a, b store.Queued) int { return cmp.Compare(a.ID, b.ID) })
	rows = slices.DeleteFunc(rows, func(q store.Queued) bool { return q.ID > last })
	return rows, more, nil
}

// lookPage bounds what is read in one go of what is in the store alone, lookPause is
// the pause after it: a hundred thousand messages a second.
const (
	lookPage  = 2_000
	lookPause = 20 * time.Millisecond
)

// spilled are the classes of lanes of which not all is in memory.
func (s *shard) spilled() []place {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []place
	for _, l := range s.lanes {
		for class := range l.rest {
			if l.rest[class].spilled {
				out = append(out, place{l, store.Class(class)})
			}
		}
	}
	return out
}

// countBehind learns how much is in the store alone after the shard was loaded. What
// came and went while it was counted makes it differ a little.
func (s *shard) countBehind() {
	if len(s.spilled()) == 0 {
		return
	}
	for _, name := range s.storedUnder() {
		lengths, err := s.q.o.Engine.QueuedLanes(context.Background(), name)
		if err != nil {
			s.q.o.Log.Error("what waits in the store cannot be counted", "carrier", s.name, "error", err)
			return
		}
		s.mu.Lock()
		for _, n := range lengths {
			if l := s.lanes[n.Lane]; l != nil && l.rest[n.Class].spilled {
				r := &l.rest[n.Class]
				r.behind, r.parts = r.behind+n.Messages, r.parts+n.Parts
			}
		}
		s.mu.Unlock()
	}
	for _, p := range s.spilled() {
		s.mu.Lock()
		if r := &p.lane.rest[p.class]; r.spilled && r.behind > 0 {
			all := r.behind
			r.behind = max(all-int64(r.known), 0)
			r.parts = r.parts * r.behind / all
		}
		s.mu.Unlock()
	}
}

// lookBehind goes through lanes in which something may have expired that is in the
// store alone, ends it, and counts the rest.
func (s *shard) lookBehind() {
	for _, p := range s.spilled() {
		if !s.lookThrough(p) {
			return
		}
	}
}

// lookThrough is false when the shard stops or the store fails.
func (s *shard) lookThrough(p place) bool {
	s.mu.Lock()
	r := &p.lane.rest[p.class]
	after := r.horizon
	due := !s.q.o.Now().Before(r.expires)
	if due {
		r.expires = distant
	}
	s.mu.Unlock()
	if !due {
		return true
	}
	var messages, parts int64
	var next time.Time
	for {
		rows, more, err := s.behind(p, after, lookPage)
		if err != nil {
			s.q.o.Log.Error("the rest of a lane cannot be read", "carrier", s.name, "error", err)
			s.expiresBehind(r, time.Time{})
			return false
		}
		var expired []*entry
		now := s.q.o.Now()
		s.mu.Lock()
		for i := range rows {
			after = rows[i].ID
			if now.Before(rows[i].Expires) || !r.spilled || after <= r.horizon || s.known[after] != nil {
				messages, parts, next = messages+1, parts+int64(rows[i].Parts), earlier(next, rows[i].Expires)
				continue
			}
			expired = append(expired, s.newEntry(&rows[i]))
		}
		s.mu.Unlock()
		s.expire(expired)
		if !more {
			break
		}
		select {
		case <-s.stopped:
			return false
		case <-time.After(lookPause):
		}
	}
	s.mu.Lock()
	if r.spilled {
		r.behind, r.parts = messages, parts
	}
	s.mu.Unlock()
	if messages > 0 {
		s.expiresBehind(r, next)
	}
	return true
}

// expiresBehind puts down when the first message of a lane expires that is in the
// store alone, unless one that came in meanwhile does before. The zero time is: look.
func (s *shard) expiresBehind(r *rest, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at.Before(r.expires) {
		r.expires = at
	}
}
