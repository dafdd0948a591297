package main

import (
	"errors"
	"fmt"
	"log"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"heliograph/test/rig"
)

// receiptDelay is how long the sink takes for a receipt.
const receiptDelay = time.Second

// load is a kind of load.
type load struct {
	name     string
	clients  int
	length   time.Duration
	receipts bool  // the sink gives receipts, and what happens to messages is told
	rate     int   // messages a second; 0 is as many as are answered
	first    int64 // number before that of the first message
	profile  string
}

// result is what a run came to.
type result struct {
	messages  int64
	accepted  float64 // a second, while the clients sent
	submitted float64 // submit_sm at the sink, a second, while the clients sent
	// sustained is all messages over the time until the last of them had gone all
	// its way: to the sink, or where there are receipts until these were taken and
	// told, less the time that the sink takes for one.
	sustained float64
	p50, p99  time.Duration // of one message, from when it was due to its answer
	cpu       time.Duration // of a message, all the way, a database server's included
	peak      int64         // bytes of memory, those of a database server not included
	written   float64       // bytes handed to storage, a message
	durable   float64       // waits for the disk, a message; 0 where it is not known
	// optOutRows are the rows of opt-out lists that were read, a message; 0 where it
	// is not known.
	optOutRows float64
}

func (r result) print(name string, l load) {
	fmt.Printf("%s, %s: %d clients, %d messages\n", name, l.name, l.clients, r.messages)
	fmt.Printf("  accepted                %8.0f messages/s\n", r.accepted)
	fmt.Printf("  submit_sm at the sink   %8.0f parts/s while accepting\n", r.submitted)
	if l.receipts {
		fmt.Printf("  sustained end to end    %8.0f messages/s, receipts and what is told of them included\n", r.sustained)
	} else {
		fmt.Printf("  sustained to the sink   %8.0f messages/s\n", r.sustained)
	}
	fmt.Printf("  p50, p99 of accepting   %8.2f ms, %.2f ms\n", milliseconds(r.p50), milliseconds(r.p99))
	fmt.Printf("  CPU, peak memory        %8.0f us a message, %.0f MB\n", float64(r.cpu.Nanoseconds())/1e3, float64(r.peak)/1e6)
	fmt.Printf("  written                 %8.0f bytes a message", r.written)
	if r.durable > 0 {
		fmt.Printf(", in %.3f durable writes", r.durable)
	}
	if r.optOutRows > 0 {
		fmt.Printf(", %.3f rows of opt-out lists read", r.optOutRows)
	}
	fmt.Println()
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// starter starts a gateway in a directory of its own, towards a sink.
type starter func(dir, sink string, receipts bool) (gateway, error)

// run puts a load on a new gateway.
func (l load) run(start starter) (r result, err error) {
	dir, err := os.MkdirTemp("", "heliograph-load-")
	if err != nil {
		return r, err
	}
	defer os.RemoveAll(dir)
	smsc, err := newSink(l.receipts, receiptDelay)
	if err != nil {
		return r, err
	}
	defer smsc.Stop()
	g, err := start(dir, smsc.Address, l.receipts)
	if err != nil {
		return r, err
	}
	defer g.kill()
	if err := smsc.awaitBind(30 * time.Second); err != nil {
		return r, err
	}
	clients, err := l.dial(g)
	if err != nil {
		return r, err
	}
	defer func() {
		for _, c := range clients {
			c.close()
		}
	}()
	profiled := make(chan error, 1)
	profiled <- nil
	if s, ours := g.(*server); ours && l.profile != "" {
		<-profiled
		go func() { profiled <- l.save(s) }()
	}
	before, err := measured(g)
	if err != nil {
		return r, err
	}
	began := time.Now()
	sent, latencies, err := l.send(clients, began)
	if err != nil {
		return r, err
	}
	took := time.Since(began).Seconds()
	if err := <-profiled; err != nil {
		return r, err
	}
	r = result{messages: sent, accepted: float64(sent) / took, submitted: float64(smsc.parts.Load()) / took}
	whole := l.drain(g, smsc, sent, began)
	after, err := measured(g)
	if err != nil {
		return r, err
	}
	r.sustained = float64(sent) / whole.Seconds()
	r.p50, r.p99 = percentiles(latencies)
	each := max(sent, 1)
	r.cpu, r.peak = (after.CPU-before.CPU)/time.Duration(each), after.Peak
	r.written = float64(after.Written-before.Written) / float64(each)
	r.durable = float64(after.durable-before.durable) / float64(each)
	r.optOutRows = float64(after.optOutRows-before.optOutRows) / float64(each)
	if s, ours := g.(*server); ours && l.receipts {
		if lines := s.published(); lines < sent*eventsOfMessage {
			return r, fmt.Errorf("%d events are in the log, %d messages have %d each", lines, sent, eventsOfMessage)
		}
	}
	return r, g.stop()
}

// account is what a gateway has taken of the machine.
type account struct {
	rig.Usage
	durable    int64 // 0 where it is not known
	optOutRows int64 // likewise
}

func measured(g gateway) (a account, err error) {
	if s, ours := g.(interface{ counted() (account, error) }); ours {
		a, err = s.counted()
	}
	a.Usage = g.usage()
	return a, err
}

// save has the server profiled while it is under load.
func (l load) save(s *server) error {
	time.Sleep(l.length / 4)
	prefix := l.profile + "." + l.name
	if err := s.save(fmt.Sprintf("profile?seconds=%d", max(int(l.length.Seconds()/2), 1)), prefix+".cpu"); err != nil {
		return err
	}
	return errors.Join(s.save("allocs", prefix+".allocs"), s.save("heap?gc=1", prefix+".heap"))
}

// dial makes the clients before anything is measured: how long a gateway takes to
// accept connections is not the matter here.
func (l load) dial(g gateway) (clients []client, err error) {
	for range l.clients {
		c, err := g.dial(l.receipts)
		if err != nil {
			return clients, err
		}
		clients = append(clients, c)
	}
	return clients, nil
}

// send runs the clients and answers how many messages were taken and how long
// each took.
func (l load) send(clients []client, began time.Time) (sent int64, latencies []time.Duration, err error) {
	var number atomic.Int64
	var mu sync.Mutex
	var group sync.WaitGroup
	for _, c := range clients {
		group.Go(func() {
			mine, failure := l.one(c, began, &number)
			mu.Lock()
			defer mu.Unlock()
			latencies = append(latencies, mine...)
			if failure != nil {
				err = failure
			}
		})
	}
	group.Wait()
	return int64(len(latencies)), latencies, err
}

func (l load) one(c client, began time.Time, number *atomic.Int64) ([]time.Duration, error) {
	latencies := make([]time.Duration, 0, 1<<14)
	for {
		n := number.Add(1)
		due := time.Now()
		if l.rate > 0 {
			due = began.Add(time.Duration(n) * time.Second / time.Duration(l.rate))
			time.Sleep(time.Until(due))
		}
		if time.Since(began) > l.length {
			return latencies, nil
		}
		// A paced run counts from when a message was due, so that a stall is seen by
		// all that had to wait behind it.
		if err := c.send(l.first + n); err != nil {
			return latencies, err
		}
		latencies = append(latencies, time.Since(due))
	}
}

// drain waits until everything that was taken has gone all its way, and says how
// long that was since the beginning, as result.sustained counts it.
func (l load) drain(g gateway, smsc *sink, sent int64, began time.Time) time.Duration {
	for deadline := time.Now().Add(5 * time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if !l.receipts {
			if smsc.parts.Load() >= sent {
				return time.Since(began)
			}
		} else if smsc.answered.Load() >= sent && g.told(sent) {
			return time.Since(began) - receiptDelay
		}
	}
	log.Printf("  not drained: %d taken, %d at the sink, %d receipts taken", sent, smsc.parts.Load(), smsc.answered.Load())
	return time.Since(began)
}

// percentiles sorts the latencies.
func percentiles(latencies []time.Duration) (p50, p99 time.Duration) {
	slices.Sort(latencies)
	return percentile(latencies, 0.50), percentile(latencies, 0.99)
}

func percentile(sorted []time.Duration, p float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(float64(len(sorted))*p), len(sorted)-1)]
}
