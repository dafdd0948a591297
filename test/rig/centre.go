package rig

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"heliograph/internal/smpp"
	"heliograph/internal/smpp/pdu"
)

// Centre is a message centre on a real socket, which acknowledges at once what it
// reads. It answers nothing by itself but binds and enquire_link: what to do with
// a message part is up to its user.
type Centre struct {
	Address string
	submit  func(*smpp.Session, *pdu.SubmitSM)

	mu     sync.Mutex
	server *smpp.Server // nil while it is down
}

// NewCentre takes a message centre up. submit is called with each submit_sm, in
// order for each session, and owes it a response.
func NewCentre(submit func(*smpp.Session, *pdu.SubmitSM)) (*Centre, error) {
	l, err := Listen()
	if err != nil {
		return nil, err
	}
	c := &Centre{Address: l.Addr().String(), submit: submit}
	c.serve(l)
	return c, nil
}

func (c *Centre) serve(l net.Listener) {
	server := &smpp.Server{
		SystemID:     "centre",
		Authenticate: func(context.Context, smpp.BindRequest) pdu.Status { return pdu.ROK },
		Session:      smpp.Config{Window: 1000, OnPDU: c.take, Logger: slog.New(slog.DiscardHandler)},
	}
	c.mu.Lock()
	c.server = server
	c.mu.Unlock()
	go server.Serve(promptListener{l})
}

func (c *Centre) take(session *smpp.Session, p pdu.PDU) {
	if submit, ok := p.(*pdu.SubmitSM); ok {
		c.submit(session, submit)
		return
	}
	session.Respond(pdu.ResponseTo(p, pdu.ROK))
}

// Start takes the message centre up again after Stop, at the same address.
func (c *Centre) Start() error {
	l, err := net.Listen("tcp", c.Address)
	if err != nil {
		return err
	}
	c.serve(l)
	return nil
}

// Stop takes the message centre down, without a word to those connected.
func (c *Centre) Stop() {
	c.mu.Lock()
	server := c.server
	c.server = nil
	c.mu.Unlock()
	if server != nil {
		server.Close()
	}
}

// Sessions are those bound now, in no order.
func (c *Centre) Sessions() []*smpp.Session {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.server == nil {
		return nil
	}
	return c.server.Sessions()
}

// Taken is the answer to a part that was taken under an id.
func Taken(p *pdu.SubmitSM, id string) *pdu.SubmitSMResp {
	response := pdu.ResponseTo(p, pdu.ROK).(*pdu.SubmitSMResp)
	response.MessageID = id
	return response
}

// Receipt is a receipt about a part in the form of SMPP 3.4 appendix B.
func Receipt(p *pdu.SubmitSM, id, state string, at time.Time) *pdu.DeliverSM {
	stamp := at.UTC().Format("0601021504")
	delivered := 0
	if state == "DELIVRD" {
		delivered = 1
	}
	text := fmt.Sprintf("id:%s sub:001 dlvrd:%03d submit date:%s done date:%s stat:%s err:000 text:", id, delivered, stamp, stamp, state)
	return &pdu.DeliverSM{Source: p.Destination, Destination: p.Source, ESMClass: pdu.ESMDeliveryReceipt, ShortMessage: []byte(text)}
}
