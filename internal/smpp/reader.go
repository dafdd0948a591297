package smpp

import (
	"errors"
	"fmt"
	"io"
	"math"

	"heliograph/internal/smpp/pdu"
)

// maxResults is the limit of the results queue: the window limits it already.
const maxResults = math.MaxInt

// received is what the reader has taken from the socket and not yet passed on: all
// that came at once is passed on at once.
type received struct {
	responses []pdu.PDU
	requests  []pdu.PDU
	results   []result
	lost      []*pdu.DecodeError // responses that could not be read
	busy      bool               // there was something beside enquire_link
}

// readLoop reads until the connection ends. It waits for nothing else.
func (s *Session) readLoop() {
	var got received
	for {
		frame, err := s.stream.Next()
		if err != nil {
			s.pass(&got)
			s.readFailed(err)
			return
		}
		p, err := pdu.Decode(frame)
		if err != nil {
			s.malformed(&got, err)
		} else {
			s.receive(&got, p)
		}
		if !s.stream.Ready() {
			s.pass(&got)
		}
	}
}

// receive sorts one PDU.
func (s *Session) receive(got *received, p pdu.PDU) {
	command, sequence := p.Command(), p.Head().Sequence
	if command != pdu.CommandEnquireLink && command != pdu.CommandEnquireLinkResp {
		got.busy = true
	}
	switch {
	case command.IsResponse():
		got.responses = append(got.responses, p)
	case command == pdu.CommandEnquireLink:
		s.Respond(&pdu.EnquireLinkResp{Header: pdu.Header{Sequence: sequence}})
	case command == pdu.CommandUnbind:
		s.pass(got)
		s.peerUnbinds(sequence)
	case command == pdu.CommandAlertNotification && !s.centre && s.cfg.OnPDU != nil:
		got.requests = append(got.requests, p)
	case !command.HasResponse():
		s.cfg.Logger.Debug("smpp: PDU ignored", "command", command.String(), "system_id", s.bound.SystemID)
	case command == pdu.CommandBindReceiver, command == pdu.CommandBindTransmitter, command == pdu.CommandBindTransceiver:
		s.Respond(pdu.ResponseTo(p, pdu.RAlyBnd))
	case !s.mayReceive(command):
		s.Respond(pdu.ResponseTo(p, pdu.RInvBndSts))
	case s.cfg.OnPDU == nil:
		s.Respond(pdu.ResponseTo(p, s.busyStatus()))
	default:
		got.requests = append(got.requests, p)
	}
}

// busyStatus asks the peer to come again later.
func (s *Session) busyStatus() pdu.Status {
	if s.centre {
		return pdu.RMsgQFul
	}
	return pdu.RXTAppn
}

// malformed answers a PDU that could not be read.
func (s *Session) malformed(got *received, err error) {
	var fault *pdu.DecodeError
	if !errors.As(err, &fault) {
		return
	}
	s.cfg.Logger.Warn("smpp: malformed PDU", "system_id", s.bound.SystemID, "peer", s.conn.RemoteAddr().String(), "error", err)
	if answer := fault.Answer(); answer != nil {
		s.Respond(answer)
	} else {
		got.lost = append(got.lost, fault)
	}
}

// pass gives on what was received.
func (s *Session) pass(got *received) {
	now := s.now()
	s.heard.Store(int64(now))
	if got.busy {
		s.active.Store(int64(now))
	}
	if len(got.responses)+len(got.lost) > 0 {
		s.match(got)
	}
	taken := s.inbound.put(s.cfg.MaxInbound, got.requests)
	for _, p := range got.requests[taken:] {
		s.Respond(pdu.ResponseTo(p, s.busyStatus()))
	}
	s.results.put(maxResults, got.results)

	clear(got.responses)
	clear(got.requests)
	clear(got.results)
	clear(got.lost)
	*got = received{got.responses[:0], got.requests[:0], got.results[:0], got.lost[:0], false}
}

// match finds the requests that were answered.
func (s *Session) match(got *received) {
	unbound := false
	s.mu.Lock()
	for _, p := range got.responses {
		r, ok := s.table.answer(p.Command(), p.Head().Sequence)
		if !ok {
			s.cfg.Logger.Debug("smpp: response to no request", "system_id", s.bound.SystemID,
				"command", p.Command().String(), "sequence", p.Head().Sequence, "status", p.Head().Status.String())
			continue
		}
		if r.command == pdu.CommandUnbind {
			unbound = true
			s.leaving.settled = true
		}
		got.results = append(got.results, result{request: r, response: p})
	}
	for _, fault := range got.lost {
		if r, ok := s.table.answer(fault.Command, fault.Sequence); ok {
			got.results = append(got.results, result{request: r, err: &RequestError{Unknown: true, Cause: fault}})
		}
	}
	s.mu.Unlock()
	if unbound {
		s.end(nil) // settled: the cause is known
	}
}

// readFailed ends the session when nothing more can be read.
func (s *Session) readFailed(err error) {
	var fault *pdu.DecodeError
	if errors.As(err, &fault) {
		s.malformed(&received{}, err)
		s.mu.Lock()
		if !s.ended {
			s.finish(err)
		}
		s.mu.Unlock()
		io.Copy(io.Discard, s.conn)
	}
	if err == io.EOF {
		s.mu.Lock()
		if s.leaving.sent {
			s.leaving.settled = true // closing is an answer to unbind too
		}
		s.mu.Unlock()
	}
	s.end(fmt.Errorf("smpp: read: %w", err))
}
