package destination

import (
	"context"
	"fmt"
	"sync"
	"time"

	"heliograph/internal/event"
	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// Router publishes the events of one slot's log. Make it with NewRouter, let
// Observe see what is committed, and call Run.
type Router struct {
	o         Options
	tail      *tail
	loads     *budget
	committer Committer
	kick      chan struct{} // holds a token when the keeper has something to do
	room      chan struct{} // holds a token after a publication ended
	stop      chan struct{} // closed when Run ends
	workers   sync.WaitGroup

	mu        sync.Mutex
	feeds     map[string]*feed
	routed    int64 // every event up to this one was handed to its feeds
	committed int64 // the cursor in the store
	pending   int   // events queued or in flight, of all feeds
	held      int   // bytes of their content in memory; an event counts once for each feed
	stopping  bool
	unsaved   bool // the last commit of the cursor failed
	stats     Stats
	uncounted uncounted
}

// NewRouter makes a Router that does nothing yet.
func NewRouter(o Options) *Router {
	o.setDefaults()
	return &Router{o: o, tail: newTail(o.Slot), loads: newBudget(loadedBytes), feeds: map[string]*feed{}, uncounted: uncounted{},
		kick: make(chan struct{}, 1), room: make(chan struct{}, 1), stop: make(chan struct{})}
}

// Observe is an observer for store.CommitterOptions. It never waits.
func (r *Router) Observe(changes []*store.Change) { r.tail.add(changes) }

// Run publishes until ctx ends. Then it lets the publications in flight finish,
// within Options.Wait, commits the cursor and returns nil. An error says that
// the cursor or the lag could not be read: nothing has begun, and Run may be called
// again. The committer must stay open until Run has returned.
func (r *Router) Run(ctx context.Context, committer Committer) error {
	r.committer = committer
	if err := r.load(ctx); err != nil {
		if ctx.Err() != nil {
			return nil // it ended before it began
		}
		return err
	}
	keeper := make(chan struct{})
	go func() {
		defer close(keeper)
		r.keep()
	}()
	r.follow(ctx)

	r.mu.Lock()
	r.stopping = true
	r.mu.Unlock()
	close(r.stop)
	<-keeper
	r.finish()
	return nil
}

// finish waits for the publications in flight and commits what they gave.
func (r *Router) finish() {
	idle := make(chan struct{})
	go func() {
		r.workers.Wait()
		close(idle)
	}()
	timer := time.NewTimer(r.o.Wait + patience)
	defer timer.Stop()
	select {
	case <-idle:
	case <-timer.C:
		r.o.Logger.Error("event destinations still publish, their last events will be published again")
	}
	r.commit()
}

// load reads the cursor and which destinations have lag.
func (r *Router) load(ctx context.Context) error {
	cursors, err := r.o.Log.Cursors(ctx)
	if err != nil {
		return fmt.Errorf("reading the event cursor: %w", err)
	}
	for _, c := range cursors {
		if c.Slot == r.o.Slot {
			r.routed, r.committed = c.Seq, c.Seq
		}
	}
	keys, err := r.o.Log.LagDestinations(ctx)
	if err != nil {
		return fmt.Errorf("reading which event destinations have lag: %w", err)
	}
	var lagging []*feed
	for _, key := range keys {
		f, err := readFeed(key)
		if err != nil {
			return err
		}
		batches, err := r.o.Log.LagBatches(ctx, key, r.o.Slot, 4*lagBatches)
		if err != nil {
			return fmt.Errorf("reading the lag of event destination %s: %w", key, err)
		}
		for _, b := range batches {
			f.stored += int64(len(b.Seqs))
		}
		f.attached = false
		lagging = append(lagging, f)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range lagging {
		r.feeds[f.key] = f
		r.startWorker(f)
	}
	return nil
}

// follow reads the log from the cursor on, from memory where it can.
func (r *Router) follow(ctx context.Context) {
	buffer := make([]store.Event, 0, readEvents)
	next := r.routed + 1
	readToEnd := false // the engine has nothing that the tail was too late for
	var began time.Time
	for ctx.Err() == nil {
		events, behind := r.tail.take(buffer[:0], next, readEvents)
		if len(events) == 0 && (behind || !readToEnd) {
			var err error
			if events, err = r.o.Log.EventsAfter(ctx, r.o.Slot, next-1, readEvents); err != nil {
				r.pause(ctx, "reading the event log", err)
				continue
			}
			readToEnd = readToEnd || len(events) == 0
			if behind && len(events) == 0 {
				r.pause(ctx, "reading the event log", fmt.Errorf("no event from %d on, though later ones were committed", next))
				continue
			}
			behind = true
		}
		if len(events) == 0 {
			var again <-chan time.Time // never, of a log that is observed
			if r.o.Foreign {
				again = time.After(readAgain)
			}
			select {
			case <-again:
				readToEnd = false
			case <-r.tail.wake:
				time.Sleep(routeTime - time.Since(began))
			case <-ctx.Done():
			}
			continue
		}
		began = time.Now()
		for ctx.Err() == nil {
			err := r.route(ctx, events)
			if err == nil {
				next = events[len(events)-1].Seq + 1
				break
			}
			r.pause(ctx, "reading the messages of events", err)
		}
		r.waitForRoom(ctx, behind)
	}
}

// pause waits a second after a failure of the store.
func (r *Router) pause(ctx context.Context, doing string, err error) {
	if ctx.Err() != nil {
		return
	}
	r.o.Logger.Error("events are not published for the moment", "doing", doing, "error", err)
	timer := time.NewTimer(time.Second)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// group is what decides who gets an event.
type group struct {
	account, set string
	status       sms.Status
}

// route hands events to their destinations, or to the lag of those that are
// detached. Its error is that of Options.Messages; nothing was handed over then.
func (r *Router) route(ctx context.Context, events []store.Event) error {
	groups := map[group][]*feed{}
	wanted := make([]store.Event, 0, len(events)) // that have to be rendered
	place := make([]int, len(events))             // in wanted; -1: nobody needs the text
	r.mu.Lock()
	for i := range events {
		place[i] = -1
		e := &events[i]
		if e.ConfigurationSet == "" { // nobody subscribed, or it is of the story alone
			continue
		}
		g := group{e.Account, e.ConfigurationSet, e.Status}
		feeds, known := groups[g]
		if !known {
			r.mu.Unlock()
			definitions := r.o.Destinations(g.account, g.set)
			r.mu.Lock()
			feeds = r.resolve(g, definitions)
			groups[g] = feeds
		}
		for _, f := range feeds {
			if f.attached {
				place[i] = len(wanted)
				wanted = append(wanted, *e)
				break
			}
		}
	}
	r.mu.Unlock()

	items, err := r.render(ctx, wanted)
	if err != nil {
		return err
	}

	now := time.Now()
	r.mu.Lock()
	for i := range events {
		e := &events[i]
		for _, f := range groups[group{e.Account, e.ConfigurationSet, e.Status}] {
			entry := entry{seq: e.Seq, bytes: contentBytes(e), handed: now}
			if place[i] >= 0 {
				entry.item = items[place[i]]
			}
			r.hand(f, entry)
		}
	}
	r.stats.Routed += int64(len(events))
	r.thin(now)
	idle := r.routed == r.committed
	r.routed = events[len(events)-1].Seq
	due := idle || r.routed-r.committed >= commitEvents
	r.mu.Unlock()
	if due {
		token(r.kick)
	}
	return nil
}

// resolve finds or makes the feeds of the destinations that want a group's
// events. The caller holds mu.
func (r *Router) resolve(g group, definitions []sms.EventDestination) []*feed {
	var feeds []*feed
	eventType := g.status.EventType()
	for i := range definitions {
		d := &definitions[i]
		if !d.Enabled || !event.Matches(d.EventTypes, eventType) {
			continue
		}
		key := keyOf(g.account, g.set, d.Name)
		f := r.feeds[key]
		if f == nil {
			f = makeFeed(g.account, g.set, d.Name)
			r.feeds[key] = f
		}
		f.define(*d)
		feeds = append(feeds, f)
	}
	return feeds
}

// render makes the JSON of events. An item without JSON stands for an event
// whose message is gone.
func (r *Router) render(ctx context.Context, events []store.Event) ([]Item, error) {
	if len(events) == 0 {
		return nil, nil
	}
	ids := make([]sms.ID, 0, len(events))
	index := make(map[sms.ID]int, len(events))
	for i := range events {
		if _, known := index[events[i].Message]; !known && events[i].Detail.Content == nil {
			index[events[i].Message] = len(ids)
			ids = append(ids, events[i].Message)
		}
	}
	messages, err := r.o.Messages(ctx, ids)
	if err != nil {
		return nil, err
	}
	if len(messages) != len(ids) {
		return nil, fmt.Errorf("%d messages were answered for %d ids", len(messages), len(ids))
	}
	items := make([]Item, len(events))
	buffer := make([]byte, 0, 640*len(events))
	for i := range events {
		e := &events[i]
		items[i].At, items[i].Slot, items[i].Seq = e.At, e.Slot, e.Seq
		if c := e.Detail.Content; c != nil {
			items[i].JSON, items[i].Content = c.Body, c
			continue
		}
		m := messages[index[e.Message]]
		if m == nil {
			continue
		}
		start := len(buffer)
		buffer = event.Append(buffer, r.o.MessageID(e.Message), m, event.Record{Status: e.Status, At: e.At,
			Final: e.Final, Description: e.Detail.Description, Route: e.Detail.Route})
		items[i].JSON = buffer[start:len(buffer):len(buffer)]
	}
	return items, nil
}

// waitForRoom holds back the reading of a log that has to be caught up with
// while a destination is crowded, and of any log while the cursor cannot be
// committed. The first wait is bounded: who does not keep up is detached.
func (r *Router) waitForRoom(ctx context.Context, behind bool) {
	for ctx.Err() == nil {
		r.mu.Lock()
		wait := r.routed-r.committed >= maxUncommitted
		if behind && !wait {
			wait = r.pending >= maxPending/2 || r.held >= queuedBytes/2
			for _, f := range r.feeds {
				wait = wait || len(f.queue) >= crowded
			}
		}
		r.mu.Unlock()
		if !wait {
			return
		}
		select {
		case <-r.room:
		case <-ctx.Done():
		}
	}
}

// token puts one token into a channel that holds one.
func token(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
