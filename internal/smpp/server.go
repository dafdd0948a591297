package smpp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"heliograph/internal/smpp/pdu"
)

// BindRequest is a bind that a Server has to decide on.
type BindRequest struct {
	Bind       *pdu.Bind
	RemoteAddr net.Addr
	TLS        *tls.ConnectionState // nil over plain TCP
}

// Server is the message centre's half: it listens, authenticates binds and keeps
// their sessions. Its fields are not to be changed after Serve.
type Server struct {
	// SystemID names the message centre in bind responses.
	SystemID string
	// Authenticate decides on a bind: ROK, or the status to refuse with. Passwords
	// should be compared in constant time. Without it every bind is refused.
	Authenticate func(ctx context.Context, bind BindRequest) pdu.Status
	// OnBind is told of each session before it reads its first PDU. It must not wait.
	OnBind func(s *Session)
	// OnClose is told of each session that OnBind was told of, when it is over.
	OnClose func(s *Session, err error)
	// Session configures the sessions; its OnPDU serves the requests of ESMEs.
	Session Config
	// TLS is the configuration of connections; nil is plain TCP.
	TLS *tls.Config
	// MaxConnections is how many connections may be open, bound or not; more are
	// closed at once: 1,000.
	MaxConnections int
	// BindTimeout is how long a connection may take to bind: 10 s.
	BindTimeout time.Duration

	mu        sync.Mutex
	closing   bool
	listeners map[net.Listener]struct{}
	conns     map[net.Conn]*Session // nil until bound
	running   sync.WaitGroup
}

// ErrServerClosed is what Serve returns after Shutdown or Close.
var ErrServerClosed = errors.New("smpp: server closed")

// maxBeforeBind is how many PDUs a connection may send before it is bound.
const maxBeforeBind = 8

// Serve accepts connections until the server is shut down. It closes l.
func (v *Server) Serve(l net.Listener) error {
	v.mu.Lock()
	if v.closing {
		v.mu.Unlock()
		l.Close()
		return ErrServerClosed
	}
	if v.listeners == nil {
		v.listeners, v.conns = map[net.Listener]struct{}{}, map[net.Conn]*Session{}
	}
	v.listeners[l] = struct{}{}
	v.mu.Unlock()
	defer func() {
		l.Close()
		v.mu.Lock()
		delete(v.listeners, l)
		v.mu.Unlock()
	}()
	for {
		conn, err := l.Accept()
		switch {
		case err == nil:
			v.accept(conn)
		case v.isClosing():
			return ErrServerClosed
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("smpp: accept: %w", err)
		default: // such as no file descriptor being free
			v.logger().Warn("smpp: accept", "error", err)
			time.Sleep(50 * time.Millisecond)
		}
	}
}

func (v *Server) isClosing() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.closing
}

func (v *Server) logger() *slog.Logger { return v.Session.withDefaults().Logger }

// accept starts serving a connection, or closes it where there are too many.
func (v *Server) accept(conn net.Conn) {
	limit := v.MaxConnections
	if limit <= 0 {
		limit = 1000
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.closing || len(v.conns) >= limit {
		conn.Close()
		v.logger().Warn("smpp: connection turned away", "peer", conn.RemoteAddr().String(), "connections", len(v.conns))
		return
	}
	if v.TLS != nil {
		conn = tls.Server(conn, v.TLS)
	}
	v.conns[conn] = nil
	v.running.Go(func() { v.serveConn(conn) })
}

// serveConn sees one connection through its life.
func (v *Server) serveConn(conn net.Conn) {
	defer func() {
		conn.Close()
		v.mu.Lock()
		delete(v.conns, conn)
		v.mu.Unlock()
	}()
	timeout := v.BindTimeout
	if timeout <= 0 {
		timeout = 10 * time.Second
	}
	conn.SetDeadline(time.Now().Add(timeout))
	cfg := v.Session.withDefaults()
	stream := pdu.NewReader(conn, cfg.MaxPDU)
	request, err := v.awaitBind(conn, stream)
	if err != nil {
		cfg.Logger.Info("smpp: not bound", "peer", conn.RemoteAddr().String(), "error", err)
		return
	}
	conn.SetDeadline(time.Time{})
	session := newSession(conn, stream, cfg, Bound{
		Type: request.Type, SystemID: request.SystemID, SystemType: request.SystemType,
		InterfaceVersion: request.InterfaceVersion, AddressRange: request.AddressRange, PeerSystemID: v.SystemID,
	}, true)
	// The response goes first, whatever OnBind sends.
	session.Respond(v.bindResponse(request, pdu.ROK))
	v.mu.Lock()
	closing := v.closing
	if !closing {
		v.conns[conn] = session
	}
	v.mu.Unlock()
	if closing {
		return
	}
	if v.OnBind != nil {
		v.OnBind(session)
	}
	session.run()
	<-session.Done()
	if v.OnClose != nil {
		v.OnClose(session, session.Err())
	}
}

// awaitBind answers what comes until a bind is accepted.
func (v *Server) awaitBind(conn net.Conn, stream *pdu.Reader) (*pdu.Bind, error) {
	for range maxBeforeBind {
		frame, err := stream.Next()
		var p pdu.PDU
		if err == nil {
			p, err = pdu.Decode(frame)
		}
		if err != nil {
			var fault *pdu.DecodeError
			if errors.As(err, &fault) && fault.Answer() != nil {
				v.refuse(conn, fault.Answer())
			}
			return nil, err
		}
		switch p := p.(type) {
		case *pdu.Bind:
			if status := v.authenticate(conn, p); status != pdu.ROK {
				v.refuse(conn, v.bindResponse(p, status))
				return nil, fmt.Errorf("bind of system_id %q refused: %s", p.SystemID, status)
			}
			return p, nil
		case *pdu.EnquireLink:
			err = writePDU(conn, pdu.ResponseTo(p, pdu.ROK))
		case *pdu.Unbind:
			v.refuse(conn, pdu.ResponseTo(p, pdu.ROK))
			return nil, ErrPeerUnbind
		default:
			if response := pdu.ResponseTo(p, pdu.RInvBndSts); response != nil {
				err = writePDU(conn, response)
			}
		}
		if err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("%d PDUs without a bind", maxBeforeBind)
}

func (v *Server) authenticate(conn net.Conn, p *pdu.Bind) pdu.Status {
	if v.Authenticate == nil {
		return pdu.RBindFail
	}
	request := BindRequest{Bind: p, RemoteAddr: conn.RemoteAddr()}
	if secure, ok := conn.(*tls.Conn); ok {
		state := secure.ConnectionState()
		request.TLS = &state
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return v.Authenticate(ctx, request)
}

// bindResponse tells an ESME of version 3.4 or later which version it talks to; an
// earlier one knows no optional parameters.
func (v *Server) bindResponse(p *pdu.Bind, status pdu.Status) pdu.PDU {
	response := pdu.ResponseTo(p, status).(*pdu.BindResp)
	response.SystemID = v.SystemID
	if p.InterfaceVersion >= pdu.Version34 {
		response.TLVs.SetUint8(pdu.TagSCInterfaceVersion, pdu.Version34)
	}
	return response
}

// refuse sends the last PDU of a connection and gives the peer a moment to read it.
func (v *Server) refuse(conn net.Conn, p pdu.PDU) {
	if writePDU(conn, p) != nil {
		return
	}
	half, ok := conn.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	conn.SetReadDeadline(time.Now().Add(lingerTime))
	var rest [512]byte
	for {
		if _, err := conn.Read(rest[:]); err != nil {
			return
		}
	}
}

// Sessions are those bound now, in no order.
func (v *Server) Sessions() []*Session {
	v.mu.Lock()
	defer v.mu.Unlock()
	var all []*Session
	for _, s := range v.conns {
		if s != nil {
			all = append(all, s)
		}
	}
	return all
}

// Shutdown stops listening and unbinds every session in order; those that are not
// done when ctx ends are closed. It returns when everything has ended, with ctx's
// error where something had to be closed.
func (v *Server) Shutdown(ctx context.Context) error {
	for _, s := range v.stopListening() {
		s.beginUnbind(nil)
	}
	ended := make(chan struct{})
	go func() { v.running.Wait(); close(ended) }()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		v.closeAll()
		<-ended
		return ctx.Err()
	}
}

// Close stops listening, closes every connection and waits until all have ended.
func (v *Server) Close() error {
	v.stopListening()
	v.closeAll()
	v.running.Wait()
	return nil
}

// stopListening closes the listeners and the connections that are not bound, and
// gives the sessions that are.
func (v *Server) stopListening() []*Session {
	v.mu.Lock()
	v.closing = true
	for l := range v.listeners {
		l.Close()
	}
	for conn, s := range v.conns {
		if s == nil {
			conn.Close()
		}
	}
	v.mu.Unlock()
	return v.Sessions()
}

func (v *Server) closeAll() {
	for _, s := range v.Sessions() {
		s.Close()
	}
}
