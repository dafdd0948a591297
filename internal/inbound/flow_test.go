package inbound

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"heliograph/internal/carrier"
	"heliograph/internal/optout"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
	"heliograph/internal/store"
)

func TestConversation(t *testing.T) {
	r := newRig(t, 1)
	o := r.take(text(twoWay, "Join us"))
	if o.Result != carrier.InboundPublished || o.Keyword != "JOIN" || o.Reply == 0 || !o.Published || o.Account != customer || o.PhoneNumber != "phone-two" {
		t.Errorf("JOIN: %+v", o)
	}
	if o := r.take(text(twoWay, "help")); o.Result != carrier.InboundAnswered || o.Published {
		t.Errorf("HELP: %+v", o)
	}
	r.clock.advance(time.Second)
	stopped := r.clock.now()
	if o := r.take(text(twoWay, "STOP")); o.Result != carrier.InboundOptedOut || o.Published {
		t.Errorf("STOP: %+v", o)
	}
	if e := r.optOut(); !optout.OptedOut(e) || !optout.EndUser(e) || !e.At.Equal(stopped) {
		t.Errorf("after STOP: %+v", e)
	}
	r.clock.advance(time.Second)
	if o := r.take(text(twoWay, "start")); o.Result != carrier.InboundOptedIn || !o.Published {
		t.Errorf("START: %+v", o)
	}
	if e := r.optOut(); optout.OptedOut(e) || !e.Until.Equal(r.clock.now()) {
		t.Errorf("after START: %+v", e)
	}
	r.take(text(twoWay, "STOP"))
	r.take(text(twoWay, "START"))
	if e := r.optOut(); optout.OptedOut(e) {
		t.Error("the end user cannot opt in twice within 30 days")
	}
	r.take(text(twoWay, "what now?"))
	if got, want := r.bodies(), []string{"Join us", "start", "START", "what now?"}; !slices.Equal(got, want) {
		t.Errorf("published %q, want %q", got, want)
	}
	if got := r.answers(); len(got) != 6 || got[0] != "welcome" || got[3] != "back" {
		t.Errorf("answered %q", got)
	}
}

func TestPublished(t *testing.T) {
	r := newRig(t, 1)
	sent := sms.NewIDs(5, 0).Next(r.clock.now())
	key, _ := sms.DigitsKey(handset)
	r.must(r.committer.Commit(&store.Change{Entries: []store.EntryWrite{{Entry: store.Entry{At: r.clock.now(), Mark: int64(sent),
		EntryKey: store.EntryKey{List: store.ListID("conversation", customer, twoWay), Key: key}}}}}))
	o := r.take(text(twoWay, "hello"))
	alphanumeric := text(twoWay, "STOP")
	alphanumeric.From = "HELIO"
	r.take(alphanumeric)
	named := text(twoWay, "who?")
	named.From = "HELIO"
	r.take(named)
	want := []Payload{
		{OriginationNumber: handset, DestinationNumber: twoWay, MessageBody: "hello", InboundMessageID: r.ids.Format(o.Message), PreviousPublishedMessageID: r.ids.Format(sent)},
		{OriginationNumber: "HELIO", DestinationNumber: twoWay, MessageBody: "who?"},
	}
	got := r.published()
	if len(got) != 2 {
		t.Fatalf("published %+v", got)
	}
	want[1].InboundMessageID = got[1].InboundMessageID
	if !slices.Equal(got, want) {
		t.Errorf("published %+v, want %+v", got, want)
	}
}

func TestOneWay(t *testing.T) {
	r := newRig(t, 1)
	if o := r.take(text(oneWay, "hello")); o.Result != carrier.InboundDropped || o.Message == 0 {
		t.Errorf("hello: %+v", o)
	}
	if o := r.take(text(oneWay, "Stop")); o.Result != carrier.InboundOptedOut || !optout.OptedOut(r.optOut()) {
		t.Errorf("STOP: %+v", o)
	}
	if got := r.bodies(); len(got) != 0 {
		t.Errorf("published %q", got)
	}
	if n := r.count(0, "heliograph_inbound_messages_total"); n != 2 {
		t.Errorf("%d messages were counted", n)
	}
}

// TestPool: what a number does with messages is its pool's.
func TestPool(t *testing.T) {
	r := newRig(t, 1)
	r.must(r.directory.Change(t.Context(), customer, func(tx *resources.Tx) error {
		n := tx.PhoneNumbers.Get("phone-two").Value
		n.PoolID = "pool-1"
		tx.PhoneNumbers.Put(n.ID, n)
		tx.Pools.Put("pool-1", sms.Pool{ID: "pool-1", Status: sms.PoolActive})
		tx.Keywords.Put("pool-1", sms.Keywords{Own: []sms.Keyword{{Keyword: "JOIN", Message: "to the pool", Action: sms.AutomaticResponse}}})
		return nil
	}))
	r.take(text(twoWay, "join"))
	if got := r.answers(); !slices.Equal(got, []string{"to the pool"}) {
		t.Errorf("answered %q", got)
	}
}

func TestNobody(t *testing.T) {
	r := newRig(t, 1)
	long := text(twoWay, strings.Repeat("x", maxPartOctets+1))
	long.Total = 2
	for _, tt := range []struct {
		m    carrier.Inbound
		want carrier.InboundResult
	}{
		{text("+12065550199", "hello"), carrier.InboundUnknown},
		{text("", "hello"), carrier.InboundUnknown},
		{carrier.Inbound{Carrier: "acme", From: handset, To: twoWay, Binary: true, Total: 1, Number: 1}, carrier.InboundBinary},
		{long, carrier.InboundTooLong},
	} {
		if o := r.take(tt.m); o != (carrier.InboundOutcome{Result: tt.want}) {
			t.Errorf("%+v, want %s", o, tt.want)
		}
	}
	if o := r.take(text(strings.TrimPrefix(twoWay, "+"), "hello")); o.Result != carrier.InboundPublished {
		t.Errorf("a number without its plus sign: %+v", o)
	}
}

// TestSharedShortCode: a short code is the account's whose carrier brings the message.
func TestSharedShortCode(t *testing.T) {
	r := newRig(t, 1)
	for i, account := range []string{"222233334444", "333344445555"} {
		r.must(r.directory.EnsureAccount(t.Context(), account, resources.Production))
		r.must(r.directory.Change(t.Context(), account, func(tx *resources.Tx) error {
			tx.PhoneNumbers.Put("phone-short", sms.PhoneNumber{ID: "phone-short", Number: "72345", Country: []string{"US", "GB"}[i], Type: sms.ShortCode,
				Carrier: []string{"acme", "other"}[i], OptOutList: sms.DefaultOptOutList})
			return nil
		}))
	}
	for carrierName, want := range map[string]string{"acme": "222233334444", "other": "333344445555"} {
		m := text("72345", "hello")
		m.Carrier = carrierName
		if o := r.take(m); o.Account != want {
			t.Errorf("from %s: %+v, want account %s", carrierName, o, want)
		}
		m.To = "+72345"
		if o := r.take(m); o.Account != want {
			t.Errorf("from %s, with a plus sign: %+v, want account %s", carrierName, o, want)
		}
	}
}

func TestReplyRefused(t *testing.T) {
	r := newRig(t, 1)
	refusal := errors.New("the spend limit is reached")
	r.refusal.Store(&refusal)
	if o := r.take(text(twoWay, "STOP")); o.Reply != 0 || o.ReplyRefused != refusal.Error() || o.Result != carrier.InboundOptedOut {
		t.Errorf("%+v", o)
	}
	if !optout.OptedOut(r.optOut()) || len(r.answers()) != 0 {
		t.Error("without an answer STOP does not opt out")
	}
}

// TestReplyUnavailable: where the store cannot say now whether a keyword may be answered
// nothing happens, and it is answered when it comes again.
func TestReplyUnavailable(t *testing.T) {
	r := newRig(t, 1)
	away := fmt.Errorf("read spend: %w", store.ErrUnavailable)
	r.refusal.Store(&away)
	if _, err := r.give(0, text(twoWay, "STOP")); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("acknowledged with %v", err)
	}
	if r.optOut() != nil || len(r.answers()) != 0 {
		t.Errorf("opted out %+v, answers %v", r.optOut(), r.answers())
	}
	r.refusal.Store(nil)
	if o := r.take(text(twoWay, "STOP")); o.Reply == 0 || !optout.OptedOut(r.optOut()) {
		t.Errorf("sent again: %+v", o)
	}
}

// TestNotKept: nothing is acknowledged that is not durable, and nothing has happened.
func TestNotKept(t *testing.T) {
	r := newRig(t, 1)
	r.engine.commits.Store(2)
	if _, err := r.give(0, text(twoWay, "STOP")); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("acknowledged with %v", err)
	}
	if r.optOut() != nil || r.abandoned.Load() != 1 {
		t.Errorf("opted out %+v, %d answers abandoned", r.optOut(), r.abandoned.Load())
	}
	if _, err := r.give(0, pieceOf(1, 2, 7, "a")); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("a part is acknowledged with %v", err)
	}
	r.take(text(twoWay, "STOP"))
	if !optout.OptedOut(r.optOut()) || len(r.answers()) != 1 {
		t.Error("sent again it does not opt out")
	}
}

func TestClosed(t *testing.T) {
	r := newRig(t, 1)
	r.nodes[0].stop()
	r.nodes[0].Close()
	if _, err := r.give(0, text(twoWay, "hello")); !errors.Is(err, store.ErrClosed) {
		t.Errorf("got %v", err)
	}
}

// TestInOrder: what one handset sends is handled in its order.
func TestInOrder(t *testing.T) {
	r := newRig(t, 1)
	var wg sync.WaitGroup
	want := []string{}
	for i := range 200 {
		body := strings.Repeat("n", i+1)
		want = append(want, body)
		wg.Add(1)
		r.nodes[0].Inbound(text(twoWay, body), func(err error) {
			if err != nil {
				t.Error(err)
			}
			wg.Done()
		})
	}
	wg.Wait()
	if got := r.bodies(); !slices.Equal(got, want) {
		t.Errorf("%d messages in another order", len(got))
	}
}

// TestBusy: what there is no room for is to be sent again.
func TestBusy(t *testing.T) {
	f := New(Options{}) // which does not run
	var refused int
	for range maxWaiting + 3 {
		f.Inbound(carrier.Inbound{From: handset, To: twoWay, Text: "x", Total: 1, At: time.Now()}, func(err error) {
			if !errors.Is(err, errBusy) {
				t.Errorf("got %v", err)
			}
			refused++
		})
	}
	if refused != 3 {
		t.Errorf("%d were refused, want 3", refused)
	}
}
