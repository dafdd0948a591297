package trace_test

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	tracepb "go.opentelemetry.io/proto/slim/otlp/trace/v1"

	"heliograph/internal/destination"
	"heliograph/internal/event"
	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/store/sqlite"
	"heliograph/internal/trace"
	"heliograph/internal/trace/publication"
)

const (
	recipient = "+12065550199"
	sender    = "+12065550100"
	body      = "Your code is 123456."
	account   = "111122223333"
)

var began = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// node is a store with a tracer over it. Its clock stands still until it is set.
type node struct {
	*testing.T
	engine    *sqlite.Engine
	committer *store.Committer
	tracer    *trace.Tracer
	ids       *sms.IDs
	messageID *sms.MessageIDs
	dispatch  int64

	mu  sync.Mutex
	now time.Time
}

// at sets the clock to milliseconds after began.
func (n *node) at(ms int) time.Time {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.now = began.Add(time.Duration(ms) * time.Millisecond)
	return n.now
}

func (n *node) clock() time.Time {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.now
}

func newNode(t *testing.T, path string, c *collector) (*node, func() []*tracepb.Span) {
	t.Helper()
	ctx := context.Background()
	n := &node{T: t, now: began}
	var err error
	if n.engine, err = sqlite.Open(ctx, path, sqlite.Options{}); err != nil {
		t.Fatal(err)
	}
	fence, err := n.engine.Join(ctx, "one")
	if err != nil {
		t.Fatal(err)
	}
	last, err := n.engine.LastID(ctx, fence.Slot)
	if err != nil {
		t.Fatal(err)
	}
	if n.dispatch, err = n.engine.LastDispatch(ctx, fence.Slot); err != nil {
		t.Fatal(err)
	}
	n.ids = sms.NewIDs(fence.Slot, last)
	if n.messageID, err = sms.NewMessageIDs([]byte("0123456789abcdef")); err != nil {
		t.Fatal(err)
	}
	cache := store.NewMessageCache(100)
	tracer, sent := c.tracer(func(o *trace.Options) { o.Now, o.Message = n.clock, cache.Get })
	n.tracer = tracer
	remember := func(changes []*store.Change) {
		for _, c := range changes {
			for i := range c.Accept {
				cache.Put(c.Accept[i].Message)
			}
		}
	}
	n.committer = store.NewCommitter(n.engine, fence, store.CommitterOptions{Observers: []func([]*store.Change){remember, n.tracer.Observe}})
	closed := false
	end := func() []*tracepb.Span {
		if !closed {
			closed = true
			n.committer.Close()
			if err := n.engine.Close(); err != nil {
				t.Error(err)
			}
		}
		return sent()
	}
	t.Cleanup(func() { end() })
	return n, end
}

func (n *node) commit(c *store.Change) {
	n.Helper()
	if err := n.committer.Commit(c); err != nil {
		n.Fatal(err)
	}
}

// accept takes a request that is traced if its headers and the ratio say so.
func (n *node) accept(h http.Header, parts int) *sms.Message {
	n.Helper()
	came := n.at(0)
	request := n.tracer.Request(h, came)
	decided := n.at(2)
	m := &sms.Message{Account: account, AcceptedAt: came, ExpiresAt: came.Add(time.Hour), Destination: recipient, Country: "US",
		Route: sms.Route{Identity: sender, Carrier: "acme", Lane: "phone-number/" + sender}, Type: sms.Transactional, Body: body,
		Encoding: "GSM", Parts: parts, ConfigurationSet: "set"}
	if m.ID = n.ids.Next(came); request != nil {
		m.ID = n.ids.NextTraced(came)
	}
	n.commit(&store.Change{Accept: []store.Accepted{{Message: m, Queued: store.Queued{ID: m.ID, Shard: "acme", Lane: m.Route.Lane, Parts: parts,
		Due: came, Expires: m.ExpiresAt}}}})
	request.Accepted(m, came, decided, n.at(5))
	request.Done(trace.Answer{Operation: "SendTextMessage", RequestID: "r-1", Account: account, Code: "OK", Status: 200}, n.at(6))
	return m
}

func (n *node) mark(ms int, parts ...sms.PartID) int64 {
	n.Helper()
	n.at(ms)
	n.dispatch++
	n.commit(&store.Change{Mark: []store.Dispatch{{Seq: n.dispatch, Shard: "acme", Parts: parts}}})
	return n.dispatch
}

func (n *node) update(m *sms.Message, u sms.PartUpdate) store.PartChange {
	u.Message, u.Parts, u.Carrier = m.ID, m.Parts, "acme"
	return store.PartChange{Update: u, Shard: "acme", Account: account, ConfigurationSet: m.ConfigurationSet, Expires: m.ExpiresAt}
}

func (n *node) taken(ms int, m *sms.Message, part int, unmark ...store.SlotSeq) {
	n.Helper()
	u := sms.PartUpdate{Kind: sms.UpdateTaken, Number: part, CarrierMessageID: fmt.Sprintf("c-%d", part), Code: "ESME_ROK", At: n.at(ms)}
	n.commit(&store.Change{Parts: []store.PartChange{n.update(m, u)}, Unmark: unmark})
}

func (n *node) receipt(ms int, m *sms.Message, part int, status sms.Status) {
	n.Helper()
	u := sms.PartUpdate{Kind: sms.UpdateReceipt, Number: part, Status: status, Code: "000", Detail: "text:" + body, At: n.at(ms)}
	n.commit(&store.Change{Parts: []store.PartChange{n.update(m, u)}})
}

func compare(t *testing.T, want, got string) {
	t.Helper()
	if diff := cmp.Diff(strings.Split(strings.TrimSpace(want), "\n"), strings.Split(strings.TrimSpace(got), "\n")); diff != "" {
		t.Error(diff)
	}
}

// The whole story of a message of two parts, of which one is put off once.
func TestOneTraceAMessage(t *testing.T) {
	c := newCollector(t)
	n, end := newNode(t, filepath.Join(t.TempDir(), "heliograph.db"), c)
	m := n.accept(nil, 2)
	if !m.ID.Traced() {
		t.Fatal("the message is not traced")
	}
	first := n.mark(20, m.ID.Part(1), m.ID.Part(2))
	n.taken(30, m, 1)
	n.at(32)
	n.commit(&store.Change{Unmark: []store.SlotSeq{{Slot: 7, Seq: first}}}) // a dispatch of another slot
	n.at(35)
	n.commit(&store.Change{Unmark: []store.SlotSeq{{Seq: first}}}) // the second part was throttled
	second := n.mark(1000, m.ID.Part(2))
	n.taken(1010, m, 2, store.SlotSeq{Seq: second})
	n.receipt(2000, m, 2, sms.StatusDelivered)
	n.receipt(2500, m, 1, sms.StatusDelivered)
	n.receipt(2600, m, 1, sms.StatusDelivered) // late: told in the story, not in the trace
	n.publish(m, "TEXT_DELIVERED", nil)
	spans := end()
	for _, s := range spans {
		if s.Name == "publish" { // whose times are the wall clock's
			s.StartTimeUnixNano, s.EndTimeUnixNano = uint64(began.Add(3*time.Second).UnixNano()), uint64(began.Add(3*time.Second).UnixNano())
		}
	}
	compare(t, `
message 0-2500 account=111122223333 carrier=acme class=transactional country=US encoding=GSM parts=2 status=DELIVERED
  SendTextMessage 0-6 aws.request_id=r-1 account=111122223333 http.response.status_code=200 rpc.method=SendTextMessage rpc.system=aws-api
    accept 0-5 account=111122223333 carrier=acme class=transactional country=US encoding=GSM parts=2
      commit 2-5
  queue 0-20 carrier=acme
  submit 20-30 attempt=1 carrier=acme code=ESME_ROK outcome=taken part=1
  submit 20-35 attempt=1 outcome=not_taken part=2
  receipt 30-2500 carrier=acme code=000 part=1 status=DELIVERED
  submit 1000-1010 attempt=2 carrier=acme code=ESME_ROK outcome=taken part=2
  receipt 1010-2000 carrier=acme code=000 part=2 status=DELIVERED
  publish 3000-3000 event_destination=111122223333/set/log event_type=TEXT_DELIVERED outcome=published
`, tree(t, spans, began))
	if want := map[string]string{"service.name": "heliograph", "service.version": "1.2.3", "service.instance.id": "one"}; !cmp.Equal(want, c.resource) {
		t.Errorf("resource %v", c.resource)
	}
	id := n.messageID.Format(m.ID)
	for _, s := range spans {
		rendered := s.String()
		for _, secret := range []string{recipient, recipient[1:], sender[1:], body, "123456"} {
			if strings.Contains(rendered, secret) {
				t.Errorf("%s tells %q: %s", s.Name, secret, rendered)
			}
		}
		if s.Name == "message" && texts(s.Attributes)["messaging.message.id"] != id {
			t.Errorf("the root does not name the message: %s", rendered)
		}
	}
}

// publisher takes what it is given, or answers err.
type publisher struct{ err error }

func (p publisher) Publish(context.Context, []destination.Item) error { return p.err }

// publish publishes an event of a message between two of others.
func (n *node) publish(m *sms.Message, eventType string, err error) {
	n.Helper()
	render := func(id sms.ID) destination.Item {
		other := *m
		other.Context = map[string]string{`"messageId":"x`: `"messageId":"y"`}
		status := sms.Status(strings.TrimPrefix(eventType, "TEXT_"))
		return destination.Item{JSON: event.Append(nil, n.messageID.Format(id), &other, event.Record{Status: status, At: n.clock(), Final: true})}
	}
	factory := publication.Factory(n.tracer, n.messageID.Parse, func(string, string, sms.EventDestination) (destination.Publisher, error) {
		return publisher{err}, nil
	})
	p, failed := factory(account, "set", sms.EventDestination{Name: "log"})
	if failed != nil {
		n.Fatal(failed)
	}
	other := n.ids.Next(began)
	if got := p.Publish(context.Background(), []destination.Item{render(other), render(m.ID), {JSON: []byte("{}")}, render(other)}); got != err {
		n.Errorf("the publisher answers %v", got)
	}
}

// What becomes of a message after a restart, or on another node, is in the same
// trace, and the wait in the queue and the receipts are told from what is durable.
func TestTraceGoesOnAfterARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "heliograph.db")
	c := newCollector(t)
	n, end := newNode(t, path, c)
	m := n.accept(nil, 1)
	end()
	n, end = newNode(t, path, c)
	mark := n.mark(5000, m.ID.Part(1))
	n.taken(5010, m, 1, store.SlotSeq{Seq: mark})
	end()
	n, end = newNode(t, path, c)
	n.receipt(9000, m, 1, sms.StatusUnreachable)
	compare(t, `
message 0-9000 account=111122223333 parts=1 status=UNREACHABLE FAILED UNREACHABLE
  SendTextMessage 0-6 aws.request_id=r-1 account=111122223333 http.response.status_code=200 rpc.method=SendTextMessage rpc.system=aws-api
    accept 0-5 account=111122223333 carrier=acme class=transactional country=US encoding=GSM parts=1
      commit 2-5
  queue 0-5000 carrier=acme
  submit 5000-5010 attempt=1 carrier=acme code=ESME_ROK outcome=taken part=1
  receipt 5010-9000 carrier=acme code=000 part=1 status=UNREACHABLE FAILED UNREACHABLE
`, tree(t, end(), began))
}

// below leaves out the request and what is in it.
func below(spans []*tracepb.Span) []*tracepb.Span {
	return slices.DeleteFunc(slices.Clone(spans), func(s *tracepb.Span) bool {
		return slices.Contains([]string{"SendTextMessage", "accept", "commit"}, s.Name)
	})
}

func TestEnds(t *testing.T) {
	for name, c := range map[string]struct {
		live func(n *node, m *sms.Message)
		want string
	}{
		"refused after a retry": {func(n *node, m *sms.Message) {
			mark := n.mark(10, m.ID.Part(1))
			n.commit(&store.Change{Unmark: []store.SlotSeq{{Seq: mark}}, Requeue: []store.Requeue{{Queued: store.Queued{ID: m.ID, Shard: "acme", Lane: "l", Parts: 1, Expires: m.ExpiresAt, Attempts: 1},
				Announce: true, Account: account, At: n.at(20)}}})
			mark = n.mark(1000, m.ID.Part(1))
			u := sms.PartUpdate{Kind: sms.UpdateSettled, Number: 1, Status: sms.StatusInvalid, Code: "ESME_RINVDSTADR", At: n.at(1010)}
			n.commit(&store.Change{Parts: []store.PartChange{n.update(m, u)}, Unmark: []store.SlotSeq{{Seq: mark}}})
		}, `
message 0-1010 account=111122223333 carrier=acme class=transactional country=US encoding=GSM parts=1 status=INVALID FAILED INVALID
  queue 0-10 carrier=acme
  submit 10-20 attempt=1 outcome=not_taken part=1
  queue 20-1000 carrier=acme
  submit 1000-1010 attempt=2 carrier=acme code=ESME_RINVDSTADR outcome=refused part=1 status=INVALID FAILED INVALID
`},
		"moved before it left": {func(n *node, m *sms.Message) {
			n.commit(&store.Change{Requeue: []store.Requeue{{Queued: store.Queued{ID: m.ID, Shard: "beta", Lane: "l", Parts: 1, Expires: m.ExpiresAt}, Moved: true, Account: account, At: n.at(20)}}})
			mark := n.mark(30, m.ID.Part(1))
			u := sms.PartUpdate{Kind: sms.UpdateSettled, Number: 1, Status: sms.StatusSuccessful, CarrierMessageID: "c", At: n.at(40)}
			n.commit(&store.Change{Parts: []store.PartChange{n.update(m, u)}, Unmark: []store.SlotSeq{{Seq: mark}}})
		}, `
message 0-40 account=111122223333 carrier=acme class=transactional country=US encoding=GSM parts=1 status=SUCCESSFUL
  queue 0-30 carrier=acme
  submit 30-40 attempt=1 carrier=acme outcome=settled part=1 status=SUCCESSFUL
`},
		"expired in the queue": {func(n *node, m *sms.Message) {
			u := sms.PartUpdate{Kind: sms.UpdateUnsentFinal, Status: sms.StatusTTLExpired, At: n.at(5000)}
			n.commit(&store.Change{Parts: []store.PartChange{n.update(m, u)}})
		}, `
message 0-5000 account=111122223333 carrier=acme class=transactional country=US encoding=GSM parts=1 status=TTL_EXPIRED FAILED TTL_EXPIRED
  queue 0-5000 carrier=acme outcome=TTL_EXPIRED
`},
		"the answer was lost, and then the receipt": {func(n *node, m *sms.Message) {
			n.mark(10, m.ID.Part(1))
			mark := n.mark(500, m.ID.Part(1))
			u := sms.PartUpdate{Kind: sms.UpdateTaken, Number: 1, CarrierMessageID: "c", Resent: 1, At: n.at(510)}
			n.commit(&store.Change{Parts: []store.PartChange{n.update(m, u)}, Unmark: []store.SlotSeq{{Seq: mark}}})
			u = sms.PartUpdate{Kind: sms.UpdateTakenFinal, Status: sms.StatusUnknown, At: n.at(9000)}
			n.commit(&store.Change{Parts: []store.PartChange{n.update(m, u)}})
		}, `
message 0-9000 account=111122223333 carrier=acme class=transactional country=US encoding=GSM parts=1 status=UNKNOWN FAILED UNKNOWN
  queue 0-10 carrier=acme
  submit 10-500 attempt=1 outcome=not_taken part=1
  submit 500-510 attempt=2 carrier=acme outcome=taken part=1 resent=1
  receipt 510-9000 carrier=acme part=1 status=UNKNOWN FAILED UNKNOWN
`},
		"given up after a crash": {func(n *node, m *sms.Message) {
			u := sms.PartUpdate{Kind: sms.UpdateSettled, Number: 1, Status: sms.StatusUnknown, At: n.at(100)}
			n.commit(&store.Change{Parts: []store.PartChange{n.update(m, u)}})
		}, `
message 0-100 account=111122223333 carrier=acme class=transactional country=US encoding=GSM parts=1 status=UNKNOWN FAILED UNKNOWN
  submit 100-100 carrier=acme outcome=refused part=1 status=UNKNOWN FAILED UNKNOWN
`},
	} {
		t.Run(name, func(t *testing.T) {
			n, end := newNode(t, filepath.Join(t.TempDir(), "heliograph.db"), newCollector(t))
			c.live(n, n.accept(nil, 1))
			compare(t, c.want, tree(t, below(end()), began))
		})
	}
}

func TestPublicationsThatFail(t *testing.T) {
	for err, want := range map[error]string{
		context.DeadlineExceeded:                                    "retry",
		&destination.Partial{Retry: []int{1}, Refused: []int{0}}:    "retry",
		&destination.Partial{Retry: []int{0, 3}, Refused: []int{1}}: "refused",
		&destination.Partial{Refused: []int{0, 2}}:                  "published",
	} {
		n, end := newNode(t, filepath.Join(t.TempDir(), "heliograph.db"), newCollector(t))
		m := n.accept(nil, 1)
		n.publish(m, "TEXT_QUEUED", err)
		found := ""
		for _, s := range end() {
			if s.Name == "publish" {
				found += texts(s.Attributes)["heliograph.outcome"]
			}
		}
		if found != want {
			t.Errorf("%v: %q, want %q", err, found, want)
		}
	}
}

// A client's own trace has the request, and the message's trace is linked with it.
func TestClientsTrace(t *testing.T) {
	const clientTrace, clientSpan = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	c := newCollector(t)
	n, end := newNode(t, filepath.Join(t.TempDir(), "heliograph.db"), c)
	n.accept(http.Header{"Traceparent": {"00-" + clientTrace + "-" + clientSpan + "-01"}, "Tracestate": {"v=1"}}, 1)
	byName := map[string]*tracepb.Span{}
	for _, s := range end() {
		byName[s.Name] = s
	}
	request, accept := byName["SendTextMessage"], byName["accept"]
	if got := fmt.Sprintf("%x %x %s", request.TraceId, request.ParentSpanId, request.TraceState); got != clientTrace+" "+clientSpan+" v=1" {
		t.Errorf("the request is in %s", got)
	}
	if len(request.Links) != 1 || string(request.Links[0].TraceId) != string(accept.TraceId) || string(request.Links[0].SpanId) != string(accept.ParentSpanId) {
		t.Errorf("the request's links: %v", request.Links)
	}
	if len(accept.Links) != 1 || string(accept.Links[0].TraceId) != string(request.TraceId) || string(accept.Links[0].SpanId) != string(request.SpanId) {
		t.Errorf("the message's links: %v", accept.Links)
	}
	if string(accept.TraceId) == string(request.TraceId) {
		t.Error("the message is in the client's trace")
	}
}

func TestWhoIsTraced(t *testing.T) {
	c := newCollector(t)
	const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-"
	for ratio, want := range map[float64][3]bool{0: {false, true, false}, 1: {true, true, false}} {
		tracer, _ := c.tracer(func(o *trace.Options) { o.SampleRatio = ratio })
		for i, h := range []http.Header{nil, {"Traceparent": {parent + "01"}}, {"Traceparent": {parent + "00"}}} {
			if got := tracer.Request(h, began) != nil; got != want[i] {
				t.Errorf("ratio %v, %v: %v", ratio, h, got)
			}
		}
	}
	tracer, _ := c.tracer(func(o *trace.Options) { o.SampleRatio = 0.25 })
	traced := 0
	for range 10_000 {
		if tracer.Request(nil, began) != nil {
			traced++
		}
	}
	if traced < 2000 || traced > 3000 { // 10 standard deviations
		t.Errorf("%d of 10,000 requests are traced, of a share of 0.25", traced)
	}
}

// A request of which no message came is a trace by itself.
func TestRequestsWithoutAMessage(t *testing.T) {
	c := newCollector(t)
	tracer, end := c.tracer(nil)
	for _, a := range []trace.Answer{
		{Operation: "SendTextMessage", RequestID: "r-1", Account: account, Code: "ValidationException", Status: 400},
		{Operation: "CreatePool", RequestID: "r-2", Account: account, Code: "InternalServerException", Status: 500},
	} {
		tracer.Request(nil, began).Done(a, began.Add(time.Millisecond))
	}
	got := ""
	for _, s := range end() {
		got += tree(t, []*tracepb.Span{s}, began)
	}
	compare(t, `
SendTextMessage 0-1 aws.request_id=r-1 error.type=ValidationException account=111122223333 http.response.status_code=400 rpc.method=SendTextMessage rpc.system=aws-api
CreatePool 0-1 aws.request_id=r-2 error.type=InternalServerException account=111122223333 http.response.status_code=500 rpc.method=CreatePool rpc.system=aws-api FAILED InternalServerException
`, got)
}
