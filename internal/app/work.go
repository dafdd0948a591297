package app

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"heliograph/internal/destination"
	"heliograph/internal/nodes"
	"heliograph/internal/store"
)

// work is what this node does with what it holds.
type work struct {
	*service
	own atomic.Pointer[destination.Router] // of this node's own log

	mu      sync.Mutex
	streams map[int]*stream // by slot
}

// stream is the publication of a slot's log.
type stream struct {
	router *destination.Router
	stop   context.CancelFunc
	ended  chan struct{}
}

var _ nodes.Work = (*work)(nil)

// Start begins to hand over the messages of a shard, or to publish the events of a
// slot.
func (w *work) Start(ctx context.Context, holding string) error {
	if shard, ok := nodes.Shard(holding); ok {
		return w.startShard(ctx, shard)
	}
	if slot, ok := nodes.Stream(holding); ok {
		return w.startStream(ctx, slot)
	}
	return nil
}

// Stop finishes with it, until ctx ends.
func (w *work) Stop(ctx context.Context, holding string) {
	if shard, ok := nodes.Shard(holding); ok {
		w.queue.Stop(ctx, shard)
	}
	if slot, ok := nodes.Stream(holding); ok {
		w.stopStream(ctx, slot)
	}
}

// startShard makes the parts known that wait for receipts before any can come in.
func (w *work) startShard(ctx context.Context, shard string) error {
	// Receipts may come in at any bind of the carrier.
	for _, each := range w.layout.With(shard) {
		names, err := w.queue.Names(ctx, each)
		if err != nil {
			return err
		}
		for _, name := range names {
			if err := w.receipts.AddShard(ctx, name); err != nil {
				return err
			}
		}
	}
	return w.queue.Start(ctx, shard)
}

func (w *work) startStream(ctx context.Context, slot int) error {
	if err := w.receipts.AddSlot(ctx, slot); err != nil {
		return err
	}
	foreign := slot != w.committer.Fence().Slot
	router, err := w.newRouter(slot, foreign)
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	s := &stream{router: router, stop: stop, ended: make(chan struct{})}
	w.mu.Lock()
	w.streams[slot] = s
	w.mu.Unlock()
	if !foreign {
		w.own.Store(router)
	}
	go func() {
		defer close(s.ended)
		w.publish(running, router, slot)
	}()
	return nil
}

// againAfter is the pause before what a store's failure has ended begins again.
const againAfter = time.Second

// publish runs a router until ctx ends. Run fails only where it cannot read where it
// stands, before it has begun.
func (w *work) publish(ctx context.Context, router *destination.Router, slot int) {
	for {
		err := router.Run(ctx, w.committer)
		if err == nil || errors.Is(err, store.ErrClosed) || ctx.Err() != nil {
			return
		}
		w.log.Error("events cannot be published yet; trying again", "slot", slot, "error", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(againAfter):
		}
	}
}

func (w *work) stopStream(ctx context.Context, slot int) {
	w.mu.Lock()
	s := w.streams[slot]
	delete(w.streams, slot)
	w.mu.Unlock()
	if s == nil {
		return
	}
	s.stop()
	select {
	case <-s.ended:
	case <-ctx.Done():
		w.log.Warn("event destinations still publish; their last events may be published again", "slot", slot)
	}
	w.receipts.DropSlot(slot)
}

// observe has the router of this node's own log see what was just committed.
func (w *work) observe(changes []*store.Change) {
	if router := w.own.Load(); router != nil {
		router.Observe(changes)
	}
}

// routers are those that run here.
func (w *work) routers() []*destination.Router {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []*destination.Router
	for _, s := range w.streams {
		all = append(all, s.router)
	}
	return all
}
