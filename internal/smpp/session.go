package smpp

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"heliograph/internal/smpp/pdu"
)

// Bound tells how a session is bound. The password of the bind is not kept.
type Bound struct {
	Type             pdu.BindType
	SystemID         string // of the ESME
	SystemType       string
	InterfaceVersion uint8 // as the ESME announced it
	AddressRange     pdu.Address
	PeerSystemID     string // of the message centre
	PeerVersion      uint8  // sc_interface_version; 0 where none was told
}

// Session is one bound connection. All its methods may be called from any goroutine.
type Session struct {
	conn   net.Conn
	stream *pdu.Reader
	cfg    Config
	bound  Bound
	centre bool // this side is the message centre
	start  time.Time

	results *queue[result]
	inbound *queue[pdu.PDU]
	stop    chan struct{} // closed when the session ends
	done    chan struct{} // closed when its goroutines have ended too
	running atomic.Int32

	heard  atomic.Int64 // when the peer was last heard, as time since start
	active atomic.Int64 // when anything but enquire_link was last sent or heard

	mu      sync.Mutex
	ended   bool
	cause   error // why it ended; nil after an ordered Unbind
	window  window
	table   table
	out     buffer
	leaving leaving
	asked   uint32 // sequence number of the last enquire_link
}

// newSession makes a session that is bound already. Nothing runs before run.
func newSession(conn net.Conn, stream *pdu.Reader, cfg Config, bound Bound, centre bool) *Session {
	return &Session{
		conn: conn, stream: stream, cfg: cfg, bound: bound, centre: centre, start: time.Now(),
		results: newQueue[result](), inbound: newQueue[pdu.PDU](),
		stop: make(chan struct{}), done: make(chan struct{}),
		window: window{size: cfg.Window}, table: newTable(), out: newBuffer(),
	}
}

func (s *Session) run() {
	loops := []func(){s.readLoop, s.writeLoop, s.watchLoop, s.resultLoop, s.inboundLoop}
	s.running.Store(int32(len(loops)))
	for _, loop := range loops {
		go func() {
			loop()
			if s.running.Add(-1) == 0 {
				close(s.done)
			}
		}()
	}
}

// now is the time since the session began; it is cheaper to keep than a time.Time.
func (s *Session) now() time.Duration { return time.Since(s.start) }

// Bound tells how the session is bound.
func (s *Session) Bound() Bound { return s.bound }

// RemoteAddr is the peer's address.
func (s *Session) RemoteAddr() net.Addr { return s.conn.RemoteAddr() }

// Done is closed when the session has ended, every request is completed and none of
// its goroutines runs any more.
func (s *Session) Done() <-chan struct{} { return s.done }

// Err is why the session ended: nil while it lives and after an ordered Unbind.
func (s *Session) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cause
}

// Outstanding is how many requests of the window are without an answer.
func (s *Session) Outstanding() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.window.used
}

// Window is how many requests may be without an answer.
func (s *Session) Window() int { return s.cfg.Window }

// OldestPending is the age of the oldest request without an answer, 0 without any.
func (s *Session) OldestPending() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, r, ok := s.table.oldestPending(); ok {
		return s.now() - r.at
	}
	return 0
}

// Close ends the session at once, without unbind. Requests without an answer end
// with ErrClosed. It does not wait; Done does.
func (s *Session) Close() { s.end(ErrClosed) }

// end ends the session for a cause. Only the first call counts.
func (s *Session) end(cause error) {
	s.mu.Lock()
	if s.ended {
		s.mu.Unlock()
		return
	}
	s.ended = true
	if s.leaving.settled {
		cause = s.leaving.cause
	}
	s.cause = cause
	if s.leaving.timer != nil {
		s.leaving.timer.Stop()
	}
	reason := cause
	if reason == nil {
		reason = ErrUnbinding
	}
	var failed []result
	for _, r := range s.table.drain() {
		failed = append(failed, result{request: r, err: &RequestError{Unknown: s.out.handed(r.batch), Cause: reason}})
	}
	s.window.fail(neverWritten(reason))
	s.out.discard()
	s.mu.Unlock()

	close(s.stop)
	s.conn.Close()
	s.results.put(maxResults, failed)
	s.results.close()
	s.inbound.close()
}

// Respond sends a response, in any order with others, and does not wait. No response
// (nil, what pdu.ResponseTo makes for an alert_notification) is nothing to send. The
// error is that of a session which has ended or of a PDU which cannot be written.
func (s *Session) Respond(response pdu.PDU) error {
	if response == nil {
		return nil
	}
	s.mu.Lock()
	if s.ended {
		defer s.mu.Unlock()
		return s.endedError()
	}
	err := s.out.append(response, s.cfg.MaxPDU, true)
	stalled := s.out.answers > maxUnsent
	s.mu.Unlock()
	if stalled {
		s.end(ErrPeerStalled)
		return ErrPeerStalled
	}
	return err
}

// endedError is why no more can be sent on a session that has ended.
func (s *Session) endedError() error {
	if s.cause == nil {
		return ErrUnbinding
	}
	return s.cause
}

// resultLoop completes requests. The window has room again when an answer is taken
// here, not when it is read: callbacks that are slow slow down who sends, and the
// queue stays as short as the window.
func (s *Session) resultLoop() {
	var done []result
	for {
		done = s.results.take(done)
		if len(done) == 0 {
			return
		}
		windowed := 0
		for i := range done {
			if done[i].windowed {
				windowed++
			}
		}
		s.mu.Lock()
		s.release(windowed)
		s.mu.Unlock()
		for i := range done {
			done[i].complete()
		}
	}
}

// inboundLoop gives the peer's requests to OnPDU. Those that wait when the session
// ends are dropped: their answers could not be sent.
func (s *Session) inboundLoop() {
	var waiting []pdu.PDU
	for {
		waiting = s.inbound.take(waiting)
		if len(waiting) == 0 {
			return
		}
		for _, p := range waiting {
			select {
			case <-s.stop:
				return
			default:
				s.cfg.OnPDU(s, p)
			}
		}
	}
}

// Do sends a request and waits for its answer.
func (s *Session) Do(ctx context.Context, request pdu.PDU) (pdu.PDU, error) {
	type answer struct {
		response pdu.PDU
		err      error
	}
	answered := make(chan answer, 1)
	err := s.Send(ctx, request, func(response pdu.PDU, err error) { answered <- answer{response, err} })
	if err != nil {
		return nil, err
	}
	select {
	case a := <-answered:
		return a.response, a.err
	case <-ctx.Done():
		return nil, &RequestError{Unknown: true, Cause: ctx.Err()}
	}
}
