package app

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"

	"heliograph/internal/carrier"
	"heliograph/internal/carrier/sim"
	"heliograph/internal/carrier/smpp"
	"heliograph/internal/config"
	"heliograph/internal/encode"
	"heliograph/internal/queue"
)

// layout is how many shards each configured carrier has.
func layout(cfg config.Config) carrier.Layout {
	l := carrier.Layout{}
	for _, c := range cfg.Carriers {
		l[c.Name] = max(c.Shards, 1)
	}
	return l
}

// share is shard k's of n part of a carrier: of its sessions and its rate.
func share(c config.Carrier, k, n int) config.Carrier {
	c.PartsPerSecond /= float64(n)
	if c.SMPP != nil {
		part := *c.SMPP
		sessions := max(part.Sessions, 1)
		part.Sessions = sessions / n
		if k < sessions%n {
			part.Sessions++
		}
		c.SMPP = &part
	}
	return c
}

// makeCarrier makes a carrier, or a shard's part of one. journal is the file of a
// simulator for what it owes in receipts, empty for none.
func makeCarrier(c config.Carrier, journal string, before func() error, log *slog.Logger) (carrier.Carrier, error) {
	switch {
	case c.SMPP != nil:
		return smpp.New(smpp.Options{Name: c.Name, Config: *c.SMPP, PartsPerSecond: c.PartsPerSecond, BeforeWrite: before, Log: log})
	case c.Sim != nil:
		return sim.New(sim.Options{Name: c.Name, ReceiptDelay: c.Sim.ReceiptDelay, PartsPerSecond: c.PartsPerSecond,
			Window: c.Sim.Window, Faults: c.Sim.Faults, Log: log, Journal: journal})
	}
	return nil, errors.New("it is neither smpp nor sim")
}

// errLease ends a session that would write message parts after the node's lease.
var errLease = errors.New("the lease of this node has run out; another may have its place")

// shardCarrier makes the carrier of a shard that is started here.
func (s *service) shardCarrier(shard string) (carrier.Carrier, error) {
	name := carrier.OfShard(shard)
	i := slices.IndexFunc(s.cfg.Carriers, func(c config.Carrier) bool { return c.Name == name })
	n, log := s.layout[name], s.log
	if n > 1 {
		log = log.With("shard", shard)
	}
	made, err := makeCarrier(share(s.cfg.Carriers[i], carrier.ShardNumber(shard), n),
		filepath.Join(s.cfg.DataDir, shard+".receipts"), s.mayWrite, log)
	if err != nil {
		return nil, fmt.Errorf("carrier %s: %w", name, err)
	}
	return made, nil
}

func (s *service) mayWrite() error {
	if s.maySend() {
		return nil
	}
	return errLease
}

// traits are those of every configured carrier, none of which is started for it. Its
// error is that of a carrier whose configuration cannot be used.
func traits(cfg config.Config, log *slog.Logger) (map[string]carrier.Traits, error) {
	all := map[string]carrier.Traits{}
	for _, c := range cfg.Carriers {
		made, err := makeCarrier(c, "", nil, log)
		if err != nil {
			return nil, fmt.Errorf("carrier %s: %w", c.Name, err)
		}
		all[c.Name] = made.Traits()
	}
	return all, nil
}

// window is how many message parts may be unanswered at a carrier, in all shards.
func window(c config.Carrier) int {
	if c.SMPP != nil {
		return c.SMPP.Capacity()
	}
	return cmp.Or(c.Sim.Window, sim.DefaultWindow) * max(c.Shards, 1)
}

// routes is what accepting has to know of carriers and the queue.
type routes struct {
	queue  *queue.Queue
	layout carrier.Layout
	cuts   map[string]encode.Options
}

func newRoutes(q *queue.Queue, l carrier.Layout, all map[string]carrier.Traits) *routes {
	r := &routes{queue: q, layout: l, cuts: map[string]encode.Options{}}
	for name, t := range all {
		r.cuts[name] = encode.Options{Reference16: t.Reference16, Alphabet: t.Alphabet}
	}
	return r
}

// Cut is how a carrier wants texts cut.
func (r *routes) Cut(name string) (encode.Options, bool) {
	o, ok := r.cuts[name]
	return o, ok
}

// Shard is where the messages of a lane wait for a carrier.
func (r *routes) Shard(name, lane string) string { return r.layout.Shard(name, lane) }
func (r *routes) Healthy(name string) bool       { return r.queue.Healthy(name) }
func (r *routes) Backlog(lane string) float64    { return r.queue.Backlog(lane) }
