package main

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"
	"time"

	"heliograph/internal/smpp"
	"heliograph/internal/smpp/pdu"
	"heliograph/test/rig"
)

// sink is an SMSC that takes everything at once and, where asked to, gives a
// receipt for each part after a delay. It acknowledges what it reads at once too:
// Kannel leaves Nagle's algorithm on, and would be held to a fraction of its
// speed by one that does not.
type sink struct {
	*rig.Centre
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
	submit  *pdu.SubmitSM
}

func newSink(receipts bool, delay time.Duration) (*sink, error) {
	s := &sink{receipts: receipts, delay: delay, owed: make(chan owed, 1<<20)}
	var err error
	if s.Centre, err = rig.NewCentre(s.take); err != nil {
		return nil, err
	}
	if receipts {
		go s.giveReceipts()
	}
	return s, nil
}

// awaitBind waits until somebody is bound.
func (s *sink) awaitBind(limit time.Duration) error {
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if len(s.Sessions()) > 0 {
			return nil
		}
	}
	return errors.New("the gateway does not bind to the sink")
}

func (s *sink) take(session *smpp.Session, submit *pdu.SubmitSM) {
	id := strconv.FormatInt(s.parts.Add(1), 10)
	session.Respond(rig.Taken(submit, id))
	if s.receipts {
		s.owed <- owed{session, time.Now().Add(s.delay), id, submit}
	}
}

func (s *sink) giveReceipts() {
	for o := range s.owed {
		if wait := time.Until(o.at); wait > 0 {
			time.Sleep(wait)
		}
		o.session.Send(context.Background(), rig.Receipt(o.submit, o.id, "DELIVRD", time.Now()), func(_ pdu.PDU, err error) {
			if err == nil {
				s.answered.Add(1)
			}
		})
	}
}
