//go:build harness

package crash

import (
	"context"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"heliograph/internal/encode"
	"heliograph/internal/smpp"
	"heliograph/internal/smpp/pdu"
	"heliograph/test/rig"
)

// partKey names a message part.
type partKey struct{ token, number int }

// arrival is a part at a message centre.
type arrival struct {
	partKey
	text   string
	status pdu.Status // that it was answered with, or would have been
	from   string     // system_id of the session
	at     time.Time
}

// fate is what a message centre does with a part. It follows from the seed and
// the part, so that copies of it fare alike.
type fate struct {
	refuse  bool    // for good
	state   string  // of the receipt; empty is none, ever
	early   bool    // the receipt comes before the answer
	twice   bool    // the receipt
	answer  float64 // how late, as a share of the latest
	receipt time.Duration
}

func fateOf(seed uint64, p partKey) fate {
	r := rand.New(rand.NewPCG(seed, uint64(p.token)<<8|uint64(p.number)))
	f := fate{state: "DELIVRD", answer: r.Float64(), receipt: time.Duration(r.IntN(600)) * time.Millisecond}
	if r.IntN(3) > 0 {
		f.answer = 0
	}
	switch r.IntN(100) {
	case 0:
		f.refuse = true
	case 1:
		f.state = ""
	case 2, 3:
		f.state = "UNDELIV"
	case 4, 5, 6, 7, 8, 9:
		f.early = true
	case 10, 11, 12, 13:
		f.twice = true
	}
	return f
}

// centre is a message centre that notes every part, answers late, asks to be left
// alone, refuses, and gives receipts until they are acknowledged.
type centre struct {
	*rig.Centre
	t       *testing.T
	seed    uint64
	slow    time.Duration // the most that an answer takes
	ended   context.Context
	running sync.WaitGroup
	owed    atomic.Int64 // answers and receipts to come
	silent  atomic.Bool  // no part is answered

	mu       sync.Mutex
	arrivals []arrival
	answers  []answer
	copies   map[partKey]int
	acked    int // receipts
}

func newCentre(t *testing.T, seed uint64, slow time.Duration, ended context.Context) *centre {
	t.Helper()
	c := &centre{t: t, seed: seed, slow: slow, ended: ended, copies: map[partKey]int{}}
	var err error
	if c.Centre, err = rig.NewCentre(c.take); err != nil {
		t.Fatal(err)
	}
	return c
}

// close ends the centre; the context has to have ended.
func (c *centre) close() {
	c.Stop()
	c.running.Wait()
}

var token = regexp.MustCompile(`#(\d{6})#`)

func (c *centre) take(session *smpp.Session, submit *pdu.SubmitSM) {
	body, number := submit.Body(), 1
	if submit.ESMClass.UDHI() {
		header, rest, err := encode.ParseUDH(body)
		if err != nil {
			c.t.Errorf("a part with a header that cannot be read: %v", err)
		}
		body, number = rest, int(header.Concatenation.Sequence)
	}
	text := encode.DecodeGSM(body)
	if submit.DataCoding == pdu.DataCodingUCS2 {
		text = encode.DecodeUCS2(body)
	}
	found := token.FindStringSubmatch(text)
	if found == nil && isReply(text) {
		c.takeAnswer(session, submit, text)
		return
	}
	if found == nil {
		c.t.Errorf("a part arrived that nobody sent: %q", text)
		return
	}
	n, _ := strconv.Atoi(found[1])
	key := partKey{n, number}
	f := fateOf(c.seed, key)
	late := time.Duration(f.answer * float64(c.slow))

	c.mu.Lock()
	copy := c.copies[key]
	c.copies[key]++
	status := pdu.ROK
	switch again := rand.New(rand.NewPCG(c.seed+uint64(copy)+1, uint64(key.token)<<8|uint64(key.number))).IntN(200); {
	case f.refuse:
		status = pdu.RInvDstAdr
	case again < 2 && copy < 3:
		status = pdu.RThrottled
	case again == 2 && copy < 3:
		status = pdu.RSysErr
	}
	c.arrivals = append(c.arrivals, arrival{key, text, status, session.Bound().SystemID, time.Now()})
	id := strconv.Itoa(1_000_000 + len(c.arrivals))
	c.mu.Unlock()

	c.owed.Add(1)
	c.running.Go(func() {
		defer c.owed.Add(-1)
		if status != pdu.ROK {
			c.sleep(late)
			session.Respond(pdu.ResponseTo(submit, status))
			return
		}
		if f.early && f.state != "" {
			c.deliver(submit, id, f.state)
		}
		c.sleep(late)
		if !c.silent.Load() {
			session.Respond(rig.Taken(submit, id))
		}
		if f.state == "" {
			return
		}
		if !f.early {
			c.sleep(f.receipt)
			c.deliver(submit, id, f.state)
		}
		if f.twice {
			c.sleep(f.receipt)
			c.deliver(submit, id, f.state)
		}
	})
}

// answer is the answer to a keyword at a message centre.
type answer struct {
	text, to string
	from     string // system_id of the session
	at       time.Time
}

// takeAnswer takes an answer to a keyword, which always arrives.
func (c *centre) takeAnswer(session *smpp.Session, submit *pdu.SubmitSM, text string) {
	c.mu.Lock()
	c.answers = append(c.answers, answer{text, submit.Destination.Addr, session.Bound().SystemID, time.Now()})
	id := strconv.Itoa(5_000_000 + len(c.answers))
	late, receipt := time.Duration(rand.Int64N(int64(c.slow))), time.Duration(rand.IntN(300))*time.Millisecond
	c.mu.Unlock()
	c.owed.Add(1)
	c.running.Go(func() {
		defer c.owed.Add(-1)
		c.sleep(late)
		if !c.silent.Load() {
			session.Respond(rig.Taken(submit, id))
		}
		c.sleep(receipt)
		c.deliver(submit, id, "DELIVRD")
	})
}

func (c *centre) answered() []answer {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]answer(nil), c.answers...)
}

// deliver gives a receipt, by whatever session there is, until it is
// acknowledged.
func (c *centre) deliver(submit *pdu.SubmitSM, id, state string) {
	for c.ended.Err() == nil {
		if sessions := c.Sessions(); len(sessions) > 0 {
			response, err := sessions[rand.IntN(len(sessions))].Do(c.ended, rig.Receipt(submit, id, state, time.Now()))
			if err == nil && response.Head().Status == pdu.ROK {
				c.mu.Lock()
				c.acked++
				c.mu.Unlock()
				return
			}
		}
		c.sleep(50 * time.Millisecond)
	}
}

func (c *centre) sleep(d time.Duration) {
	if d == 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.ended.Done():
	}
}

// cut ends every session without a word.
func (c *centre) cut() {
	for _, s := range c.Sessions() {
		s.Close()
	}
}

// since counts the parts that came from a system_id after a moment.
func (c *centre) since(from string, moment time.Time) (n int) {
	for _, a := range c.arrived() {
		if a.from == from && a.at.After(moment) {
			n++
		}
	}
	for _, a := range c.answered() {
		if a.from == from && a.at.After(moment) {
			n++
		}
	}
	return n
}

func (c *centre) arrived() []arrival {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]arrival(nil), c.arrivals...)
}

func (c *centre) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return fmt.Sprintf("%d parts, %d receipts acknowledged, %d owed", len(c.arrivals), c.acked, c.owed.Load())
}

// sentBack: the server was asked to send the part again.
func (a arrival) sentBack() bool { return a.status == pdu.RThrottled || a.status == pdu.RSysErr }
