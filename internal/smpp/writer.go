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
		if hook := s.cfg.BeforeWrite; hook != nil && s.messagesWait() {
			if err := hook(); err != nil {
				s.end(fmt.Errorf("smpp: not written: %w", err))
				return
			}
		}
		s.mu.Lock()
		if s.ended {
			s.mu.Unlock()
			return
		}
		batch := s.out.take()
		s.mu.Unlock()

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

func (s *Session) messagesWait() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.out.messages > 0
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
