package main

import (
	"strconv"
	"strings"
	"time"

	"heliograph/internal/admin"
)

type carriersCommand struct {
	List   listCarriers `cmd:"" help:"List the carriers, how they stand and what waits for them."`
	Faults faults       `cmd:"" help:"Show a simulator's faults, or turn them on and off."`
}

type listCarriers struct {
	JSON bool `name:"json" help:"Print one JSON object a line."`
}

// Run prints the carriers.
func (c listCarriers) Run(s *session) error {
	server, err := s.client()
	if err != nil {
		return err
	}
	var out admin.ListCarriersOutput
	if err := server.call(s.ctx, "ListCarriers", admin.ListCarriersInput{}, &out); err != nil {
		return err
	}
	t := newTable(s.out)
	if !c.JSON {
		t.row("CARRIER", "KIND", "STATE", "SESSIONS", "WINDOW", "IN FLIGHT", "QUEUED MESSAGES", "QUEUED PARTS", "HELD", "LANES", "OLDEST")
	}
	for _, k := range out.Carriers {
		if c.JSON {
			if err := printLine(s.out, k); err != nil {
				return err
			}
			continue
		}
		t.row(k.Name, k.Kind, carrierState(k), strconv.Itoa(k.Sessions), window(k), strconv.Itoa(k.InFlight),
			strconv.Itoa(k.QueuedMessages), strconv.Itoa(k.QueuedParts), strconv.Itoa(k.Held), strconv.Itoa(k.Lanes), clock(k.Oldest))
	}
	return t.flush()
}

func carrierState(k admin.CarrierState) string {
	if k.Up {
		return "up"
	}
	return strings.TrimSuffix("down: "+k.Detail, ": ")
}

func window(k admin.CarrierState) string {
	if k.Window == 0 {
		return ""
	}
	return strconv.Itoa(k.Window)
}

// faults are flags for what is to change; what is not given stays as it is.
type faults struct {
	Carrier string `arg:"" help:"Name of the simulator."`
	Off     bool   `help:"Turn all faults off first."`

	Down                 *bool          `negatable:"" help:"Take the connection away; --no-down gives it back."`
	RefuseRate           *float64       `placeholder:"RATE" help:"Share of parts refused for good, 0 to 1."`
	RefuseStatus         *string        `placeholder:"STATUS" help:"Status that refused parts end with. Default: CARRIER_BLOCKED."`
	ThrottleRate         *float64       `placeholder:"RATE" help:"Share of parts answered with: try again later."`
	ThrottlePause        *time.Duration `placeholder:"TIME" help:"How long the carrier asks to be left alone. Default: 1s."`
	UnknownRate          *float64       `placeholder:"RATE" help:"Share of parts that are taken while the answer is lost."`
	LoseReceiptRate      *float64       `placeholder:"RATE" help:"Share of receipts that never come."`
	DuplicateReceiptRate *float64       `placeholder:"RATE" help:"Share of receipts that come twice."`
	SubmitDelay          *time.Duration `placeholder:"TIME" help:"Time until a part is answered."`
	ReceiptDelay         *time.Duration `placeholder:"TIME" help:"Time until a receipt comes; 0 is the simulator's own."`
	Status               *string        `placeholder:"STATUS" help:"Final status of every receipt; empty is the recipient's own."`

	JSON bool `name:"json" help:"Print one JSON document."`
}

// Run reads the faults, changes what was given, and prints what holds now.
func (c faults) Run(s *session) error {
	server, err := s.client()
	if err != nil {
		return err
	}
	var now admin.FaultsOutput
	if err := server.call(s.ctx, "GetFaults", admin.GetFaultsInput{Carrier: c.Carrier}, &now); err != nil {
		return err
	}
	wanted := now.Faults
	if c.Off {
		wanted = admin.Faults{}
	}
	c.change(&wanted)
	if wanted != now.Faults {
		var after admin.FaultsOutput
		if err := server.call(s.ctx, "SetFaults", admin.SetFaultsInput{Carrier: c.Carrier, Faults: wanted}, &after); err != nil {
			return err
		}
		now = after
	}
	if c.JSON {
		return printDocument(s.out, now)
	}
	return printFaults(s, now)
}

func (c faults) change(f *admin.Faults) {
	set(&f.Down, c.Down)
	set(&f.RefuseRate, c.RefuseRate)
	set(&f.RefuseStatus, c.RefuseStatus)
	set(&f.ThrottleRate, c.ThrottleRate)
	set(&f.UnknownRate, c.UnknownRate)
	set(&f.LoseReceiptRate, c.LoseReceiptRate)
	set(&f.DuplicateReceiptRate, c.DuplicateReceiptRate)
	set(&f.Status, c.Status)
	for _, d := range []struct {
		to    *string
		given *time.Duration
	}{{&f.ThrottlePause, c.ThrottlePause}, {&f.SubmitDelay, c.SubmitDelay}, {&f.ReceiptDelay, c.ReceiptDelay}} {
		if d.given != nil {
			*d.to = d.given.String()
		}
	}
}

func set[T any](to, given *T) {
	if given != nil {
		*to = *given
	}
}

func printFaults(s *session, o admin.FaultsOutput) error {
	f := o.Faults
	rate := func(r float64) string { return strconv.FormatFloat(r, 'g', -1, 64) }
	t := newTable(s.out)
	t.row("carrier", o.Carrier)
	t.row("down", strconv.FormatBool(f.Down))
	t.row("refuse rate", rate(f.RefuseRate))
	t.row("refuse status", f.RefuseStatus)
	t.row("throttle rate", rate(f.ThrottleRate))
	t.row("throttle pause", f.ThrottlePause)
	t.row("unknown rate", rate(f.UnknownRate))
	t.row("lose receipt rate", rate(f.LoseReceiptRate))
	t.row("duplicate receipt rate", rate(f.DuplicateReceiptRate))
	t.row("submit delay", f.SubmitDelay)
	t.row("receipt delay", f.ReceiptDelay)
	t.row("status", f.Status)
	return t.flush()
}
