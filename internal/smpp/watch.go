package smpp

import (
	"time"

	"heliograph/internal/smpp/pdu"
)

// watchLoop looks at the session's clocks.
func (s *Session) watchLoop() {
	ticker := time.NewTicker(s.cfg.tick())
	defer ticker.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-ticker.C:
		}
		now := s.now()
		if !s.expire(now) {
			s.end(ErrNoResponse)
			return
		}
		s.enquire(now)
		if idle := s.cfg.Inactivity; idle > 0 && now-time.Duration(s.active.Load()) >= idle {
			s.beginUnbind(ErrInactive)
		}
	}
}

// expire gives up requests that were not answered in time. It is false where that
// means that the peer is dead: it has sent nothing since, or does not even answer
// what it must answer at once, or does not take what is written.
func (s *Session) expire(now time.Duration) bool {
	limit := s.cfg.ResponseTimeout
	if limit == 0 {
		return true
	}
	heard := time.Duration(s.heard.Load())
	var late []result
	s.mu.Lock()
	for {
		sequence, r, ok := s.table.oldestPending()
		if !ok || now-r.at < limit {
			break
		}
		if !r.windowed || heard <= r.at || !s.out.handed(r.batch) {
			s.mu.Unlock()
			s.results.put(maxResults, late)
			return false
		}
		delete(s.table.pending, sequence)
		late = append(late, result{request: r, err: &RequestError{Unknown: true, Cause: ErrNoResponse}})
	}
	s.mu.Unlock()
	s.results.put(maxResults, late)
	return true
}

// enquire asks a silent peer whether it lives. One such question at most is open.
func (s *Session) enquire(now time.Duration) {
	silence := now - time.Duration(s.heard.Load())
	if s.cfg.EnquireLink == 0 || silence < s.cfg.EnquireLink {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, open := s.table.pending[s.asked]; open || s.ended || s.leaving.settled {
		return
	}
	s.asked = s.table.next
	s.enqueue(&pdu.EnquireLink{}, request{at: now})
}
