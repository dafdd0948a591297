package accept

import (
	"maps"
	"testing"
	"time"

	"heliograph/internal/optout"
	"heliograph/internal/protect"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// change edits the account of a desk.
func (d *desk) change(t testing.TB, edit func(tx *resources.Tx)) {
	t.Helper()
	if err := d.directory.Change(t.Context(), customer, func(tx *resources.Tx) error {
		edit(tx)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// put writes entries.
func (d *desk) put(t testing.TB, entries ...store.EntryWrite) {
	t.Helper()
	if err := d.committer.Commit(&store.Change{Entries: entries}); err != nil {
		t.Fatal(err)
	}
}

// optOut puts a number on a list of the account.
func (d *desk) optOut(t testing.TB, list, number string) {
	t.Helper()
	item := d.account().OptOutLists.Get(list)
	key, _ := optout.Key(optout.List(customer, &item.Value, item.Created), number)
	w, _ := optout.Put(nil, key, optout.ByHand, d.now())
	w.Absent = false
	d.put(t, w)
}

// optIn has a number opt in by itself.
func (d *desk) optIn(t testing.TB, list, number string) {
	t.Helper()
	item := d.account().OptOutLists.Get(list)
	key, _ := optout.Key(optout.List(customer, &item.Value, item.Created), number)
	old, err := d.engine.Entries(t.Context(), []store.EntryKey{key})
	if err != nil {
		t.Fatal(err)
	}
	w, _ := optout.OptInByEndUser(old[0], d.now())
	d.put(t, w)
}

var optedOut = conflict(sms.ReasonDestinationOptedOut, sms.TypeOptOutList)

// Each identity has the list that it is checked against.
func TestOptOutLists(t *testing.T) {
	const senderID = "POOLED"
	lists := map[string]string{ // and who is on it
		sms.DefaultOptOutList: "+447700900201", "number": "+447700900202", "pool": "+447700900203", "other": "+447700900204",
	}
	d := newDesk(t, nil)
	d.change(t, func(tx *resources.Tx) {
		for name := range lists {
			if name != sms.DefaultOptOutList {
				tx.OptOutLists.Put(name, sms.OptOutList{Name: name})
			}
		}
		n := tx.PhoneNumbers.Get(numberGB).Value
		n.OptOutList, n.SelfManagedOptOuts, n.TwoWay.Enabled = "number", true, true
		tx.PhoneNumbers.Put(numberGB, n)
		for pool, list := range map[string]string{"pool-00000000000british": "pool", "pool-000000000000other": "other"} {
			tx.Pools.Put(pool, sms.Pool{ID: pool, Status: sms.PoolActive, MessageType: sms.Transactional, OptOutList: list, SharedRoutes: pool == "pool-000000000000other"})
		}
		s := sms.SenderID{SenderID: senderID, Country: "GB", MessageTypes: []sms.MessageType{sms.Transactional}, PoolIDs: []string{"pool-00000000000british", "pool-000000000000other"}}
		tx.SenderIDs.Put(s.Key(), s)
	})
	for list, number := range lists {
		d.optOut(t, list, number)
	}
	for identity, counts := range map[string][]string{
		numberGB:                  {"number"}, // although the account sees to opt-outs itself
		"pool-00000000000british": {"pool"},
		"pool-000000000000other":  {"other"},
		senderID:                  {"pool", "other"},
		"HELIO":                   {sms.DefaultOptOutList},
		"BRAND":                   {sms.DefaultOptOutList}, // which nobody leases
	} {
		for list, number := range lists {
			id, err := d.send(Request{Destination: number, OriginationIdentity: identity, Body: "hello"})
			refuses := false
			for _, name := range counts {
				refuses = refuses || name == list
			}
			if refuses {
				optedOut.check(t, id, err)
			} else if err != nil {
				t.Errorf("from %s to who is on %s: %v", identity, list, err)
			}
		}
	}
	// A shared route, of the account and of a pool.
	d.optOut(t, sms.DefaultOptOutList, inFrance)
	d.change(t, func(tx *resources.Tx) { tx.PhoneNumbers.Delete(numberLost) })
	id, err := d.send(Request{Destination: inFrance, Body: "hello"})
	optedOut.check(t, id, err)
	d.change(t, func(tx *resources.Tx) {
		tx.Pools.Put("pool-0000000000shared", sms.Pool{ID: "pool-0000000000shared", Status: sms.PoolActive, MessageType: sms.Transactional, OptOutList: "pool", SharedRoutes: true})
	})
	if _, err := d.send(Request{Destination: inFrance, Body: "hello", OriginationIdentity: "pool-0000000000shared"}); err != nil {
		t.Errorf("from the shared routes of a pool with another list: %v", err)
	}
}

// Who has opted in again is written to.
func TestOptedInAgain(t *testing.T) {
	d := newDesk(t, nil)
	d.optOut(t, sms.DefaultOptOutList, inUS)
	id, err := d.send(Request{Destination: inUS, Body: "hello"})
	optedOut.check(t, id, err)
	d.optIn(t, sms.DefaultOptOutList, inUS)
	if _, err := d.send(Request{Destination: inUS, Body: "hello"}); err != nil {
		t.Errorf("opted in again: %v", err)
	}
}

const protectID = "protect-0123456789abcdef"

// guards gives the account protect configurations: its default blocks Britain, filters
// India and monitors Germany; another one, for those who name it, allows all but the US.
func (d *desk) guards(t testing.TB) (other string) {
	t.Helper()
	other = "protect-00000000000other"
	d.change(t, func(tx *resources.Tx) {
		tx.Protect.Put(protectID, sms.ProtectConfiguration{ID: protectID, Overrides: true, Rules: map[sms.Capability]map[string]sms.ProtectStatus{
			sms.CapabilitySMS:   {"GB": sms.ProtectBlock, "IN": sms.ProtectFilter, "DE": sms.ProtectMonitor},
			sms.CapabilityVoice: {"US": sms.ProtectBlock}}})
		tx.Protect.Put(other, sms.ProtectConfiguration{ID: other, Rules: map[sms.Capability]map[string]sms.ProtectStatus{sms.CapabilitySMS: {"US": sms.ProtectBlock}}})
		tx.Settings.Put(sms.SettingsID, sms.Settings{DefaultProtectConfiguration: protectID})
		set := sms.ConfigurationSet{Name: "guarded", ProtectConfigurationID: other}
		tx.ConfigurationSets.Put(set.Name, set)
	})
	return other
}

func TestProtect(t *testing.T) {
	type seen struct {
		country string
		status  sms.ProtectStatus
	}
	counted := map[seen]int{}
	d := newDesk(t, func(o *Options) {
		o.Protected = func(account, country string, s sms.ProtectStatus) {
			if account != customer {
				t.Errorf("account %q", account)
			}
			counted[seen{country, s}]++
		}
	})
	other := d.guards(t)
	override := func(number string, o protect.Override) {
		key, _ := sms.DigitsKey(number)
		d.put(t, store.EntryWrite{Entry: store.Entry{EntryKey: store.EntryKey{List: store.ListID(sms.OverrideList(customer, protectID)...), Key: key},
			At: d.now(), Mark: o.Mark(), Until: o.Until}})
	}
	const allowed, blocked, ended = "+447700900301", "+12065550301", "+12065550302"
	override(allowed, protect.Override{})
	override(blocked, protect.Override{Block: true, Until: d.now().Add(time.Hour)})
	override(ended, protect.Override{Block: true, Until: d.now()})
	byCountry := conflict(sms.ReasonCountryBlockedByProtect, sms.TypeProtectConfiguration)
	byNumber := conflict(sms.ReasonNumberBlockedByProtect, sms.TypeProtectConfiguration)
	ok := refused{}
	for name, c := range map[string]struct {
		request Request
		want    refused
	}{
		"the account's default":                    {Request{Destination: inBritain}, byCountry},
		"checked dry":                              {Request{Destination: inBritain, DryRun: true}, byCountry},
		"no rule":                                  {Request{Destination: inUS}, ok},
		"a number that is let through":             {Request{Destination: allowed}, ok},
		"a number that is blocked":                 {Request{Destination: blocked}, byNumber},
		"an override that has ended":               {Request{Destination: ended}, ok},
		"the configuration set's before":           {Request{Destination: inBritain, ConfigurationSet: "guarded"}, ok},
		"the set's blocks":                         {Request{Destination: inUS, ConfigurationSet: "guarded"}, byCountry},
		"the request's before the set's":           {Request{Destination: inUS, ConfigurationSet: "guarded", ProtectConfiguration: protectID}, ok},
		"the request's, by ARN":                    {Request{Destination: inUS, ProtectConfiguration: arn("protect-configuration/" + other)}, byCountry},
		"monitored":                                {Request{Destination: inGermany}, ok},
		"a set without one has the account's":      {Request{Destination: inBritain, ConfigurationSet: "plain"}, byCountry},
		"the overrides are the configuration's":    {Request{Destination: blocked, ProtectConfiguration: other}, byCountry},
		"an unknown one, whatever else is in use":  {Request{Destination: inUS, ConfigurationSet: "guarded", ProtectConfiguration: "protect-gone"}, notFound(sms.TypeProtectConfiguration)},
		"a verification code is no way around one": {Request{Destination: inBritain, Keyword: "code"}, byCountry},
	} {
		c.request.Body = "hello"
		id, err := "", error(nil)
		if c.request.Keyword == "code" {
			id, err = d.SendVerification(t.Context(), d.account(), c.request, true)
		} else {
			id, err = d.send(c.request)
		}
		if c.want != ok {
			t.Run(name, func(t *testing.T) { c.want.check(t, id, err) })
		} else if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	want := map[seen]int{{"GB", sms.ProtectBlock}: 3, {"US", sms.ProtectBlock}: 4, {"DE", sms.ProtectMonitor}: 1}
	if !maps.Equal(counted, want) {
		t.Errorf("counted %v, want %v", counted, want)
	}
}

// A filtered message is accepted and ends in one transaction: nobody hands it over, and
// it costs nothing, also where there is nothing left to spend.
func TestFiltered(t *testing.T) {
	d := newDesk(t, nil)
	d.guards(t)
	d.limit.Store(0)
	id, err := d.send(Request{Destination: inIndia, Body: "hello", ConfigurationSet: "marketing", MaxPrice: "0.05"})
	if err != nil {
		t.Fatal(err)
	}
	m := d.stored(t, id)
	if m.Price != 0 || m.CarrierFee != 0 || d.spent(t) != 0 {
		t.Errorf("it costs %s and %s USD, %s are spent", m.Price, m.CarrierFee, d.spent(t))
	}
	queued, awaiting, err := d.engine.Open(t.Context(), m.ID)
	if queued != nil || awaiting != nil || err != nil {
		t.Errorf("open: %+v, %+v, %v", queued, awaiting, err)
	}
	events, err := d.engine.MessageEvents(t.Context(), m.ID)
	if err != nil || len(events) != 2 || events[0].Status != sms.StatusQueued || events[1].Status != sms.StatusProtectBlocked ||
		events[0].Final || !events[1].Final || events[1].ConfigurationSet != "marketing" || !events[1].At.Equal(m.AcceptedAt) {
		t.Fatalf("events %+v, %v", events, err)
	}
	if parts := events[1].Detail.Parts; len(parts) != 1 || parts[0].State != sms.PartFinal || !parts[0].SentAt.IsZero() {
		t.Errorf("parts %+v", parts)
	}
	counts, err := d.engine.Counts(t.Context())
	if err != nil || counts != (store.Counts{}) {
		t.Errorf("open rows %+v, %v", counts, err)
	}
	// A price that is too high is told of as with any other message.
	id, err = d.send(Request{Destination: inIndia, Body: "hello", MaxPrice: "0.01"})
	invalid(sms.ReasonPriceOverThreshold, "MaxPrice").check(t, id, err)
}

func TestVerifiedDestinations(t *testing.T) {
	d := newDesk(t, nil)
	d.tier(t, resources.Sandbox)
	verified := func(number string, status sms.VerificationStatus) {
		d.change(t, func(tx *resources.Tx) {
			tx.VerifiedNumbers.Put("verified-"+number[1:], sms.VerifiedNumber{ID: "verified-" + number[1:], Number: number, Status: status})
		})
	}
	verified(inUS, sms.VerificationPending)
	notVerified := conflict(sms.ReasonDestinationNotVerified, sms.TypeVerifiedNumber)
	id, err := d.send(Request{Destination: inUS, Body: "hello"})
	notVerified.check(t, id, err)
	verified(inUS, sms.Verified)
	if _, err := d.send(Request{Destination: "12065550199", Body: "hello"}); err != nil {
		t.Errorf("a verified number: %v", err)
	}
	id, err = d.send(Request{Destination: inBritain, Body: "hello"})
	notVerified.check(t, id, err)
}
