package admin

import (
	"context"
	"time"

	"heliograph/internal/carrier/sim"
	"heliograph/internal/queue"
	"heliograph/internal/sms"
)

// CarrierState is how a carrier and its queue stand.
type CarrierState struct {
	Name           string    `json:"name"`
	Kind           string    `json:"kind"` // smpp or sim
	Up             bool      `json:"up"`
	Detail         string    `json:"detail,omitempty"` // why it is down
	Sessions       int       `json:"sessions"`         // bound
	Window         int       `json:"window,omitempty"` // parts that may be unanswered
	Room           int       `json:"room"`             // parts that can be handed over now
	Shards         int       `json:"shards"`
	ShardsHere     int       `json:"shards_here"`      // that this node has: state, sessions and queue are theirs
	PartsPerSecond float64   `json:"parts_per_second"` // 0: no limit
	Receipts       bool      `json:"receipts"`         // it sends delivery receipts
	QueuedMessages int       `json:"queued_messages"`
	QueuedParts    int       `json:"queued_parts"`
	InFlight       int       `json:"in_flight_parts"`
	Held           int       `json:"held_messages"` // that wait for their recipient's turn or a retry
	Lanes          int       `json:"lanes"`
	Oldest         time.Time `json:"oldest,omitzero"` // message in the queue
}

// ListCarriersInput has no members.
type ListCarriersInput struct{}

// ListCarriersOutput is every carrier, in the configuration's order.
type ListCarriersOutput struct {
	Carriers []CarrierState `json:"carriers"`
}

func (a *operations) listCarriers(context.Context, ListCarriersInput) (ListCarriersOutput, error) {
	depths := map[string]queue.Depth{}
	for _, d := range a.Depths() {
		depths[d.Carrier] = d
	}
	out := ListCarriersOutput{Carriers: []CarrierState{}}
	for _, c := range a.Carriers() {
		state, traits, d := c.State(), c.Traits, depths[c.Name]
		out.Carriers = append(out.Carriers, CarrierState{
			Name: c.Name, Kind: c.Kind, Shards: c.Shards, ShardsHere: len(c.Here), Up: state.Up, Detail: state.Detail, Sessions: state.Sessions, Window: c.Window, Room: c.Room(),
			PartsPerSecond: traits.PartsPerSecond, Receipts: traits.Receipts,
			QueuedMessages: d.Messages, QueuedParts: d.Parts, InFlight: d.InFlight, Held: d.Held, Lanes: d.Lanes, Oldest: d.Oldest.UTC(),
		})
	}
	return out, nil
}

// carrier finds a carrier by its name, nil for none.
func (a *operations) carrier(name string) *Carrier {
	for _, c := range a.Carriers() {
		if c.Name == name {
			return &c
		}
	}
	return nil
}

// Faults are sim.Faults with durations as people write them: 500ms.
type Faults struct {
	Down                 bool    `json:"down"`
	RefuseRate           float64 `json:"refuse_rate"`
	RefuseStatus         string  `json:"refuse_status,omitempty"`
	ThrottleRate         float64 `json:"throttle_rate"`
	ThrottlePause        string  `json:"throttle_pause,omitempty"`
	UnknownRate          float64 `json:"unknown_rate"`
	LoseReceiptRate      float64 `json:"lose_receipt_rate"`
	DuplicateReceiptRate float64 `json:"duplicate_receipt_rate"`
	SubmitDelay          string  `json:"submit_delay,omitempty"`
	ReceiptDelay         string  `json:"receipt_delay,omitempty"`
	Status               string  `json:"status,omitempty"`
}

// GetFaultsInput names a simulator.
type GetFaultsInput struct {
	Carrier string `json:"carrier"`
}

// SetFaultsInput names a simulator and all of its faults from now on.
type SetFaultsInput struct {
	Carrier string `json:"carrier"`
	Faults  Faults `json:"faults"`
}

// FaultsOutput is a simulator's faults.
type FaultsOutput struct {
	Carrier string `json:"carrier"`
	Faults  Faults `json:"faults"`
}

type simulator interface {
	Faults() sim.Faults
	SetFaults(sim.Faults) error
}

// simulators are the shards of a simulator that this node has, one at least.
func (a *operations) simulators(name string) ([]simulator, error) {
	c := a.carrier(name)
	if c == nil {
		return nil, sms.Invalid(sms.ReasonInvalidParameter, "carrier", "There is no carrier %q.", name)
	}
	if c.Kind != "sim" {
		return nil, sms.Invalid(sms.ReasonInvalidParameter, "carrier", "Carrier %s is no simulator; only simulators have faults.", name)
	}
	var all []simulator
	for _, here := range c.Here {
		if s, ok := here.(simulator); ok {
			all = append(all, s)
		}
	}
	if len(all) == 0 {
		return nil, sms.Invalid(sms.ReasonInvalidParameter, "carrier", "Another node has simulator %s: ask that one.", name)
	}
	return all, nil
}

func (a *operations) getFaults(_ context.Context, in GetFaultsInput) (FaultsOutput, error) {
	all, err := a.simulators(in.Carrier)
	if err != nil {
		return FaultsOutput{}, err
	}
	return FaultsOutput{Carrier: in.Carrier, Faults: faultsOf(all[0].Faults())}, nil
}

func (a *operations) setFaults(_ context.Context, in SetFaultsInput) (FaultsOutput, error) {
	all, err := a.simulators(in.Carrier)
	if err != nil {
		return FaultsOutput{}, err
	}
	faults, err := in.Faults.simulated()
	if err != nil {
		return FaultsOutput{}, err
	}
	if err := faults.Validate(); err != nil {
		return FaultsOutput{}, sms.Invalid(sms.ReasonInvalidParameter, "faults", "faults: %v.", err)
	}
	for _, s := range all {
		if err := s.SetFaults(faults); err != nil {
			return FaultsOutput{}, err
		}
	}
	return FaultsOutput{Carrier: in.Carrier, Faults: faultsOf(all[0].Faults())}, nil
}

func faultsOf(f sim.Faults) Faults {
	return Faults{Down: f.Down, RefuseRate: f.RefuseRate, RefuseStatus: string(f.RefuseStatus), ThrottleRate: f.ThrottleRate,
		ThrottlePause: durationText(f.ThrottlePause), UnknownRate: f.UnknownRate, LoseReceiptRate: f.LoseReceiptRate,
		DuplicateReceiptRate: f.DuplicateReceiptRate, SubmitDelay: durationText(f.SubmitDelay),
		ReceiptDelay: durationText(f.ReceiptDelay), Status: string(f.Status)}
}

func durationText(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}

func (f Faults) simulated() (sim.Faults, error) {
	out := sim.Faults{Down: f.Down, RefuseRate: f.RefuseRate, RefuseStatus: sms.Status(f.RefuseStatus), ThrottleRate: f.ThrottleRate,
		UnknownRate: f.UnknownRate, LoseReceiptRate: f.LoseReceiptRate, DuplicateReceiptRate: f.DuplicateReceiptRate, Status: sms.Status(f.Status)}
	for _, d := range []struct {
		name, text string
		to         *time.Duration
	}{
		{"throttle_pause", f.ThrottlePause, &out.ThrottlePause}, {"submit_delay", f.SubmitDelay, &out.SubmitDelay},
		{"receipt_delay", f.ReceiptDelay, &out.ReceiptDelay},
	} {
		if d.text == "" {
			continue
		}
		v, err := time.ParseDuration(d.text)
		if err != nil {
			return out, sms.Invalid(sms.ReasonInvalidParameter, "faults."+d.name, "faults.%s is %q, which is no duration; 500ms is one.", d.name, d.text)
		}
		*d.to = v
	}
	return out, nil
}
