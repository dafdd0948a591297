package app

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"heliograph/internal/accept"
	"heliograph/internal/carrier"
	"heliograph/internal/destination/local"
	"heliograph/internal/inventory"
	"heliograph/internal/nodes"
	"heliograph/internal/optout"
	"heliograph/internal/queue"
	"heliograph/internal/receipt"
	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// openFlows makes the flows. What they see to is loaded when the node knows its
// share.
func (s *service) openFlows(ctx context.Context) error {
	last, err := s.engine.LastID(ctx, s.place.fence.Slot)
	if err != nil {
		return fmt.Errorf("read the last message id: %w", err)
	}
	if s.prices, err = s.openPrices(ctx); err != nil {
		return err
	}
	s.local = local.New(filepath.Join(s.cfg.DataDir, "events"), local.Options{FileBytes: s.cfg.Events.LocalFileBytes, Files: s.cfg.Events.LocalFiles, Sealer: s.sealer})
	s.work = &work{service: s, streams: map[int]*stream{}}
	s.manager = s.newManager()
	s.keepPlace(ctx)
	s.receipts = receipt.New(receipt.Options{Engine: s.engine, Committer: s.committer, Messages: s.messages,
		Sweeps:       func() bool { return s.manager.Holds(nodes.Sweep) },
		OutOfService: s.deactivations.OutOfService,
		Metrics:      receipt.NewMetrics(s.metrics.registry), Log: s.log, Now: now})
	s.queue = queue.New(queue.Options{
		Engine: s.engine, Committer: s.committer, Messages: s.messages,
		Layout: s.layout, Carrier: s.shardCarrier, Sink: sink{s.receipts, s}, Slots: s.manager.Slots, Peers: s.peers(),
		RecipientInterval:   s.cfg.RecipientInterval,
		TransactionalPolicy: queue.Policy(s.cfg.LostOutcomes.Transactional),
		PromotionalPolicy:   queue.Policy(s.cfg.LostOutcomes.Promotional),
		FailoverAfter:       s.cfg.FailoverAfter, Reroute: s.reroute, Moved: s.moved,
		Metrics: queue.NewMetrics(s.metrics.registry), Log: s.log, Now: now,
	})
	s.optOuts = optout.NewChecker(s.lists)
	ids := sms.NewIDs(s.place.fence.Slot, last)
	s.accept = accept.New(accept.Options{
		Committer: s.committer, Entries: s.lists, OptOuts: s.optOuts, Protected: s.metrics.protect,
		IDs: ids, MessageIDs: s.ids, Prices: s.prices,
		Ledger:   s.newLedger(),
		Carriers: newRoutes(s.queue, s.layout, s.traits), SharedRoutes: s.cfg.Routes(), DefaultCarrier: s.cfg.DefaultCarrier,
		SimulatorCarrier: inventory.SimulatorCarrier,
		Region:           s.cfg.Region, Now: now, Log: s.log,
	})
	if s.inbound, err = s.newInbound(ids); err != nil {
		return err
	}
	s.feedback = s.newFeedback()
	if err := s.receipts.Open(ctx); err != nil {
		return err
	}
	if err := s.queue.Open(ctx); err != nil {
		return err
	}
	s.metrics.watch(&gauges{s})
	s.metrics.registry.MustRegister(&s.balance)
	return s.balance.begin(ctx, s.log, s.engine.Counts, func() bool { return s.alone(ctx) && !s.manager.Several() })
}

// peers is what the queue asks of other nodes, nil where there cannot be any.
func (s *service) peers() *queue.Peers {
	if s.place.shared == nil {
		return nil
	}
	split := false
	for _, n := range s.layout {
		split = split || n > 1
	}
	return &queue.Peers{Shared: s.place.shared, Several: s.manager.Several, MaySend: s.manager.MaySend,
		Taken: s.receipts.Learn, Split: split}
}

func (s *service) reroute(m *sms.Message, now sms.Route) (sms.Route, bool) {
	account := s.directory.Account(m.Billed())
	if account == nil {
		return sms.Route{}, false
	}
	return s.accept.Reroute(account, m, now)
}

func (s *service) moved(m *sms.Message, to sms.Route, at time.Time) []store.EntryWrite {
	account := s.directory.Account(m.Billed())
	if account == nil {
		return nil
	}
	return accept.Conversation(account, m, to, at)
}

// remember keeps accepted messages in memory for what follows them.
func (s *service) remember(changes []*store.Change) {
	for _, c := range changes {
		if c.Err == nil {
			for i := range c.Accept {
				s.messages.Put(c.Accept[i].Message)
			}
		}
	}
}

// observe passes committed changes on, in the order in which a message meets the
// flows. Before the flows exist only resources are written.
func (s *service) observe(changes []*store.Change) {
	if s.queue == nil {
		return
	}
	s.metrics.observe(changes)
	s.balance.observe(changes)
	s.tracer.Observe(changes)
	s.queue.Observe(changes)
	s.receipts.Observe(changes)
	s.work.observe(changes)
}

// sink is where carriers bring receipts and messages.
type sink struct {
	receipts *receipt.Flow
	service  *service
}

func (k sink) Receipt(r carrier.Receipt, done func(error)) { k.receipts.Receipt(r, done) }
