package e2e

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"heliograph/internal/smpp"
	"heliograph/internal/smpp/pdu"
)

// centre is a message centre that can be taken down and up again. It notes every
// part that arrives, answers it after a delay, and gives a receipt of delivery,
// which it keeps until it is acknowledged.
type centre struct {
	t        *testing.T
	address  string
	delay    time.Duration // until a part is answered
	receipts time.Duration // until its receipt; negative is none
	ended    context.Context
	running  sync.WaitGroup

	mu     sync.Mutex
	server *smpp.Server // nil while it is down
	parts  []arrived
	open   map[int]bool // parts that were not answered yet
}

// arrived is a part at a message centre.
type arrived struct {
	at             time.Time
	from, to, text string
}

func newCentre(t *testing.T, delay, receipts time.Duration) *centre {
	t.Helper()
	ended, end := context.WithCancel(context.Background())
	c := &centre{t: t, delay: delay, receipts: receipts, ended: ended, open: map[int]bool{}}
	listener := listenBelowEphemeral(t)
	c.address = listener.Addr().String()
	c.serve(listener)
	t.Cleanup(func() {
		c.stop()
		end()
		c.running.Wait()
	})
	return c
}

// listenBelowEphemeral takes a port that no outgoing connection can be given while
// the message centre is down: such a connection would be one to itself.
func listenBelowEphemeral(t *testing.T) net.Listener {
	t.Helper()
	for range 100 {
		if l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(10_000+rand.IntN(20_000))); err == nil {
			return l
		}
	}
	t.Fatal("no port to listen on")
	return nil
}

func (c *centre) serve(l net.Listener) {
	server := &smpp.Server{
		SystemID:     "centre",
		Authenticate: func(context.Context, smpp.BindRequest) pdu.Status { return pdu.ROK },
		Session:      smpp.Config{Window: 1000, OnPDU: c.take, Logger: slog.New(slog.DiscardHandler)},
	}
	c.mu.Lock()
	c.server = server
	c.mu.Unlock()
	go server.Serve(l)
}

// start takes the message centre up again after stop.
func (c *centre) start() {
	c.t.Helper()
	listener, err := net.Listen("tcp", c.address)
	if err != nil {
		c.t.Fatal(err)
	}
	c.serve(listener)
}

// stop takes the message centre down, without a word to those connected.
func (c *centre) stop() {
	c.mu.Lock()
	server := c.server
	c.server = nil
	c.mu.Unlock()
	if server != nil {
		server.Close()
	}
}

// unanswered is how many parts have arrived that were not answered, and forgets
// them.
func (c *centre) unanswered() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := len(c.open)
	clear(c.open)
	return n
}

// arrivals are the parts so far.
func (c *centre) arrivals() []arrived {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]arrived(nil), c.parts...)
}

func (c *centre) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.parts)
}

func (c *centre) take(session *smpp.Session, p pdu.PDU) {
	now := time.Now()
	submit, ok := p.(*pdu.SubmitSM)
	if !ok {
		session.Respond(pdu.ResponseTo(p, pdu.ROK))
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.server == nil {
		return
	}
	c.parts = append(c.parts, arrived{now, submit.Source.Addr, submit.Destination.Addr, string(submit.ShortMessage)})
	number := len(c.parts)
	c.open[number] = true
	c.running.Go(func() {
		if c.sleep(c.delay) {
			c.answer(session, submit, number)
		}
		if c.receipts >= 0 && c.sleep(c.receipts) {
			c.deliver(submit, number)
		}
	})
}

func (c *centre) answer(session *smpp.Session, submit *pdu.SubmitSM, number int) {
	response := pdu.ResponseTo(submit, pdu.ROK).(*pdu.SubmitSMResp)
	response.MessageID = strconv.Itoa(number)
	if session.Respond(response) == nil {
		c.mu.Lock()
		delete(c.open, number)
		c.mu.Unlock()
	}
}

// deliver gives the receipt of a part, by whatever session there is, until it is
// acknowledged.
func (c *centre) deliver(submit *pdu.SubmitSM, number int) {
	stamp := time.Now().UTC().Format("0601021504")
	text := fmt.Sprintf("id:%d sub:001 dlvrd:001 submit date:%s done date:%s stat:DELIVRD err:000 text:", number, stamp, stamp)
	for {
		if session := c.session(); session != nil {
			deliver := &pdu.DeliverSM{Source: submit.Destination, Destination: submit.Source, ESMClass: pdu.ESMDeliveryReceipt, ShortMessage: []byte(text)}
			response, err := session.Do(c.ended, deliver)
			if err == nil && response.Head().Status == pdu.ROK {
				return
			}
		}
		if !c.sleep(100 * time.Millisecond) {
			return
		}
	}
}

func (c *centre) session() *smpp.Session {
	c.mu.Lock()
	server := c.server
	c.mu.Unlock()
	if server == nil {
		return nil
	}
	sessions := server.Sessions()
	if len(sessions) == 0 {
		return nil
	}
	return sessions[rand.IntN(len(sessions))]
}

// sleep is false where the test ended meanwhile.
func (c *centre) sleep(d time.Duration) bool {
	if d == 0 {
		return c.ended.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-c.ended.Done():
		return false
	}
}
