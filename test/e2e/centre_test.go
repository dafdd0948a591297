package e2e

import (
	"context"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"heliograph/internal/smpp"
	"heliograph/internal/smpp/pdu"
	"heliograph/test/rig"
)

// centre is a message centre that can be taken down and up again. It notes every
// part that arrives, answers it after a delay, and gives a receipt of delivery,
// which it keeps until it is acknowledged.
type centre struct {
	*rig.Centre
	t        *testing.T
	delay    time.Duration // until a part is answered
	receipts time.Duration // until its receipt; negative is none
	ended    context.Context
	running  sync.WaitGroup

	mu    sync.Mutex
	parts []arrived
	open  map[int]bool // parts that were not answered yet
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
	var err error
	if c.Centre, err = rig.NewCentre(c.take); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.stop()
		end()
		c.running.Wait()
	})
	return c
}

// start takes the message centre up again after stop.
func (c *centre) start() {
	c.t.Helper()
	if err := c.Start(); err != nil {
		c.t.Fatal(err)
	}
}

// stop takes the message centre down, without a word to those connected.
func (c *centre) stop() { c.Stop() }

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

func (c *centre) take(session *smpp.Session, submit *pdu.SubmitSM) {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
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
	if session.Respond(rig.Taken(submit, strconv.Itoa(number))) == nil {
		c.mu.Lock()
		delete(c.open, number)
		c.mu.Unlock()
	}
}

// deliver gives the receipt of a part, by whatever session there is, until it is
// acknowledged.
func (c *centre) deliver(submit *pdu.SubmitSM, number int) {
	for {
		if session := c.session(); session != nil {
			response, err := session.Do(c.ended, rig.Receipt(submit, strconv.Itoa(number), "DELIVRD", time.Now()))
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
	sessions := c.Sessions()
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
