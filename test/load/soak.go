package main

import (
	"errors"
	"fmt"
	"os"
	"time"
)

// sampleEvery is how often a soak is looked at.
const sampleEvery = 10 * time.Second

// soakFiles bounds the log of events of a soak, which is long.
const soakFiles = 4

// errGrows is the answer to a soak in which something grew or was left over.
var errGrows = errors.New("the soak failed")

// soak measures the peak of each engine, holds a share of it for long while old
// messages are deleted, and looks whether memory, goroutines or files grow, whether
// all messages came to their end, and whether any receipt was not matched.
func (o options) soak() error {
	all, end, err := engines(o.database)
	if err != nil {
		return err
	}
	defer end()
	for _, e := range all {
		rate := o.paced
		if rate == 0 {
			peak := load{name: "end-to-end", clients: o.clients, length: time.Duration(o.seconds) * time.Second, receipts: true}
			r, err := peak.run(o.ours(e))
			if err != nil {
				return err
			}
			r.print("heliograph on "+e.name, peak)
			rate = int(r.sustained * o.share)
		}
		if err := o.hold(e, rate); err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
	}
	return nil
}

// hold puts a paced load on a new server for the length of the soak.
func (o options) hold(e engine, rate int) error {
	dir, err := os.MkdirTemp("", "heliograph-load-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	smsc, err := newSink(true, receiptDelay)
	if err != nil {
		return err
	}
	defer smsc.Stop()
	o.files, o.operator = soakFiles, true
	if o.keep > 0 {
		o.more = fmt.Sprintf("retention: {messages: %s}\n", o.keep)
	}
	s, err := startServer(o.settings, e, dir, smsc.Address, true)
	if err != nil {
		return err
	}
	defer s.kill()
	if err := smsc.awaitBind(30 * time.Second); err != nil {
		return err
	}
	fmt.Printf("soak on %s: %d messages/s for %s, messages kept for %s\n", e.name, rate, o.length, o.keep)
	l := load{name: "soak", clients: o.clients, receipts: true, rate: rate}
	clients, err := l.dial(s)
	if err != nil {
		return err
	}
	watched := newWatch(s, warmUp(o.length, o.keep))
	stop, done := make(chan struct{}), make(chan error, 1)
	go func() { done <- watched.until(stop) }()
	sent, err := l.minutes(clients, o.length)
	close(stop)
	if failed := <-done; err == nil {
		err = failed
	}
	if err != nil {
		return err
	}
	if err := left(s, smsc, sent); err != nil {
		return err
	}
	if !watched.print() {
		return errGrows
	}
	return s.stop()
}

// warmUp is what does not count of a soak: until messages are deleted as fast as
// they come, but no more than half of it.
func warmUp(length, keep time.Duration) time.Duration { return min(keep+time.Minute, length/2) }

// minutes sends for the whole length and tells of each minute.
func (l load) minutes(clients []client, length time.Duration) (sent int64, err error) {
	for began := time.Now(); time.Since(began) < length; {
		l.length = min(time.Minute, length-time.Since(began))
		n, latencies, err := l.send(clients, time.Now())
		if err != nil {
			return sent, err
		}
		sent += n
		l.first += n + int64(len(clients)) // each client took one number more than it sent
		p50, p99 := percentiles(latencies)
		fmt.Printf("  %6s  %8.0f messages/s  p50 %6.2f ms  p99 %7.2f ms\n", time.Since(began).Round(time.Second),
			float64(n)/l.length.Seconds(), milliseconds(p50), milliseconds(p99))
	}
	return sent, nil
}

// left waits until all messages have come to their end, and looks for receipts
// that no part was found for.
func left(s *server, smsc *sink, sent int64) error {
	for deadline := time.Now().Add(time.Minute); !s.told(sent) || smsc.answered.Load() < sent; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			return fmt.Errorf("%w: of %d messages not all came to their end", errGrows, sent)
		}
	}
	m, err := s.Metrics()
	if err != nil {
		return err
	}
	if n := m["heliograph_receipts_parked"]; n > 0 {
		return fmt.Errorf("%w: %.0f receipts were not matched", errGrows, n)
	}
	fmt.Printf("  %d messages: each was delivered and told of, no receipt is unmatched\n", sent)
	return nil
}
