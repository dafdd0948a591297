package admin_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"heliograph/internal/admin"
	"heliograph/internal/carrier"
	"heliograph/internal/sms"
)

// pocket is a sink that keeps what comes in. A message has its outcome with its last
// part to come.
type pocket struct {
	mu      sync.Mutex
	parts   []carrier.Inbound
	outcome carrier.InboundOutcome
	err     error
}

func (p *pocket) Receipt(_ carrier.Receipt, done func(error)) { done(nil) }

func (p *pocket) Inbound(m carrier.Inbound, done func(error)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	outcome := carrier.InboundOutcome{Result: carrier.InboundKept}
	if p.parts = append(p.parts, m); len(p.parts) == m.Total {
		outcome = p.outcome
	}
	*m.Outcome = outcome
	go done(p.err)
}

func TestSimulateInbound(t *testing.T) {
	r := newRig(t)
	ids := sms.NewIDs(0, 0)
	message, reply := ids.Next(time.Now()), ids.Next(time.Now())
	p := &pocket{outcome: carrier.InboundOutcome{Result: carrier.InboundPublished, Account: first, PhoneNumber: "phone-1", Message: message,
		Keyword: "JOIN", Reply: reply, Published: true}}
	if err := r.simulator.Start(t.Context(), p, func() {}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.simulator.Close(context.Background()) })

	body := "join " + strings.Repeat("x", 700)
	got := call[admin.SimulateInboundOutput](r, "SimulateInbound", `{"from":"14255550168","to":"+12065550183","body":"`+body+`","parts_out_of_order":true}`)
	want := admin.SimulateInboundOutput{Result: "published", Parts: 5, Account: first, PhoneNumberID: "phone-1", InboundMessageID: r.ids.Format(message),
		Keyword: "JOIN", Published: true, ReplyMessageID: r.ids.Format(reply)}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	text := ""
	for i, m := range p.parts {
		text = m.Text + text
		if m.Carrier != "sim" || m.From != "+14255550168" || m.To != "+12065550183" || m.Total != 5 || m.Number != 5-i || m.Reference != p.parts[0].Reference {
			t.Errorf("part %+v", m)
		}
	}
	if text != body {
		t.Errorf("the parts make %q", text)
	}

	*p = pocket{outcome: carrier.InboundOutcome{Result: carrier.InboundUnknown}}
	if got := call[admin.SimulateInboundOutput](r, "SimulateInbound", `{"from":"HELIO","to":"72345","body":"hi","carrier":"sim"}`); got != (admin.SimulateInboundOutput{Result: "unknown_number", Parts: 1}) {
		t.Errorf("got %+v", got)
	}
	if m := p.parts[0]; m.From != "HELIO" || m.Total != 1 || m.Reference != 0 {
		t.Errorf("part %+v", m)
	}
	*p = pocket{err: errors.New("disk full")}
	if _, err := r.raw(first, "SimulateInbound", `{"from":"+14255550168","to":"72345","body":"hi"}`); !errors.Is(err, p.err) {
		t.Errorf("a message that is not kept: %v", err)
	}
}

func TestSimulateInboundRefusals(t *testing.T) {
	r := newRig(t)
	for body, field := range map[string]string{
		`{"to":"+12065550183","body":"hi"}`:                                                          "from",
		`{"from":"+1","to":"+12065550183","body":"hi","carrier":"acme"}`:                             "carrier",
		`{"from":"+1999999999999999","to":"+12065550183","body":"hi"}`:                               "from",
		`{"from":"ALPHANUMERICS","to":"+12065550183","body":"hi"}`:                                   "from",
		`{"from":"+14255550168","body":"hi"}`:                                                        "to",
		`{"from":"+14255550168","to":"+12065550183","body":"` + strings.Repeat("x", 1531) + `"}`:     "body",
		`{"from":"+14255550168","to":"+12065550183","body":"short","parts_out_of_order":true}`:       "parts_out_of_order",
		`{"from":"+14255550168","to":"+12065550183","body":"short","colour":true}`:                   "body",
		`{"from":"+14255550168","to":"+12065550183","body":"short","carrier":"nobody of this name"}`: "carrier",
	} {
		if e := r.refused("SimulateInbound", body); len(e.Fields) != 1 || e.Fields[0].Name != field {
			t.Errorf("%.60s: %+v, want it to be about %s", body, e, field)
		}
	}
	if _, err := r.raw(first, "SimulateInbound", `{"from":"+14255550168","to":"+12065550183","body":"hi"}`); err == nil {
		t.Error("a simulator that is not started takes a message")
	}
}
