package accept

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"heliograph/internal/resources"
	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/usage"
)

// A code goes to a number that is not verified, the first time for nothing.
func TestSendVerification(t *testing.T) {
	d := newDesk(t, nil)
	d.tier(t, resources.Sandbox)
	request := Request{Destination: inUS, OriginationIdentity: numberUS, Body: "123456"}
	code := func(free bool) *sms.Message {
		t.Helper()
		id, err := d.SendVerification(t.Context(), d.account(), request, free)
		if err != nil {
			t.Fatal(err)
		}
		return d.stored(t, id)
	}
	if m := code(true); m.Price != 0 || m.CarrierFee != 0 || d.spent(t) != 0 {
		t.Errorf("the first costs %s and %s USD, %s are spent", m.Price, m.CarrierFee, d.spent(t))
	}
	if m := code(false); m.Price != 7_000 || m.CarrierFee != 3_000 || d.spent(t) != 10_000 {
		t.Errorf("the second costs %s and %s USD, %s are spent", m.Price, m.CarrierFee, d.spent(t))
	}
	d.limit.Store(10_000)
	code(true)
	id, err := d.SendVerification(t.Context(), d.account(), request, false)
	refused{sms.KindQuotaExceeded, sms.ReasonMonthlySpendLimitReachedForText, ""}.check(t, id, err)
	d.optOut(t, sms.DefaultOptOutList, inUS)
	id, err = d.SendVerification(t.Context(), d.account(), request, true)
	optedOut.check(t, id, err)
}

// An answer is accepted with what else is in its change.
func TestReply(t *testing.T) {
	d := newDesk(t, nil)
	d.tier(t, resources.Sandbox)
	d.guards(t)
	d.change(t, func(tx *resources.Tx) {
		n := tx.PhoneNumbers.Get(numberGB).Value
		n.TwoWay = sms.TwoWay{Enabled: true, ChannelARN: "arn:aws:sns:us-east-1:" + customer + ":in"}
		tx.PhoneNumbers.Put(numberGB, n)
	})
	d.optOut(t, sms.DefaultOptOutList, inBritain)
	number := &d.account().PhoneNumbers.Get(numberGB).Value
	p, err := d.Reply(t.Context(), d.account(), number, inBritain, "You have opted out.")
	if err != nil {
		t.Fatal(err)
	}
	if sum, err := d.ledger.Spent(t.Context(), customer, usage.ChannelText, d.now()); err != nil || sum != 50_000 || d.spent(t) != 0 {
		t.Errorf("%s USD are set aside, %s spent, %v", sum, d.spent(t), err)
	}
	other := store.EntryKey{List: 1, Key: 2}
	change := &store.Change{Entries: []store.EntryWrite{{Entry: store.Entry{EntryKey: other, At: d.now()}}}}
	p.Into(change)
	if err := d.committer.Commit(change); err != nil {
		t.Fatal(err)
	}
	m := d.stored(t, p.MessageID())
	if diff := cmp.Diff(p.Message(), m); diff != "" {
		t.Error(diff)
	}
	if m.Route.Identity != "+447700900001" || m.Destination != inBritain || m.Type != sms.Promotional || m.ConfigurationSet != "" ||
		m.Price != 50_000 || m.FeedbackEnabled || m.Account != customer || d.spent(t) != 50_000 {
		t.Errorf("%+v, %s USD are spent", m, d.spent(t))
	}
	digits, _ := sms.DigitsKey(inBritain)
	conversation := store.EntryKey{List: store.ListID("conversation", customer, "+447700900001"), Key: digits}
	found, err := d.engine.Entries(t.Context(), []store.EntryKey{other, conversation})
	if err != nil || found[0] == nil || found[1] == nil || found[1].Mark != int64(m.ID) || !found[1].At.Equal(m.AcceptedAt) {
		t.Errorf("entries %+v, %v", found, err)
	}
}

func TestReplyIsAbandoned(t *testing.T) {
	d := newDesk(t, nil)
	d.limit.Store(50_000)
	number := &d.account().PhoneNumbers.Get(numberGB).Value
	for range 3 {
		p, err := d.Reply(t.Context(), d.account(), number, inBritain, "hello")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Reply(t.Context(), d.account(), number, inBritain, "hello"); !isReason(err, sms.ReasonMonthlySpendLimitReachedForText) {
			t.Errorf("above the limit: %v", err)
		}
		p.Abandon()
	}
	d.isEmpty(t)
}

func TestReplyRefusals(t *testing.T) {
	d := newDesk(t, nil)
	for name, c := range map[string]struct {
		from, to, body string
		want           sms.Reason
	}{
		"to a short code":          {numberGB, "12345", "hello", sms.ReasonCannotParse},
		"to another country":       {numberGB, inFrance, "hello", sms.ReasonInvalidIdentityForCountry},
		"from a PENDING number":    {numberPending, inUS, "hello", sms.ReasonResourceNotActive},
		"more than ten parts":      {numberUS, inUS, strings.Repeat("a", 1531), sms.ReasonMaximumSizeExceeded},
		"nothing to say":           {numberUS, inUS, "", sms.ReasonMissingParameter},
		"a country without routes": {numberUS, inCuba, "hello", sms.ReasonDestinationCountryBlocked},
	} {
		if p, err := d.Reply(t.Context(), d.account(), &d.account().PhoneNumbers.Get(c.from).Value, c.to, c.body); p != nil || !isReason(err, c.want) {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
	d.isEmpty(t)
}

func isReason(err error, reason sms.Reason) bool {
	e, ok := sms.AsError(err)
	return ok && e.Reason == reason
}

// What is written with a message besides it.
func TestEntriesOfASend(t *testing.T) {
	d := newDesk(t, nil)
	d.guards(t)
	d.change(t, func(tx *resources.Tx) {
		n := tx.PhoneNumbers.Get(numberUS).Value
		n.TwoWay.Enabled = true
		tx.PhoneNumbers.Put(numberUS, n)
	})
	feedback := true
	entries := func(m *sms.Message, from string) (pending, conversation *store.Entry) {
		t.Helper()
		key, _ := sms.DigitsKey(m.Destination)
		found, err := d.engine.Entries(t.Context(), []store.EntryKey{{List: store.ListID("feedback"), Key: int64(m.ID)},
			{List: store.ListID("conversation", customer, from), Key: key}})
		if err != nil {
			t.Fatal(err)
		}
		return found[0], found[1]
	}
	first := d.accepted(t, Request{Destination: inUS, OriginationIdentity: numberUS, Body: "hello", FeedbackEnabled: &feedback})
	pending, conversation := entries(first, "+12065550100")
	if pending == nil || !pending.At.Equal(first.AcceptedAt) || conversation == nil || conversation.Mark != int64(first.ID) {
		t.Errorf("feedback %+v, conversation %+v", pending, conversation)
	}
	second := d.accepted(t, Request{Destination: inUS, OriginationIdentity: numberUS, Body: "hello"})
	pending, conversation = entries(second, "+12065550100")
	if pending != nil || conversation == nil || conversation.Mark != int64(second.ID) {
		t.Errorf("feedback %+v, conversation %+v", pending, conversation)
	}
	if pending, conversation = entries(d.accepted(t, Request{Destination: inCanada, OriginationIdentity: numberShort, Body: "hello"}), "54321"); pending != nil || conversation != nil {
		t.Errorf("two-way is off: feedback %+v, conversation %+v", pending, conversation)
	}
}

// A message that another member of its pool takes over is the last one from that.
func TestConversationOfAMovedMessage(t *testing.T) {
	d := newDesk(t, nil)
	twoWay := func(id string) {
		d.change(t, func(tx *resources.Tx) {
			n := tx.PhoneNumbers.Get(id).Value
			n.TwoWay.Enabled = true
			tx.PhoneNumbers.Put(id, n)
		})
	}
	m := d.accepted(t, Request{Destination: inUS, OriginationIdentity: numberUS, Body: "hello"})
	later := m.AcceptedAt.Add(time.Minute)
	to := sms.Route{Kind: sms.IdentityPhoneNumber, Identity: "+447700900001", IdentityID: numberGB}
	if got := Conversation(d.account(), m, to, later); got != nil {
		t.Errorf("two-way is off: %+v", got)
	}
	twoWay(numberUS)
	if got := Conversation(d.account(), m, to, later); got != nil {
		t.Errorf("two-way is off for the other number: %+v", got)
	}
	twoWay(numberGB)
	digits, _ := sms.DigitsKey(inUS)
	want := []store.EntryWrite{{Entry: store.Entry{EntryKey: store.EntryKey{List: store.ListID("conversation", customer, "+447700900001"), Key: digits}, At: later, Mark: int64(m.ID)}}}
	if diff := cmp.Diff(want, Conversation(d.account(), m, to, later)); diff != "" {
		t.Error(diff)
	}
	if got := Conversation(d.account(), m, sms.Route{Kind: sms.IdentitySenderID, Identity: "BRAND"}, later); got != nil {
		t.Errorf("from a sender ID: %+v", got)
	}
}

// Usage is counted by country and route, also of what costs nothing.
func TestUsageOfSends(t *testing.T) {
	d := newDesk(t, nil)
	d.guards(t)
	for _, r := range []Request{
		{Destination: inUS, OriginationIdentity: numberUS, Body: strings.Repeat("a", 161)},
		{Destination: inUS, OriginationIdentity: numberUS, Body: "hello"},
		{Destination: simulatorUS, OriginationIdentity: numberSim, Body: "hello"},
		{Destination: inFrance, OriginationIdentity: "BRAND", Body: "hello"},
		{Destination: inUS, OriginationIdentity: numberUS, Body: "hello", DryRun: true},
		{Destination: inIndia, Body: "hello"}, // filtered
	} {
		if _, err := d.send(r); err != nil {
			t.Errorf("%+v: %v", r, err)
		}
	}
	if _, err := d.SendVerification(t.Context(), d.account(), Request{Destination: inCanada, OriginationIdentity: numberShort, Body: "1"}, true); err != nil {
		t.Error(err)
	}
	refusing := store.ErrUnavailable
	d.engine.fails.Store(&refusing)
	if _, err := d.send(Request{Destination: inUS, Body: "hello"}); err == nil {
		t.Error("accepted by a store that is away")
	}
	d.engine.fails.Store(nil)
	got := map[string]store.Sums{}
	for _, u := range d.usage(t) {
		got[u.Country+" "+u.Route] = u.Sums
	}
	want := map[string]store.Sums{
		"US TEN_DLC":    {Parts: 3, Price: 21_000, FeeParts: 3, Fee: 9_000},
		"US SIMULATOR":  {Parts: 1},
		"FR SENDER_ID":  {Parts: 1, Price: 50_000},
		"CA SHORT_CODE": {Parts: 1},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A failed commit of an answer is the caller's to tell; what was set aside is given back.
func TestAbandonAfterAFailedCommit(t *testing.T) {
	d := newDesk(t, nil)
	d.limit.Store(10_000)
	failing := store.ErrUnavailable
	d.engine.fails.Store(&failing)
	for range 2 {
		p, err := d.Reply(t.Context(), d.account(), &d.account().PhoneNumbers.Get(numberUS).Value, inUS, "hello")
		if err != nil {
			t.Fatal(err)
		}
		change := &store.Change{}
		p.Into(change)
		if err := d.committer.Commit(change); !errors.Is(err, store.ErrUnavailable) {
			t.Fatal(err)
		}
		p.Abandon()
	}
}
