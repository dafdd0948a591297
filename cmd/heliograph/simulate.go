package main

import (
	"strconv"

	"heliograph/internal/admin"
)

type simulateCommand struct {
	Inbound simulateInbound `cmd:"" help:"Have a handset of the simulator send a message, and tell what became of it."`
}

type simulateInbound struct {
	From            string `required:"" placeholder:"NUMBER" help:"Who sends it: a phone number, a short code or an alphanumeric sender."`
	To              string `required:"" placeholder:"NUMBER" help:"The phone number that it is for."`
	Body            string `required:"" placeholder:"TEXT" help:"The message. A long one is cut into parts."`
	PartsOutOfOrder bool   `help:"Let the last part come first."`
	Carrier         string `placeholder:"NAME" help:"The simulator that brings it. Default: sim."`
	JSON            bool   `name:"json" help:"Print one JSON document."`
}

// Run sends the message and prints what became of it.
func (c simulateInbound) Run(s *session) error {
	server, err := s.client()
	if err != nil {
		return err
	}
	var out admin.SimulateInboundOutput
	in := admin.SimulateInboundInput{From: c.From, To: c.To, Body: c.Body, PartsOutOfOrder: c.PartsOutOfOrder, Carrier: c.Carrier}
	if err := server.call(s.ctx, "SimulateInbound", in, &out); err != nil {
		return err
	}
	if c.JSON {
		return printDocument(s.out, out)
	}
	t := newTable(s.out)
	t.row("result", out.Result)
	t.row("parts", strconv.Itoa(out.Parts))
	t.row("account", out.Account)
	t.row("phone number id", out.PhoneNumberID)
	t.row("inbound message id", out.InboundMessageID)
	t.row("keyword", out.Keyword)
	t.row("published", strconv.FormatBool(out.Published))
	t.row("reply message id", out.ReplyMessageID)
	if out.ReplyRefused != "" {
		t.row("not answered", out.ReplyRefused)
	}
	return t.flush()
}
