// Load measures the built server on this machine: signed SendTextMessage calls
// over keep-alive connections, an SMSC that takes everything, receipts, and
// events in the built-in log. `make bench` runs it. With -kannel it measures
// Kannel beside it, in alternating runs of the same load, and prints ratios:
// `make bench-kannel`.
//
// Clients, SMSC and server share the machine, as they would in a small
// installation: the figures are of all of them together.
package main

import (
	"flag"
	"log"
	"time"
)

// options are the command's flags.
type options struct {
	settings
	clients int
	seconds int
	paced   int
	only    string
	rounds  int
	submits int
	reports bool
}

func main() {
	var o options
	kannel := flag.Bool("kannel", false, "measure beside Kannel")
	flag.StringVar(&o.binary, "binary", "bin/heliograph", "the server to measure")
	flag.StringVar(&o.database, "database", "", "postgres:// URL of an empty database; empty is SQLite")
	flag.IntVar(&o.sessions, "sessions", 2, "SMPP connections; beside Kannel it is 1")
	flag.StringVar(&o.profile, "profile", "", "write profiles of the server under each load to PREFIX.LOAD.cpu and PREFIX.LOAD.heap")
	flag.IntVar(&o.clients, "clients", 64, "keep-alive connections")
	flag.IntVar(&o.seconds, "seconds", 10, "length of each load")
	flag.IntVar(&o.paced, "paced", 0, "messages a second of the paced load; 0 is 4,000, and 2,000 beside Kannel")
	flag.StringVar(&o.only, "only", "", "accept, end-to-end or paced; empty is all")
	flag.IntVar(&o.rounds, "rounds", 3, "of alternating runs beside Kannel; the medians are printed")
	flag.IntVar(&o.submits, "kannel-submits", 1000, "submits that Kannel leaves unanswered")
	flag.BoolVar(&o.reports, "kannel-reports", false, "have Kannel report each receipt by HTTP, as ours publishes events")
	flag.Parse()
	log.SetFlags(0)
	if err := printMachine(); err != nil {
		log.Fatal(err)
	}
	run := o.bench
	if *kannel {
		run = o.beside
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

// ours starts our server.
func (o options) ours(dir, sink string, receipts bool) (gateway, error) {
	return startServer(o.settings, dir, sink, receipts)
}

// bench measures our server alone.
func (o options) bench() error {
	for _, l := range o.loads(4000) {
		l.profile = o.profile
		r, err := l.run(o.ours)
		if err != nil {
			return err
		}
		r.print("heliograph", l)
	}
	return nil
}
