package smpp

import (
	"context"
	"fmt"
	"time"

	"heliograph/internal/smpp/pdu"
)

// leaving is how far a session has come in ending in order. The session's lock
// guards it.
type leaving struct {
	reason  error  // why no more requests are taken; nil in a session that stays
	byPeer  bool   // the peer sent unbind
	answer  uint32 // its sequence number
	sent    bool   // this side sent unbind
	flush   bool   // the socket is to be closed once everything is written
	settled bool   // cause is why the session ends, whatever is met on the way
	cause   error
	timer   *time.Timer
}

// Unbind ends the session in order: it takes no more requests, waits for the answers
// to those it has taken, sends unbind and waits for its response. Meanwhile the
// peer's requests are served. When ctx ends first the session is closed, and the
// error says so. It must not be called from a callback of the session.
func (s *Session) Unbind(ctx context.Context) error {
	s.beginUnbind(nil)
	select {
	case <-s.done:
	case <-ctx.Done():
		s.end(fmt.Errorf("smpp: closed before unbind was complete: %w", ctx.Err()))
		<-s.done
	}
	return s.Err()
}

// beginUnbind starts an ordered end. cause is what Err will say.
func (s *Session) beginUnbind(cause error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended || s.leaving.reason != nil {
		return
	}
	s.leaving.reason, s.leaving.cause = ErrUnbinding, cause
	s.window.fail(neverWritten(ErrUnbinding))
	if s.window.used == 0 {
		s.drained()
	}
}

// peerUnbinds is an unbind from the peer. It is answered when the peer has answered
// what it was sent before, or has had DrainTimeout for that.
func (s *Session) peerUnbinds(sequence uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended || s.leaving.settled {
		return
	}
	if s.leaving.sent {
		// Both sides unbind at once: each answers, and whoever closes first is right.
		s.leaving.settled = true
		s.appendOwn(&pdu.UnbindResp{Header: pdu.Header{Sequence: sequence}})
		return
	}
	s.leaving.reason, s.leaving.cause = ErrPeerUnbind, ErrPeerUnbind
	s.leaving.byPeer, s.leaving.answer = true, sequence
	s.window.fail(neverWritten(ErrPeerUnbind))
	if s.window.used == 0 || s.cfg.DrainTimeout == 0 {
		s.drained()
		return
	}
	s.leaving.timer = time.AfterFunc(s.cfg.DrainTimeout, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if !s.ended {
			s.drained()
		}
	})
}

// drained goes on with an ordered end when no request is without an answer, or none
// is waited for any longer. The caller holds the lock.
func (s *Session) drained() {
	switch {
	case s.leaving.settled, s.leaving.sent:
	case s.leaving.byPeer:
		s.appendOwn(&pdu.UnbindResp{Header: pdu.Header{Sequence: s.leaving.answer}})
		s.finish(ErrPeerUnbind)
	default:
		s.leaving.sent = true
		s.enqueue(&pdu.Unbind{}, request{at: s.now()})
	}
}

// appendOwn sends a PDU of a header only, which cannot fail.
func (s *Session) appendOwn(p pdu.PDU) { s.out.append(p, s.cfg.MaxPDU, true) }

// settle fixes why the session ends and takes no more requests. The caller holds the
// lock.
func (s *Session) settle(cause error) {
	if s.leaving.settled {
		return
	}
	s.leaving.settled, s.leaving.cause = true, cause
	if s.leaving.reason == nil {
		s.leaving.reason = cause
		s.window.fail(neverWritten(cause))
	}
}

// finish has the session end for a cause once everything is written. The caller
// holds the lock.
func (s *Session) finish(cause error) {
	s.settle(cause)
	s.leaving.flush = true
	s.out.rouse()
}
