// Package app makes the service out of its parts: it opens the store, takes the
// node's place in it, loads what is open, connects the flows and serves the API.
// It is the one place that knows all of them.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"heliograph/internal/accept"
	"heliograph/internal/audit"
	"heliograph/internal/audit/trail"
	"heliograph/internal/carrier"
	"heliograph/internal/config"
	"heliograph/internal/credentials"
	"heliograph/internal/datadir"
	"heliograph/internal/deactivation"
	"heliograph/internal/destination/local"
	"heliograph/internal/embedded/firehose"
	"heliograph/internal/feedback"
	"heliograph/internal/identity"
	"heliograph/internal/inbound"
	"heliograph/internal/nodes"
	"heliograph/internal/optout"
	"heliograph/internal/queue"
	"heliograph/internal/receipt"
	"heliograph/internal/resources"
	"heliograph/internal/seal"
	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/store/record"
	"heliograph/internal/trace"
	"heliograph/internal/usage"
)

// cachedMessages is how many messages stay in memory as they are, and packedBytes
// how many octets of records of older ones do, so that receipts and events seldom
// read them again: some 40,000 of usual length.
const (
	cachedMessages = 4096
	packedBytes    = 8 << 20
)

// commitLimit is how long a transaction may take before what waits behind it is
// refused: a client is told at once that the database does not answer.
const commitLimit = 2 * time.Second

// drainTime bounds an orderly end: what is in flight is waited for this long.
const drainTime = 30 * time.Second

// traceTime bounds how long the last spans of traces are sent at the end.
const traceTime = 3 * time.Second

// service is everything that runs.
type service struct {
	cfg           config.Config
	log           *slog.Logger
	metrics       *metrics
	balance       balance
	secrets       credentials.Installation
	keyring       *seal.Keyring
	sealer        store.Sealer // the keyring
	engine        store.Engine
	lists         store.Lists // of engine
	place         place
	layout        carrier.Layout
	traits        map[string]carrier.Traits // of carriers, by name
	local         *local.Log
	committer     *store.Committer
	messages      *store.MessageCache
	directory     *resources.Directory
	authority     *identity.Authority
	deactivations *deactivation.Reports
	streams       *firehose.Streams // embedded
	topics        *topics           // embedded; nil where others are used
	optOuts       *optout.Checker
	queue         *queue.Queue
	receipts      *receipt.Flow
	inbound       *inbound.Flow
	work          *work
	manager       *nodes.Manager
	lapse         func() // ends the keeping of the node's lease
	prices        *usage.Prices
	accept        *accept.Service
	feedback      *feedback.Flow
	ids           *sms.MessageIDs
	tracer        *trace.Tracer // nil where nothing is traced
	audit         *audit.Log
	trail         *trail.Trail // nil where records are not delivered
	fatal         chan error
}

// Run serves until ctx ends, then finishes what is in flight and returns nil.
// ready is called once with the URL of the API. An error after the start means
// that the store can no longer be trusted: the process has to end at once.
func Run(ctx context.Context, cfg config.Config, log *slog.Logger, ready func(url string)) error {
	if err := os.MkdirAll(cfg.DataDir, 0o700); err != nil {
		return fmt.Errorf("make the data directory: %w", err)
	}
	unlock, err := datadir.Lock(cfg.DataDir)
	if err != nil {
		return err
	}
	defer unlock()
	s := &service{cfg: cfg, log: log, metrics: newMetrics(), fatal: make(chan error, 1)}
	restore := sparingly()
	defer restore()
	if err := s.open(ctx); err != nil {
		s.abandon(context.WithoutCancel(ctx))
		if ctx.Err() != nil {
			return nil // it was told to end while it stood by
		}
		return err
	}
	return s.serve(ctx, func(url string) {
		restore()
		ready(url)
	})
}

// startGC is the garbage collector's percentage while a start reads what waits: what is
// read makes much garbage, and a machine should not need more memory for a start than
// for what follows it.
const startGC = 40

// sparingly has the heap grow by less between collections, until restore. What the
// environment says of it (GOGC) is kept where it is less.
func sparingly() (restore func()) {
	before := debug.SetGCPercent(startGC)
	if before < 0 || before > startGC {
		return sync.OnceFunc(func() { debug.SetGCPercent(before) })
	}
	debug.SetGCPercent(before)
	return func() {}
}

// abandon puts away what a start that failed had opened. Nothing runs yet.
func (s *service) abandon(ctx context.Context) {
	if s.queue != nil {
		s.queue.Close(ctx)
	}
	if s.committer != nil {
		s.committer.Close()
		s.leave(ctx)
	}
	s.closeAudit()
	s.closeTracer()
	if s.engine != nil {
		if err := s.engine.Close(); err != nil {
			s.log.Warn("the database did not close in order", "error", err)
		}
	}
}

// open builds the parts, from the store outwards.
func (s *service) open(ctx context.Context) (err error) {
	if err := keysThere(ctx, s.cfg); err != nil {
		return err
	}
	if s.secrets, err = credentials.Open(credentials.Options{Directory: s.cfg.DataDir, Account: s.cfg.Account,
		Partition: s.cfg.Partition(), Region: s.cfg.Region, Log: s.log}); err != nil {
		return err
	}
	if s.ids, err = sms.NewMessageIDs(s.secrets.MessageIDKey); err != nil {
		return err
	}
	if err := s.openKeyring(ctx); err != nil {
		return err
	}
	s.layout = layout(s.cfg)
	if s.traits, err = traits(s.cfg, s.log); err != nil {
		return err
	}
	if err := s.openStore(ctx); err != nil {
		return err
	}
	s.messages = store.NewMessageCache(cachedMessages).Pack(packedBytes, record.AppendMessage, record.Message)
	if s.tracer, err = trace.New(trace.Options{Endpoint: s.cfg.Tracing.Endpoint, Headers: s.cfg.Tracing.Headers,
		SampleRatio: s.cfg.Tracing.SampleRatio, Node: s.cfg.Node, Slot: s.place.fence.Slot, Key: s.secrets.MessageIDKey, MessageID: s.ids.Format,
		Message: s.messages.Get, Registerer: s.metrics.registry, Log: s.log, Now: now}); err != nil {
		return fmt.Errorf("tracing: %w", err)
	}
	s.committer = store.NewCommitter(s.engine, s.place.fence, store.CommitterOptions{
		Observers: []func([]*store.Change){s.remember, s.observe},
		Stats:     s.metrics.commit,
		Fatal:     s.failed,
		Limit:     commitLimit,
	})
	if s.directory, err = resources.Open(ctx, s.engine, s.committer, s.cfg.Partition(), s.cfg.Region, now); err != nil {
		return err
	}
	if err := s.keyring.Take(ctx, s.directory); err != nil {
		return err
	}
	if err := s.directory.EnsureAccount(ctx, s.cfg.Account, s.cfg.AccountTier()); err != nil {
		return fmt.Errorf("make the first account: %w", err)
	}
	if err := s.openAuthority(); err != nil {
		return err
	}
	if err := s.directory.Furnish(ctx, identity.EventRoles(s.cfg.Partition(), s.log)); err != nil {
		return fmt.Errorf("make the roles of destinations: %w", err)
	}
	if err := identity.RenewEventRoles(ctx, s.directory, s.cfg.Partition(), s.log); err != nil {
		return err
	}
	if err := s.openAudit(ctx); err != nil {
		return err
	}
	if err := s.openStreams(ctx); err != nil {
		return err
	}
	s.deactivations = deactivation.New(s.directory, s.lists, now)
	if err := stock(ctx, s.directory, s.cfg); err != nil {
		return err
	}
	for name, numbers := range orphans(s.directory, s.cfg) {
		s.log.Warn("leased numbers cannot send: their carrier is not configured", "carrier", name, "numbers", numbers)
	}
	return s.openFlows(ctx)
}

// serve runs the flows and the API until ctx ends or the store fails.
func (s *service) serve(ctx context.Context, ready func(string)) error {
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	server, listener, err := s.listen()
	if err != nil {
		s.abandon(context.WithoutCancel(ctx))
		return err
	}
	closeOperator, err := s.serveOperator()
	if err != nil {
		listener.Close()
		s.abandon(context.WithoutCancel(ctx))
		return err
	}
	defer closeOperator()
	s.receipts.Run(running)
	s.inbound.Run(running)
	if err := s.manager.Settle(ctx); err != nil {
		listener.Close()
		stopped := s.stop(server, stop)
		if ctx.Err() != nil {
			return stopped // it was told to end
		}
		return errors.Join(err, stopped)
	}
	var loops sync.WaitGroup
	loops.Go(func() { s.manager.Run(running) })
	loops.Go(func() { s.balance.watch(running) })
	loops.Go(func() { s.retention().Run(running) })
	loops.Go(func() { s.keepKeys(running) })
	loops.Go(func() { s.prices.Run(running, s.log) })
	loops.Go(func() { s.forget(running) })
	loops.Go(func() { s.tellSpend(running) })
	loops.Go(func() { s.expireReports(running) })
	loops.Go(func() { s.feedback.Run(running) })
	loops.Go(func() { s.streams.Run(running) })
	loops.Go(func() { s.confirmations(running) })
	loops.Go(func() { s.runAudit(running) })
	loops.Go(func() { s.expireDeadLetters(running) })
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	ready(s.url(listener.Addr()))

	select {
	case <-ctx.Done():
	case err := <-served:
		return fmt.Errorf("serve the API: %w", err)
	case err := <-s.fatal:
		return fmt.Errorf("the store failed: %w", err)
	}
	s.log.Info("stopping: finishing what is in flight")
	return s.stop(server, func() {
		stop()
		loops.Wait()
	})
}

// stop ends the service in order: no new requests, then nothing new to carriers,
// then the receipts that came, the publications in flight, and the store last. What
// other nodes can see to is handed over to them. Events that are not published by then
// are published after the next start.
func (s *service) stop(server *http.Server, stop func()) error {
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		server.Close()
	}
	stop()
	if s.place.shared != nil {
		// A commit whose outcome is unknown waits for a database that may be away for long.
		late := time.AfterFunc(drainTime, func() { s.engine.Close() })
		defer late.Stop()
	}
	s.manager.Finish(ctx, func() {
		s.inbound.Close()
		s.receipts.Close()
	})
	s.queue.Close(ctx)
	s.committer.Close()
	s.leave(ctx)
	s.closeAudit()
	s.closeTracer()
	return s.engine.Close()
}

// closeTracer sends the last spans, as far as the collector answers at once.
func (s *service) closeTracer() {
	ctx, cancel := context.WithTimeout(context.Background(), traceTime)
	defer cancel()
	s.tracer.Close(ctx)
}

func (s *service) url(a net.Addr) string {
	scheme := "http"
	if s.cfg.API.TLS.Enabled() {
		scheme = "https"
	}
	return scheme + "://" + a.String()
}
