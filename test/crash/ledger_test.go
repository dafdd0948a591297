//go:build harness

package crash

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"heliograph/internal/encode"
)

// result is what a client knows of a message that it has sent.
type result int

const (
	unknown result = iota // no answer came, or one that leaves it open
	taken                 // it has a MessageId
	refused               // it was told that the message was not taken
)

// stream is messages whose order is kept: those of one client over one identity
// to one recipient.
type stream struct {
	identity, recipient string
}

// message is what a client has sent.
type message struct {
	token       int // in every part of the body
	stream      stream
	number      int // in the stream
	body        string
	parts       int
	set         string
	promotional bool
	ordered     bool   // its stream's order is promised
	expiring    bool   // with a short time to live
	life        int64  // of the process that was asked
	key         string // of idempotency: it may be sent again
	filtered    bool   // by its protect configuration
	optedOut    bool   // it was refused because its recipient is
	barred      bool   // its recipient was opted out before it was sent
	reply       bool   // nobody has sent it: it answers a keyword
	result      result
	id          string // MessageId
	lost        int    // requests that had no answer, or one that leaves it open
	feedback    opinion
}

// opinion is what was put about a message.
type opinion struct {
	enabled bool
	put     []string // and answered
	stands  string   // the last of them
	lost    int      // requests that had no answer
}

// ledger is everything that clients have sent. The place of a message is its
// token.
type ledger struct {
	mu       sync.Mutex
	messages []*message
	counts   map[stream]int
	ids      []string // that clients were given, in the order of the answers
}

func newLedger() *ledger { return &ledger{counts: map[stream]int{}} }

// write adds a message before it is sent.
func (l *ledger) write(m *message, kind bodyKind) {
	l.mu.Lock()
	defer l.mu.Unlock()
	m.token = len(l.messages)
	m.number = l.counts[m.stream]
	l.counts[m.stream]++
	m.body = kind.text(m.token)
	m.parts = len(split(m.body))
	l.messages = append(l.messages, m)
}

func (l *ledger) settle(m *message, r result, id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r == taken && m.result != taken {
		l.ids = append(l.ids, id)
	}
	m.result, m.id = r, id
}

// all are the messages so far.
func (l *ledger) all() []*message {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]*message(nil), l.messages...)
}

// given are the MessageIds that clients were given, after the first so many.
func (l *ledger) given(after int) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.ids[after:]...)
}

// bodyKind is the shape of a text: so many tokens at least, and one character
// that GSM cannot write or none.
type bodyKind struct {
	tokens  int
	unicode bool
}

// text is a text of which every part has a whole token.
func (k bodyKind) text(n int) string {
	one, end := fmt.Sprintf("#%06d#", n), ""
	if k.unicode {
		end = "ж"
	}
	for tokens := k.tokens; ; tokens++ {
		body := strings.Repeat(one, tokens) + end
		if !slices.ContainsFunc(split(body), func(p encode.Part) bool { return !token.MatchString(p.Text) }) {
			return body
		}
	}
}

func split(body string) []encode.Part {
	m, err := encode.Split(body)
	if err != nil {
		panic(err) // the bodies are this test's own
	}
	return m.Parts
}
