//go:build harness

package crash

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"heliograph/test/rig"
)

const clients = 6

// runClients lets the clients send until stop is called.
func (e *epoch) runClients() {
	ctx, cancel := context.WithCancel(e.ended)
	e.stop = cancel
	for i := range clients {
		random := rand.New(rand.NewPCG(e.seed, uint64(e.number)<<8|uint64(i)+1))
		e.busy.Go(func() { e.client(ctx, i, random) })
	}
}

// client sends, one message after the other, over one connection at a time.
func (e *epoch) client(ctx context.Context, number int, random *rand.Rand) {
	var c *rig.Client
	defer func() {
		if c != nil {
			c.Close()
		}
	}()
	weights := 0
	for _, l := range e.lanes {
		weights += l.weight
	}
	for ctx.Err() == nil {
		pause := time.Second * clients / time.Duration(e.plan.rate)
		time.Sleep(pause/2 + time.Duration(random.Int64N(int64(pause))))
		if c == nil {
			var err error
			if c, err = e.key.Dial(e.launch.Listen); err != nil {
				c = nil
				time.Sleep(10 * time.Millisecond)
				continue
			}
			c.Timeout, c.Now = patience, e.clock
		}
		m, kind := e.draw(number, random, weights)
		e.ledger.write(m, kind)
		if !e.send(c, m) {
			c.Close()
			c = nil
		}
	}
}

// draw makes up a message. Each client has recipients of its own, so that the
// order of a stream is the order in which it sends.
func (e *epoch) draw(client int, random *rand.Rand, weights int) (*message, bodyKind) {
	pick := random.IntN(weights)
	l := e.lanes[0]
	for _, l = range e.lanes {
		if pick -= l.weight; pick < 0 {
			break
		}
	}
	m := &message{
		stream:      stream{l.identity, fmt.Sprintf("+44770091%02d%02d", client, random.IntN(8))},
		promotional: l.promotional, ordered: l.ordered, expiring: random.IntN(50) == 0,
		set: []string{"First", "First", "Second", ""}[random.IntN(4)],
	}
	kind := bodyKind{tokens: 1}
	switch random.IntN(10) {
	case 0:
		kind.tokens = 21 + random.IntN(60) // two to five parts
	case 1:
		kind.unicode = true
	case 2:
		kind = bodyKind{tokens: 9 + random.IntN(20), unicode: true}
	}
	return m, kind
}

// send makes the call and notes what became of it. It is false when the
// connection is of no use any more.
func (e *epoch) send(c *rig.Client, m *message) bool {
	in := map[string]any{"DestinationPhoneNumber": m.stream.recipient, "OriginationIdentity": m.stream.identity, "MessageBody": m.body}
	if m.set != "" {
		in["ConfigurationSetName"] = m.set
	}
	if m.expiring {
		in["TimeToLive"] = 5
	}
	body, err := json.Marshal(in)
	if err != nil {
		e.t.Error(err)
		return false
	}
	wasUp := e.up.Load()
	status, answer, err := c.Call("SendTextMessage", body)
	switch {
	case err != nil:
		if wasUp && e.up.Load() {
			e.figures.broken.Add(1)
		}
		return false
	case status == 200:
		var out struct {
			MessageID string `json:"MessageId"`
		}
		if err := json.Unmarshal(answer, &out); err != nil || out.MessageID == "" {
			e.t.Errorf("SendTextMessage answered %q", answer)
		}
		e.ledger.settle(m, taken, out.MessageID)
	case status == 400 && strings.Contains(string(answer), "ThrottlingException"):
		e.figures.refused.Add(1)
		if wasUp && e.up.Load() && !e.failing.Load() {
			e.t.Errorf("refused without a reason: %s", answer)
		}
		e.ledger.settle(m, refused, "")
	case status == 500:
		e.figures.refused.Add(1)
		if wasUp && e.up.Load() && !e.failing.Load() {
			e.t.Errorf("answered %d %s", status, answer)
		}
	default:
		e.t.Errorf("SendTextMessage answered %d %s", status, answer)
	}
	return true
}
