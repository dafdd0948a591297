package sim

import (
	"fmt"
	"time"

	"heliograph/internal/carrier"
	"heliograph/internal/encode"
)

// DeliveredPart is a message part as a handset received it.
type DeliveredPart struct {
	From      string          `json:"from"`
	To        string          `json:"to"` // E.164 with +
	Text      string          `json:"text"`
	Encoding  encode.Encoding `json:"encoding"`
	Reference uint16          `json:"reference"` // of the concatenated message
	Number    int             `json:"number"`    // from 1 to Total
	Total     int             `json:"total"`
	At        time.Time       `json:"at"`
}

// handset is a ring of the parts delivered last.
type handset struct {
	keep  int
	parts []DeliveredPart
	next  int // where the next one goes once the ring is full
}

func (h *handset) add(p DeliveredPart) {
	if len(h.parts) < h.keep {
		h.parts = append(h.parts, p)
		return
	}
	h.parts[h.next] = p
	h.next = (h.next + 1) % h.keep
}

// latest gives up to limit parts, the latest first.
func (h *handset) latest(limit int) []DeliveredPart {
	n := len(h.parts)
	out := make([]DeliveredPart, 0, max(0, min(limit, n)))
	for i := 1; i <= n && len(out) < limit; i++ {
		out = append(out, h.parts[(h.next-i+n)%n])
	}
	return out
}

// Receive takes a message part that a handset is made to send and brings it to the
// sink. done is called exactly once: with an error where the sink does not keep the
// part, or where the simulator is not up. Nothing is sent again.
func (c *Carrier) Receive(m carrier.Inbound, done func(error)) {
	c.mu.Lock()
	up, detail := c.up(), c.detail()
	c.mu.Unlock()
	if !up {
		done(fmt.Errorf("simulator %s: %s", c.options.Name, detail))
		return
	}
	m.Carrier, m.At = c.options.Name, time.Now()
	c.sink.Inbound(m, done)
}
