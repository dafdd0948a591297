package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/test/rig"
)

// startup fills a store with queued messages, starts the server over it while the
// carrier is away, and tells how long that takes and how much memory.
func (o options) startup() error {
	all, end, err := engines(o.database)
	if err != nil {
		return err
	}
	defer end()
	for _, e := range all {
		if err := o.startOver(e); err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
	}
	return nil
}

func (o options) startOver(e engine) error {
	dir, err := os.MkdirTemp("", "heliograph-load-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	nobody, err := rig.FreeAddress() // listens there
	if err != nil {
		return err
	}
	// The first start makes the account and its numbers.
	s, err := startServer(o.settings, e, dir, nobody, true)
	if err != nil {
		return err
	}
	defer s.kill()
	empty := s.Usage().Memory
	if err := s.Stop(); err != nil {
		return err
	}
	began := time.Now()
	if err := o.fill(context.Background(), s); err != nil {
		return fmt.Errorf("fill the store: %w", err)
	}
	file, _, err := s.sizes()
	if err != nil {
		return err
	}
	fmt.Printf("startup on %s: %d messages in %d lanes, the database has %.0f MB (filled in %s)\n",
		e.name, o.messages, o.lanes, float64(file)/megabyte, time.Since(began).Round(time.Second))
	began = time.Now()
	if err := s.start(o.settings, nobody, true); err != nil {
		return err
	}
	ready := time.Since(began)
	at := s.Usage()
	time.Sleep(o.stay)
	after := s.Usage()
	if o.profile != "" {
		if err := s.save("heap?gc=1", o.profile+".startup.heap"); err != nil {
			return err
		}
	}
	m, err := s.Metrics()
	if err != nil {
		return err
	}
	fmt.Printf("  ready after             %8.2f s, %.2f s of CPU, with %.0f MB (%.0f MB over an empty store)\n", ready.Seconds(), at.CPU.Seconds(),
		float64(at.Memory)/megabyte, float64(empty)/megabyte)
	fmt.Printf("  after another %-9s %8.0f MB, at the most %.0f MB, %s of CPU\n", o.stay, float64(after.Memory)/megabyte,
		float64(after.Peak)/megabyte, after.CPU.Round(10*time.Millisecond))
	fmt.Printf("  messages that wait      %8.0f\n", m["heliograph_queue_messages"])
	return nil
}

// fillBatch is how many messages are written together.
const fillBatch = 2000

// fill writes accepted messages into the store of a server that does not run, as it
// would itself: in the order of acceptance, each in another lane than the one before.
func (o options) fill(ctx context.Context, s *server) (err error) {
	e, err := s.engine.open(ctx, s.dir, s.database)
	if err != nil {
		return err
	}
	defer func() {
		if closed := e.Close(); err == nil {
			err = closed
		}
	}()
	fence, err := e.Join(ctx, "load")
	if err != nil {
		return err
	}
	last, err := e.LastID(ctx, fence.Slot)
	if err != nil {
		return err
	}
	ids := sms.NewIDs(fence.Slot, last)
	var written int64 // the last event
	for n := 0; n < o.messages; {
		change := &store.Change{}
		for ; n < o.messages && len(change.Accept) < fillBatch; n++ {
			change.Accept = append(change.Accept, waiting(ids.Next(time.Now()), int64(n), n%o.lanes))
		}
		if err := e.Apply(ctx, fence, []*store.Change{change}); err != nil {
			return err
		}
		written = change.Events[len(change.Events)-1].Seq
	}
	// That they are queued was told of when they were accepted.
	return e.Apply(ctx, fence, []*store.Change{{Cursors: []store.Cursor{{Slot: fence.Slot, Seq: written}}}})
}

// waiting is a message that has just been accepted and waits in a lane.
func waiting(id sms.ID, number int64, lane int) store.Accepted {
	now := time.Now().UTC().Truncate(time.Millisecond)
	identity := fmt.Sprintf("+49155%08d", lane)
	m := &sms.Message{ID: id, Account: "111122223333", AcceptedAt: now, ExpiresAt: now.Add(72 * time.Hour),
		Destination: recipient(number), Country: "DE", Type: sms.Transactional, Body: text(number), Encoding: "GSM", Parts: 1,
		ConfigurationSet: "load", Route: sms.Route{Identity: identity, Kind: sms.IdentityPhoneNumber, Carrier: "sink", Lane: identity,
			PartsPerSecond: 10, Why: "the request names it"}}
	return store.Accepted{Message: m, Queued: store.Queued{ID: id, Shard: "sink", Lane: identity, Class: store.ClassTransactional,
		Parts: 1, Due: now, Expires: m.ExpiresAt}}
}
