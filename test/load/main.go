// Load measures the built server on this machine: signed SendTextMessage calls
// over keep-alive connections, an SMSC that takes everything, receipts, and
// events in the built-in log. `make bench` runs it. With -kannel it measures
// Kannel beside it, in alternating runs of the same load, and prints ratios:
// `make bench-kannel`. With -soak it holds a load for long and looks whether
// anything grows: `make soak`. With -startup it starts the server over a store with
// many queued messages: `make startup`. With -opt-outs it sends over an empty opt-out
// list and over one of ten million numbers: `make bench-opt-outs`. With -policies it
// sends as root and as a user with ten attached policies: `make bench-policies`.
//
// Clients, SMSC and server share the machine, as they would in a small
// installation: the figures are of all of them together.
package main

import (
	"flag"
	"fmt"
	"log"
	"time"
)

// options are the command's flags.
type options struct {
	settings
	database string // sqlite, postgres or both
	clients  int
	seconds  int
	paced    int
	only     string
	rounds   int
	submits  int
	reports  bool

	length   time.Duration // of the soak
	share    float64       // of the peak that the soak is at
	keep     time.Duration // that messages are kept in the soak; 0 for ever
	messages int           // in the store at the start
	lanes    int           // that they are in
	stay     time.Duration // that the server is watched after its start
	numbers  int           // on the long opt-out list
}

func main() {
	var o options
	kannel := flag.Bool("kannel", false, "measure beside Kannel")
	flag.StringVar(&o.binary, "binary", "bin/heliograph", "the server to measure")
	soak := flag.Bool("soak", false, "hold a load for long and look whether anything grows")
	startup := flag.Bool("startup", false, "start over a store with many queued messages, while their carrier is down")
	policies := flag.Bool("policies", false, "send as root and as a user with ten policies, in alternating runs")
	optOuts := flag.Bool("opt-outs", false, "send over an empty opt-out list and over a long one, in alternating runs")
	flag.IntVar(&o.numbers, "numbers", 10_000_000, "on the long opt-out list")
	flag.StringVar(&o.database, "database", "", "sqlite, postgres (started for the run, from Debian's package postgresql) or both; empty is sqlite, and both beside Kannel")
	flag.IntVar(&o.sessions, "sessions", 2, "SMPP connections; beside Kannel it is 1")
	flag.StringVar(&o.profile, "profile", "", "write profiles of the server under each load to PREFIX.LOAD.cpu and PREFIX.LOAD.heap")
	flag.IntVar(&o.clients, "clients", 64, "keep-alive connections")
	flag.IntVar(&o.seconds, "seconds", 10, "length of each load")
	flag.IntVar(&o.paced, "paced", 0, "messages a second of the paced load; 0 is 4,000, and 2,000 beside Kannel")
	flag.StringVar(&o.only, "only", "", "accept, end-to-end or paced; empty is all")
	flag.IntVar(&o.rounds, "rounds", 3, "of alternating runs beside Kannel; the medians are printed")
	flag.IntVar(&o.submits, "kannel-submits", 1000, "submits that Kannel leaves unanswered")
	flag.BoolVar(&o.reports, "kannel-reports", false, "have Kannel report each receipt by HTTP, as ours publishes events")
	flag.DurationVar(&o.length, "length", 30*time.Minute, "length of the soak")
	flag.Float64Var(&o.share, "share", 0.5, "of the peak, at which the soak is held")
	flag.DurationVar(&o.keep, "keep", 3*time.Minute, "that messages are kept in the soak; 0 for ever")
	flag.IntVar(&o.messages, "messages", 1_000_000, "in the store at the start")
	flag.IntVar(&o.lanes, "lanes", 100_000, "that the messages at the start are in")
	flag.DurationVar(&o.stay, "stay", 15*time.Second, "that the server is watched after the start")
	flag.Parse()
	log.SetFlags(0)
	if o.database == "" {
		o.database = "sqlite"
		if *kannel {
			o.database = "both"
		}
	}
	if err := printMachine(); err != nil {
		log.Fatal(err)
	}
	run := o.bench
	switch {
	case *kannel:
		run = o.beside
	case *soak:
		run = o.soak
	case *startup:
		run = o.startup
	case *policies:
		run = o.policies
	case *optOuts:
		run = o.optOuts
	}
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

// loads are the loads to put on, with this many messages a second in the paced one.
func (o options) loads(paced int) []load {
	if o.paced > 0 {
		paced = o.paced
	}
	length := time.Duration(o.seconds) * time.Second
	all := []load{
		{name: "accept", clients: o.clients, length: length},
		{name: "end-to-end", clients: o.clients, length: length, receipts: true},
		{name: "paced", clients: o.clients, length: length, receipts: true, rate: paced},
	}
	for _, l := range all {
		if l.name == o.only {
			return []load{l}
		}
	}
	return all
}

// ours starts our server over an engine.
func (o options) ours(e engine) starter {
	return func(dir, sink string, receipts bool) (gateway, error) {
		return startServer(o.settings, e, dir, sink, receipts)
	}
}

// bench measures our server alone.
func (o options) bench() error {
	all, end, err := engines(o.database)
	if err != nil {
		return err
	}
	defer end()
	for _, e := range all {
		for _, l := range o.loads(4000) {
			l.profile = o.profile
			r, err := l.run(o.ours(e))
			if err != nil {
				return fmt.Errorf("%s: %w", e.name, err)
			}
			r.print("heliograph on "+e.name, l)
		}
	}
	return nil
}
