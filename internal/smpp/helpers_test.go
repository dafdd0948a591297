package smpp

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"heliograph/internal/smpp/pdu"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

const patience = 10 * time.Second // of a test that would otherwise hang

// startServer serves on a free port until the test ends.
func startServer(t testing.TB, v *Server) string {
	t.Helper()
	v.Session.Logger = quiet
	if v.Authenticate == nil {
		v.Authenticate = func(context.Context, BindRequest) pdu.Status { return pdu.ROK }
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- v.Serve(l) }()
	t.Cleanup(func() {
		v.Close()
		if err := <-served; !errors.Is(err, ErrServerClosed) {
			t.Errorf("Serve: %v", err)
		}
	})
	return l.Addr().String()
}

// bindTo binds a session that is closed when the test ends.
func bindTo(t testing.TB, c BindConfig) *Session {
	t.Helper()
	c.Session.Logger = quiet
	if c.SystemID == "" {
		c.SystemID = "esme"
	}
	s, err := Dial(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(); <-s.Done() })
	return s
}

// peer is the other end of a pipe, driven by the test itself.
type peer struct {
	t      testing.TB
	conn   net.Conn
	stream *pdu.Reader
}

// pipeSession binds a session over net.Pipe to a peer that the test plays.
func pipeSession(t testing.TB, cfg Config) (*Session, *peer) {
	t.Helper()
	near, far := net.Pipe()
	p := &peer{t: t, conn: far, stream: pdu.NewReader(far, pdu.MaxLength)}
	cfg.Logger = quiet
	go func() {
		bind := p.read()
		p.write(pdu.ResponseTo(bind, pdu.ROK))
	}()
	s, err := BindConn(t.Context(), near, BindConfig{Type: pdu.Transceiver, SystemID: "esme", Session: cfg})
	if err != nil {
		t.Fatal(err)
	}
	return s, p
}

func (p *peer) read() pdu.PDU {
	frame, err := p.stream.Next()
	if err != nil {
		p.t.Errorf("peer: read: %v", err)
		return &pdu.GenericNack{}
	}
	got, err := pdu.Decode(frame)
	if err != nil {
		p.t.Errorf("peer: decode: %v", err)
		return &pdu.GenericNack{}
	}
	return got
}

func (p *peer) expect(c pdu.CommandID) pdu.PDU {
	p.t.Helper()
	got := p.read()
	if got.Command() != c {
		p.t.Errorf("peer: got %s, want %s", got.Command(), c)
	}
	return got
}

func (p *peer) write(one pdu.PDU) {
	p.t.Helper()
	b, err := pdu.Append(nil, one)
	if err != nil {
		p.t.Error(err)
		return
	}
	p.writeRaw(b)
}

func (p *peer) writeRaw(b []byte) {
	p.t.Helper()
	if _, err := p.conn.Write(b); err != nil {
		p.t.Errorf("peer: write: %v", err)
	}
}

func (p *peer) expectEnd() {
	p.t.Helper()
	if _, err := p.stream.Next(); err == nil {
		p.t.Error("peer: the connection is still open")
	}
}

// outcome is how one submit ended.
type outcome struct {
	id     string
	status pdu.Status
	err    error
}

// outcomes collects how submits ended.
type outcomes struct {
	mu  sync.Mutex
	got map[int]outcome
	wg  sync.WaitGroup
}

// expectOne gives the callback for the i-th submit.
func (o *outcomes) expectOne(i int) func(*pdu.SubmitSMResp, error) {
	o.wg.Add(1)
	return func(r *pdu.SubmitSMResp, err error) {
		one := outcome{err: err}
		if r != nil {
			one.id, one.status = r.MessageID, r.Status
		}
		o.mu.Lock()
		if o.got == nil {
			o.got = map[int]outcome{}
		}
		_, twice := o.got[i]
		o.got[i] = one
		o.mu.Unlock()
		if twice {
			panic("submit " + strconv.Itoa(i) + " ended twice")
		}
		o.wg.Done()
	}
}

func (o *outcomes) wait() map[int]outcome {
	o.wg.Wait()
	return o.got
}

// message is a submit_sm that carries its number.
func message(i int) *pdu.SubmitSM {
	return &pdu.SubmitSM{
		Source:             pdu.Address{TON: pdu.TONAlphanumeric, Addr: "HELIO"},
		Destination:        pdu.Address{TON: pdu.TONInternational, NPI: pdu.NPIISDN, Addr: "447700900123"},
		RegisteredDelivery: pdu.ReceiptFinal, ShortMessage: []byte(strconv.Itoa(i)),
	}
}

// accept answers a submit_sm with an id made of its body.
func accept(s *Session, p pdu.PDU) {
	response := pdu.ResponseTo(p, pdu.ROK)
	if submit, ok := p.(*pdu.SubmitSM); ok {
		response.(*pdu.SubmitSMResp).MessageID = "id" + string(submit.ShortMessage)
	}
	s.Respond(response)
}
