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
func (w *world) runClients() {
	ctx, cancel := context.WithCancel(w.ended)
	w.stop = cancel
	for i := range clients {
		random := rand.New(rand.NewPCG(w.seed, uint64(w.number)<<8|uint64(i)+1))
		w.busy.Go(func() { w.client(ctx, i, random) })
	}
}

// client sends, one message after the other, over one connection at a time.
func (w *world) client(ctx context.Context, number int, random *rand.Rand) {
	var c *rig.Client
	var n *node
	defer func() {
		if c != nil {
			c.Close()
		}
	}()
	weights := 0
	for _, l := range w.lanes {
		weights += l.weight
	}
	for ctx.Err() == nil {
		pause := time.Second * clients / time.Duration(w.plan.rate)
		time.Sleep(pause/2 + time.Duration(random.Int64N(int64(pause))))
		if c == nil {
			n = w.anyNode(random)
			var err error
			if c, err = w.key.Dial(n.launch.Listen); err != nil {
				c = nil
				n.failed.Store(time.Now().UnixNano())
				time.Sleep(10 * time.Millisecond)
				continue
			}
			c.Timeout, c.Now = w.timeout, n.clock
		}
		m, kind := w.draw(number, random, weights)
		m.life = n.life.Load()
		w.ledger.write(m, kind)
		sent := w.send(n, c, m)
		if !sent {
			n.failed.Store(time.Now().UnixNano())
		}
		if !sent || len(w.nodes) > 1 && random.IntN(20) == 0 {
			c.Close()
			c = nil
		}
	}
}

// draw makes up a message. Each client has recipients of its own, so that the
// order of a stream is the order in which it sends.
func (w *world) draw(client int, random *rand.Rand, weights int) (*message, bodyKind) {
	pick := random.IntN(weights)
	l := w.lanes[0]
	for _, l = range w.lanes {
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
func (w *world) send(n *node, c *rig.Client, m *message) bool {
	in := map[string]any{"DestinationPhoneNumber": m.stream.recipient, "OriginationIdentity": m.stream.identity, "MessageBody": m.body}
	if m.set != "" {
		in["ConfigurationSetName"] = m.set
	}
	if m.expiring {
		in["TimeToLive"] = 5
	}
	body, err := json.Marshal(in)
	if err != nil {
		w.t.Error(err)
		return false
	}
	wasUp := n.up.Load()
	status, answer, err := c.Call("SendTextMessage", body)
	switch {
	case err != nil:
		if wasUp && n.up.Load() {
			w.figures.broken.Add(1)
		}
		return false
	case status == 200:
		var out struct {
			MessageID string `json:"MessageId"`
		}
		if err := json.Unmarshal(answer, &out); err != nil || out.MessageID == "" {
			w.t.Errorf("SendTextMessage answered %q", answer)
		}
		w.ledger.settle(m, taken, out.MessageID)
		n.accepted.Add(1)
	case status == 400 && strings.Contains(string(answer), "ThrottlingException"):
		w.refused(wasUp && n.up.Load(), status, answer)
		w.ledger.settle(m, refused, "")
	case status == 500:
		w.refused(wasUp && n.up.Load(), status, answer)
	default:
		w.t.Errorf("SendTextMessage answered %d %s", status, answer)
	}
	return true
}

// refused notes that a process did not take a message. Where nothing is wrong with
// it or its store, that is an error, but for the few that a machine with much else
// to do is too slow for.
func (w *world) refused(wasUp bool, status int, answer []byte) {
	w.figures.refused.Add(1)
	if !wasUp || w.failing.Load() {
		return
	}
	if n := w.unexplained.Add(1); n > 100 && n > int64(len(w.ledger.all())/20) {
		w.t.Errorf("refused without a reason, as were %d before: %d %s", n-1, status, answer)
	}
}
