// Load measures the built server on this machine: signed SendTextMessage calls
// over keep-alive connections, an SMSC that takes everything, receipts, and
// events in the embedded destination. `make bench` runs it.
//
// Clients, SMSC and server share the machine, as they would in a small
// installation: the figures are of all of them together.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

func main() {
	binary := flag.String("binary", "bin/heliograph", "the server to measure")
	clients := flag.Int("clients", 64, "keep-alive connections")
	seconds := flag.Int("seconds", 15, "length of each measurement")
	half := flag.Int("paced", 4000, "messages a second of the paced measurement")
	only := flag.String("only", "", "accept, end-to-end or paced; empty is all")
	flag.Parse()
	log.SetFlags(0)
	length := time.Duration(*seconds) * time.Second
	for _, m := range []measurement{
		{name: "accept", clients: *clients, length: length},
		{name: "end-to-end", clients: *clients, length: length, receipts: true, events: true},
		{name: "paced", clients: *clients, length: length, receipts: true, events: true, rate: *half},
	} {
		if *only == "" || *only == m.name {
			if err := m.run(*binary); err != nil {
				log.Fatalf("%s: %v", m.name, err)
			}
		}
	}
}

// measurement is one run of the server under one kind of load.
type measurement struct {
	name             string
	clients          int
	length           time.Duration
	receipts, events bool
	rate             int // messages a second; 0 is as many as are answered
}

func (m measurement) run(binary string) error {
	dir, err := os.MkdirTemp("", "heliograph-load-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	smsc, err := newSink(m.receipts, time.Second)
	if err != nil {
		return err
	}
	defer smsc.Stop()
	s, err := startServer(binary, dir, smsc.Address, m.receipts, time.Second)
	if err != nil {
		return err
	}
	defer s.Kill()
	if err := m.prepare(s); err != nil {
		return err
	}
	before := s.Usage()
	began := time.Now()
	accepted, latencies, err := m.send(s)
	if err != nil {
		return err
	}
	took := time.Since(began)
	atSink := smsc.parts.Load()
	drained := m.drain(s, smsc, accepted, began)
	after := s.Usage()
	slices.Sort(latencies)
	fmt.Printf("%s: %d clients, %.0f s\n", m.name, m.clients, took.Seconds())
	fmt.Printf("  accepted (durable)      %8.0f messages/s\n", float64(accepted)/took.Seconds())
	fmt.Printf("  submit_sm at the sink   %8.0f parts/s while accepting\n", float64(atSink)/took.Seconds())
	if m.receipts {
		fmt.Printf("  accepted to published   %8.0f messages/s, receipts and events included (%.1f s until all were)\n",
			float64(accepted)/drained.Seconds(), drained.Seconds())
	} else {
		fmt.Printf("  all at the sink after   %8.1f s\n", drained.Seconds())
	}
	fmt.Printf("  SendTextMessage p50     %8.2f ms\n", percentile(latencies, 0.50))
	fmt.Printf("  SendTextMessage p99     %8.2f ms\n", percentile(latencies, 0.99))
	fmt.Printf("  server CPU              %8.0f us a message\n", float64((after.CPU-before.CPU).Microseconds())/float64(accepted))
	fmt.Printf("  server peak memory      %8.0f MB\n", float64(after.Peak)/1e6)
	return s.Stop()
}

// prepare leases the numbers and makes the configuration set.
func (m measurement) prepare(s *server) error {
	c, err := s.Dial()
	if err != nil {
		return err
	}
	defer c.Close()
	type call struct {
		operation string
		in        map[string]any
	}
	var calls []call
	for range lanes {
		calls = append(calls, call{"RequestPhoneNumber", map[string]any{"IsoCountryCode": "DE", "MessageType": "TRANSACTIONAL",
			"NumberCapabilities": []string{"SMS"}, "NumberType": "LONG_CODE"}})
	}
	if m.events {
		calls = append(calls, call{"CreateConfigurationSet", map[string]any{"ConfigurationSetName": "load"}},
			call{"CreateEventDestination", map[string]any{"ConfigurationSetName": "load", "EventDestinationName": "all",
				"MatchingEventTypes": []string{"ALL"}, "CloudWatchLogsDestination": map[string]any{
					"IamRoleArn": "arn:aws:iam::111122223333:role/HeliographEvents", "LogGroupArn": "arn:aws:logs:us-east-1:111122223333:log-group:load"}}})
	}
	for _, one := range calls {
		body, err := json.Marshal(one.in)
		if err != nil {
			return err
		}
		if status, answer, err := c.Call(one.operation, body); err != nil || status != 200 {
			return fmt.Errorf("%s: %d %s %v", one.operation, status, answer, err)
		}
	}
	return nil
}

// send runs the clients and answers how many messages were accepted and how long
// each took, in milliseconds.
func (m measurement) send(s *server) (accepted int64, latencies []float64, err error) {
	var sent, number atomic.Int64
	var mu sync.Mutex
	var group sync.WaitGroup
	var failure error
	began := time.Now()
	for i := range m.clients {
		group.Go(func() {
			mine, err := m.one(s, i, began, &sent, &number)
			mu.Lock()
			defer mu.Unlock()
			latencies = append(latencies, mine...)
			if err != nil && failure == nil {
				failure = err
			}
		})
	}
	group.Wait()
	return sent.Load(), latencies, failure
}

func (m measurement) one(s *server, i int, began time.Time, sent, number *atomic.Int64) ([]float64, error) {
	c, err := s.Dial()
	if err != nil {
		return nil, err
	}
	defer c.Close()
	latencies := make([]float64, 0, 1<<14)
	set := ""
	if m.events {
		set = `,"ConfigurationSetName":"load"`
	}
	for {
		n := number.Add(1)
		due := time.Now()
		if m.rate > 0 {
			due = began.Add(time.Duration(n) * time.Second / time.Duration(m.rate))
			time.Sleep(time.Until(due))
		}
		if time.Since(began) > m.length {
			return latencies, nil
		}
		body := fmt.Sprintf(`{"DestinationPhoneNumber":"+4917%09d","OriginationIdentity":"%s","MessageBody":"Your code is %06d. It is valid for ten minutes."%s}`,
			n, lane(int(n)%lanes), n%1_000_000, set)
		// The paced run counts from when a message was due, so that a stall is seen
		// by all that had to wait behind it.
		status, answer, err := c.Call("SendTextMessage", []byte(body))
		if err != nil || status != 200 {
			return latencies, fmt.Errorf("SendTextMessage: %d %s %w", status, answer, err)
		}
		latencies = append(latencies, float64(time.Since(due).Microseconds())/1000)
		sent.Add(1)
	}
}

// drain waits until everything accepted has gone all its way.
func (m measurement) drain(s *server, smsc *sink, accepted int64, began time.Time) time.Duration {
	const eventsOfAMessage = 3 // QUEUED, SUCCESSFUL, DELIVERED
	deadline := time.Now().Add(2 * time.Minute)
	for time.Now().Before(deadline) {
		done := smsc.parts.Load() >= accepted
		if m.receipts {
			done = smsc.answered.Load() >= accepted && s.published() >= accepted*eventsOfAMessage
		}
		if done {
			return time.Since(began)
		}
		time.Sleep(100 * time.Millisecond)
	}
	log.Printf("  not drained: %d accepted, %d at the sink, %d receipts taken, %d events published",
		accepted, smsc.parts.Load(), smsc.answered.Load(), s.published())
	return time.Since(began)
}

func percentile(sorted []float64, p float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(float64(len(sorted))*p), len(sorted)-1)]
}
