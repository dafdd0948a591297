package smpp

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"heliograph/internal/carrier"
	"heliograph/internal/encode"
	"heliograph/internal/smpp"
	"heliograph/internal/smpp/pdu"
	"heliograph/internal/sms"
)

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

const failing = "447860019067" // the recipient whose receipts say UNDELIV

// centre is a message centre on a real socket. By default it accepts every
// submit_sm and sends a receipt in text for it, again and again until it is
// acknowledged.
type centre struct {
	t       *testing.T
	address string
	tls     *tls.Config

	mu       sync.Mutex
	cond     *sync.Cond
	server   *smpp.Server
	stopped  chan struct{} // closed when Serve has returned
	password string
	refuse   pdu.Status // what binds are answered, if not ROK
	lastID   int
	binds    []*pdu.Bind
	sessions []*smpp.Session
	got      []*pdu.SubmitSM
	held     []func()
	holding  bool
	// submit replaces the default answer.
	submit func(s *smpp.Session, m *pdu.SubmitSM)
}

func startCentre(t *testing.T, secure *tls.Config) *centre {
	t.Helper()
	c := &centre{t: t, password: "secret", tls: secure}
	c.cond = sync.NewCond(&c.mu)
	c.listen("127.0.0.1:0")
	t.Cleanup(c.down)
	return c
}

func (c *centre) listen(address string) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		c.t.Fatal(err)
	}
	server := &smpp.Server{
		SystemID: "centre", TLS: c.tls, Authenticate: c.authenticate, OnBind: c.bound,
		Session: smpp.Config{OnPDU: c.receive, Window: 1000, Logger: quiet},
	}
	stopped := make(chan struct{})
	c.mu.Lock()
	c.address, c.server, c.stopped = l.Addr().String(), server, stopped
	c.mu.Unlock()
	go func() {
		server.Serve(l)
		close(stopped)
	}()
}

// down closes every connection and listens no more.
func (c *centre) down() {
	c.mu.Lock()
	server, stopped := c.server, c.stopped
	c.sessions = nil
	c.mu.Unlock()
	server.Close()
	<-stopped
}

func (c *centre) up() { c.listen(c.address) }

func (c *centre) authenticate(_ context.Context, r smpp.BindRequest) pdu.Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.binds = append(c.binds, r.Bind)
	c.cond.Broadcast()
	switch {
	case c.refuse != pdu.ROK:
		return c.refuse
	case r.Bind.Password != c.password:
		return pdu.RInvPaswd
	}
	return pdu.ROK
}

func (c *centre) bound(s *smpp.Session) {
	c.mu.Lock()
	c.sessions = append(c.sessions, s)
	c.cond.Broadcast()
	c.mu.Unlock()
}

func (c *centre) receive(s *smpp.Session, p pdu.PDU) {
	m, ok := p.(*pdu.SubmitSM)
	if !ok {
		s.Respond(pdu.ResponseTo(p, pdu.RInvCmdID))
		return
	}
	c.mu.Lock()
	c.got = append(c.got, m)
	answer := func() { c.accept(s, m) }
	if c.submit != nil {
		submit := c.submit
		answer = func() { submit(s, m) }
	}
	if c.holding {
		c.held = append(c.held, answer)
		answer = nil
	}
	c.cond.Broadcast()
	c.mu.Unlock()
	if answer != nil {
		answer()
	}
}

// accept answers m and has its receipt sent.
func (c *centre) accept(s *smpp.Session, m *pdu.SubmitSM) {
	c.mu.Lock()
	c.lastID++
	id := fmt.Sprintf("%d", 1000+c.lastID)
	c.mu.Unlock()
	c.answer(s, m, id)
	if m.RegisteredDelivery == pdu.ReceiptFinal {
		state := "DELIVRD"
		if strings.HasSuffix(m.Destination.Addr, failing) {
			state = "UNDELIV"
		}
		c.deliver(receiptText(m, id, state, "000"))
	}
}

func (c *centre) answer(s *smpp.Session, m *pdu.SubmitSM, id string) {
	s.Respond(&pdu.SubmitSMResp{Header: pdu.Header{Sequence: m.Sequence}, MessageID: id})
}

func receiptText(m *pdu.SubmitSM, id, state, code string) *pdu.DeliverSM {
	return &pdu.DeliverSM{
		Source: m.Destination, Destination: m.Source, ESMClass: pdu.ESMDeliveryReceipt,
		ShortMessage: []byte("id:" + id + " sub:001 dlvrd:001 submit date:2601021504 done date:2601021505 stat:" + state + " err:" + code + " text:"),
	}
}

// deliver sends p on a session that receives, again until it is acknowledged or
// the centre goes down.
func (c *centre) deliver(p *pdu.DeliverSM) {
	go func() {
		for {
			s := c.receiver()
			if s == nil {
				return
			}
			again := *p
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			response, err := s.Do(ctx, &again)
			cancel()
			if err == nil && response.Head().Status == pdu.ROK {
				return
			}
			time.Sleep(time.Millisecond)
		}
	}()
}

// receiver is the latest session that receives.
func (c *centre) receiver() *smpp.Session {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := len(c.sessions) - 1; i >= 0; i-- {
		if c.sessions[i].Bound().Type.Receives() {
			return c.sessions[i]
		}
	}
	return nil
}

func (c *centre) hold() {
	c.mu.Lock()
	c.holding = true
	c.mu.Unlock()
}

func (c *centre) release() {
	c.mu.Lock()
	held := c.held
	c.holding, c.held = false, nil
	c.mu.Unlock()
	for _, answer := range held {
		answer()
	}
}

// eventually waits until ok, which is called with the lock held.
func (c *centre) eventually(what string, ok func() bool) {
	c.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	c.mu.Lock()
	defer c.mu.Unlock()
	for !ok() {
		if time.Now().After(deadline) {
			c.t.Fatalf("it does not come about that %s", what)
		}
		wake := time.AfterFunc(10*time.Millisecond, c.cond.Broadcast)
		c.cond.Wait()
		wake.Stop()
	}
}

func (c *centre) messages() []*pdu.SubmitSM {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]*pdu.SubmitSM(nil), c.got...)
}

// config reaches the centre with clocks that suit tests.
func (c *centre) config() Config {
	return Config{
		Address: c.address, SystemID: "me", Password: "secret", Window: 32,
		ReconnectMin: 2 * time.Millisecond, ReconnectMax: 20 * time.Millisecond, ThrottlePause: 3 * time.Second,
	}
}

// inbox is a sink that keeps everything unless told otherwise.
type inbox struct {
	mu       sync.Mutex
	receipts chan carrier.Receipt
	inbound  chan carrier.Inbound
	err      error
}

func newInbox() *inbox {
	return &inbox{receipts: make(chan carrier.Receipt, 1000), inbound: make(chan carrier.Inbound, 1000)}
}

func (b *inbox) Receipt(r carrier.Receipt, done func(error)) { b.receipts <- r; done(b.answer()) }
func (b *inbox) Inbound(m carrier.Inbound, done func(error)) { b.inbound <- m; done(b.answer()) }

func (b *inbox) answer() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err
}

func (b *inbox) setError(err error) {
	b.mu.Lock()
	b.err = err
	b.mu.Unlock()
}

// client is a started carrier.
type client struct {
	*Carrier
	t    *testing.T
	sink *inbox
}

func startClient(t *testing.T, config Config) *client {
	t.Helper()
	c, err := New(Options{Name: "acme", Config: config, Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	k := &client{Carrier: c, t: t, sink: newInbox()}
	if err := c.Start(t.Context(), k.sink, func() {}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.close(5 * time.Second) })
	return k
}

func (k *client) close(within time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	if err := k.Close(ctx); err != nil {
		k.t.Error(err)
	}
}

func (k *client) waitUp(sessions int) {
	k.t.Helper()
	k.eventually("the carrier is up", func() bool { s := k.State(); return s.Up && s.Sessions == sessions })
}

func (k *client) eventually(what string, ok func() bool) {
	k.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			k.t.Fatalf("it does not come about that %s: %+v, %+v", what, k.State(), k.Stats())
		}
	}
}

func (k *client) submit(p carrier.Part) <-chan carrier.Outcome {
	outcome := make(chan carrier.Outcome, 1)
	k.Submit(p, func(o carrier.Outcome) { outcome <- o })
	return outcome
}

func (k *client) outcome(p carrier.Part) carrier.Outcome {
	k.t.Helper()
	return within(k.t, k.submit(p))
}

func within[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(20 * time.Second):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}

func plainPart() carrier.Part {
	return carrier.Part{
		Number: 1, Total: 1, Origination: "+12065550183", Kind: sms.IdentityPhoneNumber, NumberType: sms.TenDLC,
		Destination: "+14255550168", Country: "US", Text: "hello", Encoding: encode.GSM,
	}
}
