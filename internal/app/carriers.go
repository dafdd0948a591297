package app

import (
	"fmt"
	"log/slog"
	"path/filepath"

	"heliograph/internal/carrier"
	"heliograph/internal/carrier/sim"
	"heliograph/internal/carrier/smpp"
	"heliograph/internal/config"
	"heliograph/internal/encode"
	"heliograph/internal/queue"
)

// carriers makes the configured carriers. Simulators keep what they owe in
// receipts in the data directory.
func carriers(cfg config.Config, log *slog.Logger) ([]carrier.Carrier, error) {
	var all []carrier.Carrier
	for _, c := range cfg.Carriers {
		var made carrier.Carrier
		var err error
		switch {
		case c.SMPP != nil:
			made, err = smpp.New(smpp.Options{Name: c.Name, Config: *c.SMPP, PartsPerSecond: c.PartsPerSecond, Log: log})
		case c.Sim != nil:
			made, err = sim.New(sim.Options{Name: c.Name, ReceiptDelay: c.Sim.ReceiptDelay, PartsPerSecond: c.PartsPerSecond,
				Window: c.Sim.Window, Faults: c.Sim.Faults, Log: log, Journal: filepath.Join(cfg.DataDir, c.Name+".receipts")})
		default:
			err = fmt.Errorf("it is neither smpp nor sim")
		}
		if err != nil {
			return nil, fmt.Errorf("carrier %s: %w", c.Name, err)
		}
		all = append(all, made)
	}
	return all, nil
}

// routes is what accepting has to know of carriers and the queue.
type routes struct {
	queue *queue.Queue
	cuts  map[string]encode.Options
}

func newRoutes(q *queue.Queue, all []carrier.Carrier) *routes {
	r := &routes{queue: q, cuts: map[string]encode.Options{}}
	for _, c := range all {
		t := c.Traits()
		r.cuts[c.Name()] = encode.Options{Reference16: t.Reference16, Alphabet: t.Alphabet}
	}
	return r
}

// Cut is how a carrier wants texts cut.
func (r *routes) Cut(name string) (encode.Options, bool) {
	o, ok := r.cuts[name]
	return o, ok
}

func (r *routes) Healthy(name string) bool    { return r.queue.Healthy(name) }
func (r *routes) Backlog(lane string) float64 { return r.queue.Backlog(lane) }
