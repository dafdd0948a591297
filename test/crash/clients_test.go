//go:build harness

package crash

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"heliograph/internal/feedback"
	"heliograph/internal/sms"
	"heliograph/test/rig"
)

const clients = 6

// runClients lets the clients send until stop is called.
func (w *world) runClients() {
	ctx, cancel := context.WithCancel(w.ended)
	w.stop = cancel
	w.runHandsets(ctx)
	for i := range clients {
		random := rand.New(rand.NewPCG(w.seed, uint64(w.number)<<8|uint64(i)+1))
		w.busy.Go(func() { w.client(ctx, i, random) })
	}
}

// client sends, one message after the other, over one connection at a time. What has
// an idempotency key it sends until it is answered.
func (w *world) client(ctx context.Context, number int, random *rand.Rand) {
	k := &caller{world: w, random: random}
	defer k.leave()
	weights := 0
	for _, l := range w.lanes {
		weights += l.weight
	}
	for ctx.Err() == nil {
		pause := time.Second * clients / time.Duration(w.plan.rate)
		time.Sleep(pause/2 + time.Duration(random.Int64N(int64(pause))))
		if !k.reach() {
			continue
		}
		m, kind := w.draw(number, random, weights)
		m.life = k.node.life.Load()
		w.ledger.write(m, kind)
		if m.key != "" {
			m.key += strconv.Itoa(m.token)
		}
		k.insist(ctx, m)
		if m.result == taken && m.feedback.enabled && random.IntN(2) == 0 {
			k.put(m)
		}
		if len(w.nodes) > 1 && random.IntN(20) == 0 {
			k.leave()
		}
	}
}

// insist sends a message, and with an idempotency key again until it is answered, and
// at times once more than that.
func (k *caller) insist(ctx context.Context, m *message) {
	answered := k.send(m)
	if m.key == "" {
		return
	}
	for ctx.Err() == nil && (!answered || m.result != taken) {
		time.Sleep(time.Duration(10+k.random.IntN(40)) * time.Millisecond)
		if k.reach() {
			k.figures.again.Add(1)
			// With several nodes nothing tells which of them accepted it.
			m.ordered = m.ordered && len(k.nodes) == 1
			answered = k.send(m)
		}
	}
	if m.result == taken && k.random.IntN(4) == 0 && k.reach() {
		k.figures.again.Add(1)
		k.send(m)
	}
}

// caller is a client's connection to a node, or none.
type caller struct {
	*world
	random *rand.Rand
	node   *node
	client *rig.Client
}

// reach connects where there is no connection.
func (k *caller) reach() bool {
	if k.client != nil {
		return true
	}
	k.node = k.anyNode(k.random)
	c, err := k.key.Dial(k.node.launch.Listen)
	if err != nil {
		k.node.failed.Store(time.Now().UnixNano())
		time.Sleep(10 * time.Millisecond)
		return false
	}
	c.Timeout, c.Now = k.timeout, k.node.clock
	k.client = c
	return true
}

func (k *caller) leave() {
	if k.client != nil {
		k.client.Close()
		k.client = nil
	}
}

// failed: the connection is of no use any more.
func (k *caller) failed(wasUp bool) {
	if wasUp && k.node.up.Load() {
		k.figures.broken.Add(1)
	}
	k.node.failed.Store(time.Now().UnixNano())
	k.leave()
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
	m.feedback.enabled = random.IntN(5) == 0
	m.filtered = !l.abroad && random.IntN(25) == 0
	if random.IntN(4) == 0 {
		m.key = "crash "
	}
	if l.abroad {
		m.stream.recipient = fmt.Sprintf("+336399800%d%d", client, random.IntN(8))
	}
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

// send makes the call and notes what became of it. It is false when nothing is known of
// that.
func (k *caller) send(m *message) bool {
	in := map[string]any{"DestinationPhoneNumber": m.stream.recipient, "OriginationIdentity": m.stream.identity, "MessageBody": m.body}
	if m.set != "" {
		in["ConfigurationSetName"] = m.set
	}
	if m.expiring {
		in["TimeToLive"] = 5
	}
	if m.feedback.enabled {
		in["MessageFeedbackEnabled"] = true
	}
	if m.filtered {
		in["ProtectConfigurationId"] = k.filter
	}
	body, err := json.Marshal(in)
	if err != nil {
		k.t.Error(err)
		return false
	}
	wasUp := k.node.up.Load()
	var status int
	var answer []byte
	if m.key != "" {
		status, answer, err = k.client.CallOnce("SendTextMessage", m.key, body)
	} else {
		status, answer, err = k.client.Call("SendTextMessage", body)
	}
	switch text := string(answer); {
	case err != nil:
		k.failed(wasUp)
		m.lost++
		return false
	case status == 200:
		k.taken(m, answer)
	case status == 400 && strings.Contains(text, "ThrottlingException"):
		k.refused(wasUp && k.node.up.Load(), status, answer)
		k.refuse(m)
	case status == 400 && strings.Contains(text, string(sms.ReasonDestinationOptedOut)):
		m.optedOut = true
		k.refuse(m)
	case status == 500:
		k.refused(wasUp && k.node.up.Load(), status, answer)
		m.lost++
		return false
	default:
		k.t.Errorf("SendTextMessage answered %d %s", status, answer)
	}
	return true
}

func (k *caller) taken(m *message, answer []byte) {
	var out struct {
		MessageID string `json:"MessageId"`
	}
	if err := json.Unmarshal(answer, &out); err != nil || out.MessageID == "" {
		k.t.Errorf("SendTextMessage answered %q", answer)
	}
	if m.result == taken && m.id != out.MessageID {
		k.t.Errorf("the message %06d had the MessageId %s, and has %s when it is sent again", m.token, m.id, out.MessageID)
	}
	k.ledger.settle(m, taken, out.MessageID)
	k.node.accepted.Add(1)
}

// refuse: it was not taken this time. Where it was sent before it may have been.
func (k *caller) refuse(m *message) {
	if m.result != taken && m.lost == 0 {
		k.ledger.settle(m, refused, "")
	}
}

// put says that a message was received, or not, and now and then changes its mind.
func (k *caller) put(m *message) {
	for range 1 + k.random.IntN(4)/3 {
		if !k.reach() {
			return
		}
		status := []string{feedback.Received, feedback.Failed}[k.random.IntN(2)]
		body, err := json.Marshal(map[string]any{"MessageId": m.id, "MessageFeedbackStatus": status})
		if err != nil {
			k.t.Error(err)
			return
		}
		wasUp := k.node.up.Load()
		code, answer, err := k.client.Call("PutMessageFeedback", body)
		switch {
		case err != nil:
			k.failed(wasUp)
			m.feedback.lost++
		case code == 200 && k.plan.skewed && status == feedback.Failed:
			m.feedback.lost++ // a node by whose clock the hour is over says that FAILED stands, and writes nothing
		case code == 200:
			m.feedback.stands = status
			m.feedback.put = append(m.feedback.put, status)
		case code == 400 && strings.Contains(string(answer), "ThrottlingException"), code == 500:
			k.refused(wasUp && k.node.up.Load(), code, answer)
			m.feedback.lost++
		case k.plan.skewed && code == 400: // accepted an hour ago, by the clock of the process before
		default:
			k.t.Errorf("PutMessageFeedback answered %d %s", code, answer)
		}
	}
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
