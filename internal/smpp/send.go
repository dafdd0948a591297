package smpp

import (
	"context"

	"heliograph/internal/smpp/pdu"
)

// Send sends a request, waiting for room in the window until ctx ends. It sets the
// request's sequence number and does not keep the request.
//
// If it returns nil, done is called once, on a goroutine of the session that it
// should not hold up: with the peer's response (of any status; or a generic_nack),
// or with a [*RequestError]. If it returns an error, always a [*RequestError],
// nothing was written and done is not called.
func (s *Session) Send(ctx context.Context, p pdu.PDU, done func(response pdu.PDU, err error)) error {
	return s.send(ctx, p, request{done: done})
}

// TrySend is Send, but fails with ErrWindowFull instead of waiting.
func (s *Session) TrySend(p pdu.PDU, done func(response pdu.PDU, err error)) error {
	return s.send(nil, p, request{done: done})
}

// Submit is Send for a submit_sm. A generic_nack is told as a submit_sm_resp with
// its status.
func (s *Session) Submit(ctx context.Context, p *pdu.SubmitSM, done func(response *pdu.SubmitSMResp, err error)) error {
	return s.send(ctx, p, request{submitted: done})
}

// TrySubmit is Submit, but fails with ErrWindowFull instead of waiting.
func (s *Session) TrySubmit(p *pdu.SubmitSM, done func(response *pdu.SubmitSMResp, err error)) error {
	return s.send(nil, p, request{submitted: done})
}

// TrySubmitBatch submits messages in order, as many as the window has room for, and
// returns how many those are; it does not wait. done is called once for each, with
// its index. An error is about the message after the last submitted, or with none
// submitted about the session. It is nil where only the window was full.
func (s *Session) TrySubmitBatch(messages []*pdu.SubmitSM, done func(i int, response *pdu.SubmitSMResp, err error)) (int, error) {
	if !s.maySend(pdu.CommandSubmitSM) {
		return 0, neverWritten(ErrDirection)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.refusal(); err != nil {
		return 0, neverWritten(err)
	}
	n := min(s.window.room(), len(messages))
	at := s.now()
	for i, p := range messages[:n] {
		r := request{ofMany: done, index: i, windowed: true, at: at}
		if err := s.enqueue(p, r); err != nil {
			return i, neverWritten(err)
		}
		s.window.used++
	}
	return n, nil
}

// Alert sends an alert_notification, which has no answer.
func (s *Session) Alert(p *pdu.AlertNotification) error {
	if !s.centre || !s.bound.Type.Receives() {
		return neverWritten(ErrDirection)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.refusal(); err != nil {
		return neverWritten(err)
	}
	p.Status, p.Sequence = pdu.ROK, s.table.next
	if err := s.out.append(p, s.cfg.MaxPDU, false); err != nil {
		return neverWritten(err)
	}
	s.table.next = after(s.table.next)
	return nil
}

// send waits for the window where there is a ctx.
func (s *Session) send(ctx context.Context, p pdu.PDU, r request) error {
	if !s.maySend(p.Command()) {
		return neverWritten(ErrDirection)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.refusal(); err != nil {
		return neverWritten(err)
	}
	if s.window.room() > 0 {
		s.window.used++
	} else if ctx == nil {
		return neverWritten(ErrWindowFull)
	} else if err := s.awaitRoom(ctx); err != nil {
		return err
	}
	r.windowed, r.at = true, s.now()
	if err := s.enqueue(p, r); err != nil {
		s.release(1)
		return neverWritten(err)
	}
	return nil
}

// awaitRoom gets a place in the window. It gives the lock away while it waits.
func (s *Session) awaitRoom(ctx context.Context) error {
	w := s.window.join()
	s.mu.Unlock()
	select {
	case <-w.ready:
	case <-ctx.Done():
	}
	s.mu.Lock()
	if w.err != nil {
		return w.err
	}
	if s.window.leave(w) {
		return neverWritten(ctx.Err())
	}
	err := s.refusal()
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		s.release(1)
		return neverWritten(err)
	}
	return nil
}

// refusal is why no request can be sent any more, or nil.
func (s *Session) refusal() error {
	if s.ended {
		return s.endedError()
	}
	return s.leaving.reason
}

// enqueue numbers a request, appends it to what the writer writes next, and keeps it
// for its answer.
func (s *Session) enqueue(p pdu.PDU, r request) error {
	head := p.Head()
	head.Status, head.Sequence = pdu.ROK, s.table.next
	r.command, r.batch = p.Command(), s.out.batch
	if err := s.out.append(p, s.cfg.MaxPDU, false); err != nil {
		return err
	}
	s.table.add(r)
	if r.windowed {
		s.out.messages++
		s.active.Store(int64(r.at))
	}
	return nil
}

// release gives places in the window back. The last one of a session that is leaving
// lets it leave.
func (s *Session) release(n int) {
	s.window.release(n)
	if s.leaving.reason != nil && s.window.used == 0 && !s.ended {
		s.drained()
	}
}

// maySend reports whether this side may send such a request in this session.
func (s *Session) maySend(c pdu.CommandID) bool { return allowed(s.bound.Type, s.centre, c) }

// mayReceive reports whether the peer may.
func (s *Session) mayReceive(c pdu.CommandID) bool { return allowed(s.bound.Type, !s.centre, c) }

// allowed is the table of SMPP 3.4 section 2.3 for requests that have a response.
func allowed(bound pdu.BindType, fromCentre bool, c pdu.CommandID) bool {
	switch c {
	case pdu.CommandSubmitSM, pdu.CommandSubmitMulti, pdu.CommandQuerySM, pdu.CommandCancelSM, pdu.CommandReplaceSM:
		return !fromCentre && bound.Transmits()
	case pdu.CommandDeliverSM:
		return fromCentre && bound.Receives()
	case pdu.CommandDataSM:
		return fromCentre && bound.Receives() || !fromCentre && bound.Transmits()
	}
	return false
}
