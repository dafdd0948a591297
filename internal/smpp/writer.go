package smpp

import (
	"fmt"
	"time"
)

// lingerTime is how long the peer's last octets are read after this side has sent
// its own: closing a socket with something unread would discard what was sent.
const lingerTime = time.Second

// writeLoop gives what was gathered to the socket, one batch after the other.
func (s *Session) writeLoop() {
	for s.awaitOutput() {
		batch, ok := s.takeOutput()
		if !ok {
			return
		}

		if s.cfg.ResponseTimeout > 0 {
			s.conn.SetWriteDeadline(time.Now().Add(s.cfg.ResponseTimeout))
		}
		if _, err := s.conn.Write(batch); err != nil {
			s.mu.Lock()
			s.settle(fmt.Errorf("smpp: write: %w", err))
			s.mu.Unlock()
			s.linger()
			return
		}
		s.mu.Lock()
		s.out.giveBack(batch)
		s.mu.Unlock()
	}
}

// takeOutput takes what is to be written, after asking BeforeWrite where there are
// messages in it. It is false when the session has ended, or ends by that.
func (s *Session) takeOutput() (batch []byte, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := s.cfg.BeforeWrite == nil
	for !s.ended && !asked && s.out.messages > 0 {
		s.mu.Unlock()
		err := s.cfg.BeforeWrite()
		if err != nil {
			s.end(fmt.Errorf("smpp: not written: %w", err))
		}
		s.mu.Lock()
		asked = true
	}
	if s.ended {
		return nil, false
	}
	return s.out.take(), true
}

// awaitOutput waits until there is something to write. It is false when there will
// be nothing more.
func (s *Session) awaitOutput() bool {
	s.mu.Lock()
	for len(s.out.pending) == 0 && !s.ended {
		if s.leaving.flush {
			s.mu.Unlock()
			s.linger()
			return false
		}
		s.out.idle = true
		s.mu.Unlock()
		<-s.out.wake
		s.mu.Lock()
	}
	defer s.mu.Unlock()
	return !s.ended
}

// linger tells the peer that nothing more comes and leaves the rest to readLoop,
// which ends the session when the peer has closed too or has taken too long.
func (s *Session) linger() {
	half, ok := s.conn.(interface{ CloseWrite() error })
	if !ok {
		s.end(nil) // settled: the cause is known
		return
	}
	s.conn.SetReadDeadline(time.Now().Add(lingerTime))
	half.CloseWrite()
}
