package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"heliograph/internal/smpp"
	"heliograph/internal/smpp/pdu"
)

// sink is an SMSC that takes everything at once and, where asked to, gives a
// receipt for each part after a delay.
type sink struct {
	server   *smpp.Server
	listener net.Listener
	delay    time.Duration
	receipts bool
	parts    atomic.Int64
	answered atomic.Int64 // receipts that were acknowledged
	owed     chan owed
}

type owed struct {
	session *smpp.Session
	at      time.Time
	id      string
	source  pdu.Address
	to      pdu.Address
}

func newSink(receipts bool, delay time.Duration) (*sink, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &sink{listener: listener, receipts: receipts, delay: delay, owed: make(chan owed, 1<<20)}
	s.server = &smpp.Server{
		SystemID:     "sink",
		Authenticate: func(context.Context, smpp.BindRequest) pdu.Status { return pdu.ROK },
		Session:      smpp.Config{Window: 1000, OnPDU: s.take, Logger: slog.New(slog.DiscardHandler)},
	}
	go s.server.Serve(listener)
	if receipts {
		go s.giveReceipts()
	}
	return s, nil
}

func (s *sink) take(session *smpp.Session, p pdu.PDU) {
	submit, ok := p.(*pdu.SubmitSM)
	if !ok {
		session.Respond(pdu.ResponseTo(p, pdu.ROK))
		return
	}
	id := strconv.FormatInt(s.parts.Add(1), 10)
	response := pdu.ResponseTo(p, pdu.ROK).(*pdu.SubmitSMResp)
	response.MessageID = id
	session.Respond(response)
	if s.receipts {
		s.owed <- owed{session, time.Now().Add(s.delay), id, submit.Source, submit.Destination}
	}
}

func (s *sink) giveReceipts() {
	for o := range s.owed {
		if wait := time.Until(o.at); wait > 0 {
			time.Sleep(wait)
		}
		stamp := time.Now().Format("0601021504")
		text := fmt.Sprintf("id:%s sub:001 dlvrd:001 submit date:%s done date:%s stat:DELIVRD err:000 text:", o.id, stamp, stamp)
		deliver := &pdu.DeliverSM{Source: o.to, Destination: o.source, ESMClass: 0x04, ShortMessage: []byte(text)}
		o.session.Send(context.Background(), deliver, func(_ pdu.PDU, err error) {
			if err == nil {
				s.answered.Add(1)
			}
		})
	}
}

func (s *sink) close() { s.server.Close() }
