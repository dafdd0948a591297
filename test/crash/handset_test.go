//go:build harness

package crash

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"heliograph/internal/encode"
	"heliograph/internal/smpp"
	"heliograph/internal/smpp/pdu"
)

// handset is somebody who writes to a two-way number, and is written to. It does one
// thing after the other, and so knows whether it is opted out. Its message centre
// brings what it writes by any session that there is, until that is acknowledged.
type handset struct {
	*world
	number   string
	to       *twoWay
	centre   *centre
	random   *rand.Rand
	optedOut bool             // by the last keyword that was acknowledged
	doubts   map[string]doubt // keywords of which an acknowledgement was lost
	written  []*written
}

// doubt is when an acknowledgement was lost. What was not acknowledged may be handled
// until every process of then has ended, or for as long as anything takes.
type doubt struct {
	at    time.Time
	lives []int64
}

// longest is how long anything takes that a process does not end with.
const longest = 20 * time.Second

// written is a message that a handset wrote.
type written struct {
	token   int
	keyword string // that it begins with, empty for none
	parts   []*writtenPart
	total   int // more than parts where one never comes
	ref     int
	wide    bool // the reference has 16 bits
}

// writtenPart is a part, and what became of bringing it.
type writtenPart struct {
	number  int
	text    string
	acked   int // attempts that were acknowledged
	lost    int // whose answer was lost
	refused int // that the server asked to make again
}

func (m *written) text() string {
	var b strings.Builder
	for _, p := range m.parts {
		b.WriteString(p.text)
	}
	return b.String()
}

// handled bounds how often the first part was handled: all that was acknowledged was,
// and what was not may have been.
func (m *written) handled(nodes int) (least, most int) {
	p := m.parts[0]
	if least, most = p.acked, p.acked+p.lost; nodes > 1 {
		most += p.refused // the database may have written it for all that
	}
	return least, most
}

// handsetsEach is how many handsets write to a number.
const handsetsEach = 4

// runHandsets lets the handsets write until the context ends.
func (w *world) runHandsets(ctx context.Context) {
	for i, to := range w.twoWay {
		for j := range handsetsEach {
			h := &handset{world: w, number: fmt.Sprintf("+44770092%02d%02d", i, j), to: to, centre: w.centres[to.carrier],
				random: rand.New(rand.NewPCG(w.seed, uint64(w.number)<<8|uint64(100+i*handsetsEach+j))), doubts: map[string]doubt{}}
			w.handsets = append(w.handsets, h)
			w.talking.Go(func() { h.run(ctx) })
		}
	}
}

// run writes, and has messages sent to it, until the context ends. What it has begun to
// write it writes to the end.
func (h *handset) run(ctx context.Context) {
	k := &caller{world: h.world, random: h.random}
	defer k.leave()
	for ctx.Err() == nil {
		time.Sleep(time.Duration(30+h.random.IntN(170)) * time.Millisecond)
		switch pick := h.random.IntN(20); {
		case pick < 3:
			h.say("STOP")
		case pick < 6:
			h.say("START")
		case pick < 9:
			h.say("JOIN")
		case pick < 10:
			h.say("HELP")
		case pick < 14:
			h.say("")
		default:
			h.sayMuch(pick == 19)
		}
		if ctx.Err() == nil && k.reach() {
			h.isSentTo(k)
		}
	}
}

// isSentTo has a message sent to the handset from the number that it writes to: it has
// to be refused while the handset is opted out.
func (h *handset) isSentTo(k *caller) {
	m := &message{stream: stream{h.to.number, h.number}, ordered: h.to.carrier == "one", set: []string{"First", ""}[h.random.IntN(2)]}
	sure := !h.doubted("START") && !h.doubted("STOP")
	m.barred = sure && h.optedOut
	m.life = k.node.life.Load()
	k.ledger.write(m, bodyKind{tokens: 1})
	k.send(m)
	switch {
	case sure && h.optedOut && m.result == taken:
		h.t.Errorf("%s was sent the message %06d from %s after its STOP was acknowledged", h.number, m.token, h.to.number)
	case sure && !h.optedOut && m.optedOut:
		h.t.Errorf("%s cannot be sent to from %s, and its START was acknowledged", h.number, h.to.number)
	case m.optedOut:
		h.figures.barred.Add(1)
	}
}

// say writes a message of one part, now and then twice.
func (h *handset) say(keyword string) {
	m := h.newMessage(keyword)
	m.total = 1
	m.parts = []*writtenPart{{number: 1, text: strings.TrimSpace(fmt.Sprintf("%s %%%06d%%", keyword, m.token))}}
	for range 1 + h.random.IntN(10)/9 {
		lost := m.parts[0].lost + m.parts[0].refused
		if !h.bring(m, m.parts[0]) {
			return
		}
		if m.parts[0].lost+m.parts[0].refused > lost {
			h.doubt(keyword)
		}
	}
	switch keyword {
	case "STOP":
		h.optedOut = true
	case "START":
		h.optedOut = false
	}
}

// sayMuch writes a message of several parts, which come in any order and by any
// session, some of them twice. Of an incomplete one a part never comes.
func (h *handset) sayMuch(incomplete bool) {
	m := h.newMessage("")
	m.total = 2 + h.random.IntN(4)
	m.ref = h.random.IntN(8) // handsets have few of them
	never := -1
	if incomplete {
		// Of another with its reference it could get the part that never comes.
		m.total, m.ref, m.wide = 6, len(h.written), true
		never = h.random.IntN(m.total)
	}
	for i := range m.total {
		if i != never {
			m.parts = append(m.parts, &writtenPart{number: i + 1, text: fmt.Sprintf("%%%06d%%%d of %d.", m.token, i+1, m.total)})
		}
	}
	var coming sync.WaitGroup
	for _, i := range h.random.Perm(len(m.parts)) {
		p, times, wait := m.parts[i], 1+h.random.IntN(5)/4, time.Duration(h.random.IntN(60))*time.Millisecond
		coming.Go(func() {
			h.centre.sleep(wait)
			for range times {
				h.bring(m, p)
			}
		})
	}
	coming.Wait()
}

// newMessage has no parts yet.
func (h *handset) newMessage(keyword string) *written {
	m := &written{token: int(h.tokens.Add(1)), keyword: keyword}
	h.written = append(h.written, m)
	return m
}

// bring brings a part to the server until it is acknowledged. It is false where the
// test ends before.
func (h *handset) bring(m *written, p *writtenPart) bool {
	for h.ended.Err() == nil {
		if sessions := h.centre.Sessions(); len(sessions) > 0 {
			response, err := sessions[rand.IntN(len(sessions))].Do(h.ended, h.deliver(m, p))
			var failed *smpp.RequestError
			switch {
			case err == nil && response.Head().Status == pdu.ROK:
				p.acked++
				return true
			case err == nil:
				p.refused++
			case !errors.As(err, &failed) || failed.Unknown:
				p.lost++
			}
		}
		h.centre.sleep(time.Duration(20+rand.IntN(40)) * time.Millisecond)
	}
	return false
}

func (h *handset) deliver(m *written, p *writtenPart) *pdu.DeliverSM {
	address := func(number string) pdu.Address {
		return pdu.Address{TON: pdu.TONInternational, NPI: pdu.NPIISDN, Addr: strings.TrimPrefix(number, "+")}
	}
	d := &pdu.DeliverSM{Source: address(h.number), Destination: address(h.to.number)}
	switch {
	case m.total == 1:
	case m.wide:
		d.ESMClass = pdu.ESMUDHI
		d.ShortMessage = encode.AppendUDH16(nil, uint16(m.ref), byte(m.total), byte(p.number))
	default:
		d.ESMClass = pdu.ESMUDHI
		d.ShortMessage = encode.AppendUDH8(nil, byte(m.ref), byte(m.total), byte(p.number))
	}
	d.ShortMessage = append(d.ShortMessage, p.text...) // what is in it is written alike in GSM and ASCII
	return d
}

func (h *handset) doubt(keyword string) {
	d := doubt{at: time.Now()}
	for _, n := range h.nodes {
		d.lives = append(d.lives, n.life.Load())
	}
	h.doubts[keyword] = d
}

// doubted reports whether a message with this keyword may still be handled that was
// not acknowledged.
func (h *handset) doubted(keyword string) bool {
	d, lost := h.doubts[keyword]
	if !lost || time.Since(d.at) > longest {
		return false
	}
	for i, n := range h.nodes {
		if n.life.Load() == d.lives[i] {
			return true
		}
	}
	return false
}

// lastWords lets the handsets come to an end. The last that each says is STOP or START.
func (w *world) lastWords() {
	w.t.Helper()
	done := make(chan bool)
	go func() {
		w.talking.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(2 * patience):
		w.t.Fatal("what handsets write is not acknowledged")
	}
	var last sync.WaitGroup
	for i, h := range w.handsets {
		last.Go(func() {
			keyword, other := "STOP", "START"
			if i%2 == 0 {
				keyword, other = other, keyword
			}
			for h.doubted(other) && w.ended.Err() == nil {
				h.centre.sleep(100 * time.Millisecond)
			}
			h.say(keyword)
			k := &caller{world: w, random: h.random}
			defer k.leave()
			if k.reach() {
				h.isSentTo(k)
			}
		})
	}
	last.Wait()
}

// incomplete is how many messages there are of which a part never came.
func (w *world) incomplete() (n int) {
	for _, h := range w.handsets {
		for _, m := range h.written {
			if m.total > len(m.parts) {
				n++
			}
		}
	}
	return n
}

// endIncomplete has processes that are started for it wait no longer for parts that
// never come, until all such messages were made of what there is.
func (w *world) endIncomplete() {
	w.t.Helper()
	want := w.incomplete()
	for _, n := range w.nodes {
		n.start([]string{plainBinary}, "HELIOGRAPH_TWO_WAY_REASSEMBLY_TIMEOUT=1s")
	}
	for _, n := range w.nodes {
		n.serves()
	}
	eventually(w.t, fmt.Sprintf("%d incomplete messages to be made", want), func() bool {
		made := 0.0
		for _, n := range w.nodes {
			m, err := n.server.Metrics()
			if err != nil {
				w.t.Fatal(err)
			}
			made += m["heliograph_inbound_incomplete_total"]
		}
		return int(made) == want
	})
}
