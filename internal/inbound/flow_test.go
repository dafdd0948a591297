package inbound

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
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
	for _, tt := range []struct {
		m    carrier.Inbound
		want carrier.InboundResult
	}{
		{text("+12065550199", "hello"), carrier.InboundUnknown},
		{text("", "hello"), carrier.InboundUnknown},
		{carrier.Inbound{Carrier: "acme", From: handset, To: twoWay, Binary: true, Total: 1, Number: 1}, carrier.InboundBinary},
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

// TestSenders: a sender is written as recipients are. Who has no phone number is neither
// answered nor opted out.
func TestSenders(t *testing.T) {
	r := newRig(t, 1)
	account := r.directory.Account(customer)
	list := account.OptOutLists.Get(sms.DefaultOptOutList)
	entries := func() (numbers []string) {
		all, err := r.engine.EntriesAfter(t.Context(), store.EntryScan{List: optout.List(customer, &list.Value, list.Created), After: -1, Limit: 10})
		r.must(err)
		for i := range all {
			numbers = append(numbers, optout.Number(&all[i]))
		}
		return numbers
	}
	var refused []string
	for _, from := range []string{"2065550123", "HELIO", "", "+", "72345", "+999123456789"} {
		for _, body := range []string{"STOP", "start", "HELP"} {
			m := text(twoWay, body)
			m.From = from
			want := carrier.InboundOutcome{Result: carrier.InboundDropped, Keyword: strings.ToUpper(body), Account: customer, PhoneNumber: "phone-two"}
			if body == "start" {
				want.Result, want.Published = carrier.InboundPublished, true
			}
			o := r.take(m)
			want.Message = o.Message
			if o != want {
				t.Errorf("%s from %q: %+v, want %+v", body, from, o, want)
			}
			refused = append(refused, from)
		}
	}
	if got := entries(); len(got) != 0 || len(r.answers()) != 0 {
		t.Errorf("listed are %q, answered %q", got, r.answers())
	}
	if n := r.count(0, "heliograph_inbound_senders_without_number_total"); n != len(refused) {
		t.Errorf("%d were counted, want %d", n, len(refused))
	}
	refusal := errors.New("not sent")
	r.refusal.Store(&refusal)
	m := text(twoWay, "STOP")
	m.From = "+4407700900123"
	if o := r.take(m); o.Result != carrier.InboundOptedOut {
		t.Errorf("STOP: %+v", o)
	}
	if got, want := entries(), []string{"+447700900123"}; !slices.Equal(got, want) {
		t.Errorf("listed are %q, want %q", got, want)
	}
	m.Text = "hello"
	r.take(m)
	if got := r.published(); got[len(got)-1].OriginationNumber != "+447700900123" {
		t.Errorf("published %+v", got[len(got)-1])
	}
}

// TestConversationOfShortCode: the last message to a sender is found by the number as the
// account has it, however the carrier writes that.
func TestConversationOfShortCode(t *testing.T) {
	r := newRig(t, 1)
	r.must(r.directory.Change(t.Context(), customer, func(tx *resources.Tx) error {
		n := tx.PhoneNumbers.Get("phone-two").Value
		n.Number, n.Type = "72345", sms.ShortCode
		tx.PhoneNumbers.Put(n.ID, n)
		return nil
	}))
	sent := sms.NewIDs(5, 0).Next(r.clock.now())
	key, _ := sms.DigitsKey(handset)
	r.must(r.committer.Commit(&store.Change{Entries: []store.EntryWrite{{Entry: store.Entry{At: r.clock.now(), Mark: int64(sent),
		EntryKey: store.EntryKey{List: store.ListID("conversation", customer, "72345"), Key: key}}}}}))
	r.take(text("72345", "hello"))
	r.take(text("+72345", "hello"))
	got := r.published()
	if len(got) != 2 {
		t.Fatalf("published %+v", got)
	}
	for _, p := range got {
		if p.DestinationNumber != "72345" || p.PreviousPublishedMessageID != r.ids.Format(sent) {
			t.Errorf("published %+v", p)
		}
	}
}

// TestLongPart: of a part that is longer than a handset's, the message comes all the same.
func TestLongPart(t *testing.T) {
	r := newRig(t, 1)
	for i, tt := range []struct{ body, kept string }{
		{strings.Repeat("x", 2000), strings.Repeat("x", 2000)},
		{strings.Repeat("x", maxPartOctets), strings.Repeat("x", maxPartOctets)},
		{strings.Repeat("é", maxPartOctets), strings.Repeat("é", maxPartOctets/2)},
		{"x" + strings.Repeat("é", maxPartOctets), "x" + strings.Repeat("é", maxPartOctets/2-1)},
	} {
		first := pieceOf(1, 2, uint16(i), tt.body)
		first.Tail = 0xD83D
		r.take(first)
		r.take(pieceOf(2, 2, uint16(i), "end"))
		got := r.bodies()
		if want := tt.kept + "end"; len(got) != i+1 || strings.ReplaceAll(got[i], "�", "") != want {
			t.Errorf("%d of %d octets: published %d messages", i, len(tt.body), len(got))
		}
	}
	if n := r.count(0, "heliograph_inbound_cut_parts_total"); n != 2 {
		t.Errorf("%d were counted", n)
	}
	for n := 1; n <= 20; n++ {
		r.take(pieceOf(n, 20, 99, strings.Repeat("y", maxPartOctets)))
	}
	if got := r.bodies(); len(got) != 5 || len(got[4]) != maxTextOctets {
		t.Errorf("published %d messages", len(got))
	}
}

// TestAnswersPerHour: STOP and START take effect when they are not answered any more.
func TestAnswersPerHour(t *testing.T) {
	r := newRig(t, 1)
	r.nodes[0].answers.limit = 2
	r.take(text(twoWay, "HELP"))
	r.take(text(twoWay, "HELP"))
	o := r.take(text(twoWay, "HELP"))
	if o.Reply != 0 || o.Result != carrier.InboundDropped || !strings.Contains(o.ReplyRefused, "2 times") {
		t.Errorf("the third: %+v", o)
	}
	if o := r.take(text(twoWay, "STOP")); o.Reply != 0 || o.Result != carrier.InboundOptedOut || !optout.OptedOut(r.optOut()) {
		t.Errorf("STOP: %+v", o)
	}
	if o := r.take(text(oneWay, "STOP")); o.Reply == 0 {
		t.Errorf("to another number: %+v", o)
	}
	if n := r.count(0, "heliograph_inbound_replies_refused_total"); n != 2 {
		t.Errorf("%d refused answers were counted", n)
	}
	r.clock.advance(time.Hour)
	if o := r.take(text(twoWay, "START")); o.Reply == 0 || optout.OptedOut(r.optOut()) {
		t.Errorf("an hour later: %+v", o)
	}
}

func TestAnswersAreBounded(t *testing.T) {
	now := time.Unix(7200, 0)
	a := answers{limit: 1}
	for i := range maxAnswered + 5 {
		a.add(pair{handset, strconv.Itoa(i)}, now)
	}
	if len(a.given) != maxAnswered || a.refuse(pair{handset, "3"}, now) == nil || a.refuse(pair{handset, "3"}, now.Add(time.Hour)) != nil {
		t.Errorf("%d pairs are counted", len(a.given))
	}
	a.add(pair{handset, "1"}, now.Add(time.Hour))
	if len(a.given) != 1 {
		t.Errorf("%d pairs are counted an hour later", len(a.given))
	}
}
