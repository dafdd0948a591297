package origin

import (
	"fmt"
	"testing"

	"heliograph/internal/sms"
)

// Phone numbers belong to one country (guide chapter 5, "Choosing a phone number
// or sender ID"); those of the United States serve its territories too.
func TestNumberReaches(t *testing.T) {
	const here = ""
	const elsewhere = sms.ReasonInvalidIdentityForCountry
	unitedStates := []string{inUS, inPuertoRico, inVirginIsles, inGuam, inSamoa}
	for _, c := range []struct {
		kind    sms.NumberType
		country string
		to      []string
		reason  sms.Reason
	}{
		{sms.TollFree, "US", unitedStates, here},
		{sms.TenDLC, "US", unitedStates, here},
		{sms.ShortCode, "US", unitedStates, here},
		{sms.TollFree, "US", []string{inCanada, inBritain, simulatorGB}, elsewhere},
		{sms.TenDLC, "US", []string{inCanada, inBritain}, elsewhere},
		{sms.LongCode, "GB", []string{inBritain, simulatorGB}, here},
		{sms.LongCode, "GB", []string{inGermany, inUS, simulatorUS}, elsewhere},
		{sms.ShortCode, "CA", []string{inCanada}, here},
		{sms.ShortCode, "CA", []string{inUS}, elsewhere},
		{sms.Simulator, "US", []string{simulatorUS}, here},
		{sms.Simulator, "US", []string{simulatorGB, inUS, inPuertoRico, inBritain}, elsewhere},
		{sms.LongCode, "PH", []string{inPhilippines, inUS}, elsewhere}, // they only receive
		{sms.LongCode, "SA", []string{inSaudiArabia}, elsewhere},
		{sms.LongCode, "AE", []string{inEmirates}, elsewhere},
		{sms.ShortCode, "AE", []string{inEmirates}, here},
	} {
		for _, recipient := range c.to {
			n := number("phone-1", "+19995550100", c.country, c.kind)
			d := to(t, recipient)
			r, err := Number(d, n)
			if got := reasonOf(err); got != c.reason || (err == nil) != (c.reason == "") {
				t.Errorf("%s of %s to %s: %v; want %q", c.kind, c.country, d.Country.ISO2, err, c.reason)
			}
			if err == nil && (r.Identity != n.Number || r.IdentityID != n.ID || r.NumberType != c.kind || r.Lane != "phone-number/phone-1" || r.PoolID != "") {
				t.Errorf("%s of %s to %s: %+v", c.kind, c.country, d.Country.ISO2, r)
			}
		}
	}
}

func TestInternationalSending(t *testing.T) {
	for _, c := range []struct {
		kind    sms.NumberType
		country string
		to      string
		reason  sms.Reason
	}{
		{sms.LongCode, "GB", inGermany, ""},
		{sms.LongCode, "GB", inBritain, ""},
		{sms.TollFree, "US", inCanada, ""},
		{sms.LongCode, "PH", inPhilippines, sms.ReasonInvalidIdentityForCountry},
		{sms.LongCode, "PH", inGermany, sms.ReasonInvalidIdentityForCountry},
		{sms.Simulator, "US", simulatorGB, sms.ReasonInvalidIdentityForCountry},
		{sms.Simulator, "US", inCanada, sms.ReasonInvalidIdentityForCountry},
	} {
		n := number("phone-1", "+19995550100", c.country, c.kind)
		n.InternationalSending = true
		if _, err := Number(to(t, c.to), n); reasonOf(err) != c.reason || (err == nil) != (c.reason == "") {
			t.Errorf("%s of %s to %s: %v; want %q", c.kind, c.country, c.to, err, c.reason)
		}
	}
}

// Of several obstacles the first in this order is named: capability, country,
// state.
func TestNumberRefusals(t *testing.T) {
	d := to(t, inBritain)
	n := number("phone-1", "+33600000001", "FR", sms.LongCode)
	n.Status, n.Capabilities = sms.NumberPending, []sms.Capability{sms.CapabilityVoice}
	for _, step := range []struct {
		reason sms.Reason
		mend   func()
	}{
		{sms.ReasonNumberCapabilitiesMismatch, func() { n.Capabilities = append(n.Capabilities, sms.CapabilitySMS) }},
		{sms.ReasonInvalidIdentityForCountry, func() { n.Country = "GB" }},
		{sms.ReasonResourceNotActive, func() { n.Status = sms.NumberDisassociating }},
		{sms.ReasonResourceNotActive, func() { n.Status = sms.NumberActive }},
	} {
		if _, err := Number(d, n); reasonOf(err) != step.reason {
			t.Errorf("%v; want %s", err, step.reason)
		}
		step.mend()
	}
	if _, err := Number(d, n); err != nil {
		t.Error(err)
	}
}

func TestAny(t *testing.T) {
	with := func(n *sms.PhoneNumber, edit func(*sms.PhoneNumber)) *sms.PhoneNumber {
		edit(n)
		return n
	}
	promotional := func(n *sms.PhoneNumber) { n.MessageType = sms.Promotional }
	abroad := func(n *sms.PhoneNumber) { n.InternationalSending = true }
	pending := func(n *sms.PhoneNumber) { n.Status = sms.NumberPending }
	gb := func(id string) *sms.PhoneNumber { return number(id, id, "GB", sms.LongCode) }
	fr := func(id string) *sms.PhoneNumber { return number(id, id, "FR", sms.LongCode) }
	numbers := func(n ...*sms.PhoneNumber) Account { return Account{Numbers: n} }
	onlyPromotional := sender("PROMO", "GB", false)
	onlyPromotional.MessageTypes = []sms.MessageType{sms.Promotional}
	const phone, senderID, sharedRoute = sms.IdentityPhoneNumber, sms.IdentitySenderID, sms.IdentitySharedRoute

	for name, c := range map[string]struct {
		to            string
		account       Account
		defaultSender string
		messageType   sms.MessageType
		state         State
		want          want
	}{
		"the oldest number of the country": {inBritain, numbers(gb("first"), gb("second")), "", "", State{}, want{"first", phone, ""}},
		"the transactional one where no type is asked for": {inBritain, numbers(with(gb("first"), promotional), gb("second")), "", "", State{},
			want{"second", phone, ""}},
		"the promotional one where that is asked for": {inBritain, numbers(gb("first"), with(gb("second"), promotional)), "", sms.Promotional, State{},
			want{"second", phone, ""}},
		"one of the other type rather than none": {inBritain, numbers(with(gb("first"), promotional)), "", sms.Transactional, State{}, want{"first", phone, ""}},
		"the recipient's own country before the United States": {inPuertoRico, numbers(number("us", "us", "US", sms.TollFree), number("pr", "pr", "PR", sms.LongCode)), "", "", State{},
			want{"pr", phone, ""}},
		"a pending one is passed over":       {inBritain, numbers(with(gb("first"), pending), gb("second")), "", "", State{}, want{"second", phone, ""}},
		"only a pending one: a shared route": {inBritain, numbers(with(gb("first"), pending)), "", "", State{}, want{"NOTICE", sharedRoute, ""}},
		"only a pending one in the US":       {inUS, numbers(with(number("us", "us", "US", sms.TenDLC), pending)), "", "", State{}, want{reason: sms.ReasonNoOriginationIdentitiesFound}},
		"one whose carrier is up": {inBritain, numbers(with(gb("first"), func(n *sms.PhoneNumber) { n.Carrier = "down" }), gb("second")), "", "",
			State{Healthy: func(c string) bool { return c != "down" }}, want{"second", phone, ""}},
		"the least loaded": {inBritain, numbers(gb("first"), gb("second"), gb("third")), "", "",
			State{Backlog: func(lane string) float64 {
				return map[string]float64{"phone-number/first": 3, "phone-number/second": 1, "phone-number/third": 2}[lane]
			}},
			want{"second", phone, ""}},
		"a simulator number to the simulator":            {simulatorUS, numbers(number("sim", "sim", "US", sms.Simulator)), "", "", State{}, want{"sim", phone, ""}},
		"a simulator number to nobody else":              {inUS, numbers(number("sim", "sim", "US", sms.Simulator)), "", "", State{}, want{reason: sms.ReasonNoOriginationIdentitiesFound}},
		"numbers of another country":                     {inUS, numbers(gb("first")), "", "", State{}, want{reason: sms.ReasonNoOriginationIdentitiesFound}},
		"long codes that only receive":                   {inPhilippines, numbers(number("ph", "ph", "PH", sms.LongCode)), "", "", State{}, want{"NOTICE", sharedRoute, ""}},
		"a number before the default sender ID":          {inBritain, numbers(gb("first")), "HELIO", "", State{}, want{"first", phone, ""}},
		"the default sender ID before shared routes":     {inBritain, Account{}, "HELIO", "", State{}, want{"HELIO", senderID, ""}},
		"the default sender ID before own ones":          {inBritain, Account{SenderIDs: []*sms.SenderID{sender("OWN", "GB", false)}}, "HELIO", "", State{}, want{"HELIO", senderID, ""}},
		"the default sender ID before numbers abroad":    {inBritain, numbers(with(fr("first"), abroad)), "HELIO", "", State{}, want{"HELIO", senderID, ""}},
		"own sender IDs before numbers abroad":           {inBritain, Account{Numbers: []*sms.PhoneNumber{with(fr("first"), abroad)}, SenderIDs: []*sms.SenderID{sender("OWN", "GB", false)}}, "", "", State{}, want{"OWN", senderID, ""}},
		"numbers abroad before shared routes":            {inBritain, numbers(fr("first"), with(fr("second"), abroad)), "", "", State{}, want{"second", phone, ""}},
		"a number of the country before one abroad":      {inBritain, numbers(with(fr("first"), abroad), with(gb("second"), promotional)), "", "", State{}, want{"second", phone, ""}},
		"no sender IDs in Canada: numbers abroad":        {inCanada, numbers(with(fr("first"), abroad)), "HELIO", "", State{}, want{"first", phone, ""}},
		"no sender IDs in Canada: shared routes":         {inCanada, Account{}, "HELIO", "", State{}, want{"+447700900999", sharedRoute, ""}},
		"sender IDs of another country":                  {inBritain, Account{SenderIDs: []*sms.SenderID{sender("OWN", "DE", false)}}, "", "", State{}, want{"NOTICE", sharedRoute, ""}},
		"the sender ID for transactional messages":       {inBritain, Account{SenderIDs: []*sms.SenderID{onlyPromotional, sender("OWN", "GB", false)}}, "", "", State{}, want{"OWN", senderID, ""}},
		"a sender ID of the other type rather than none": {inBritain, Account{SenderIDs: []*sms.SenderID{onlyPromotional}}, "", sms.Transactional, State{}, want{"PROMO", senderID, ""}},
		"an unregistered default in Kuwait":              {inKuwait, Account{}, "HELIO", "", State{}, want{"NOTICE", sharedRoute, ""}},
		"a registered default in Kuwait":                 {inKuwait, Account{SenderIDs: []*sms.SenderID{sender("HELIO", "KW", true)}}, "HELIO", "", State{}, want{"HELIO", senderID, ""}},
		"an own registered one in Kuwait":                {inKuwait, Account{SenderIDs: []*sms.SenderID{sender("OTHER", "KW", false), sender("OWN", "KW", true)}}, "HELIO", "", State{}, want{"OWN", senderID, ""}},
		"an unregistered default in Singapore":           {inSingapore, Account{}, "HELIO", "", State{}, want{"LIKELY-SCAM", senderID, ""}},
		"own registered before it in Singapore":          {inSingapore, Account{SenderIDs: []*sms.SenderID{sender("OWN", "SG", true)}}, "HELIO", "", State{}, want{"OWN", senderID, ""}},
		"a default that is no sender ID in India":        {inIndia, Account{}, "HELIO", "", State{}, want{"NOTICE", sharedRoute, ""}},
	} {
		c.account.ID, c.account.Shared = "111122223333", everywhere
		t.Run(name, func(t *testing.T) {
			r, err := Any(to(t, c.to), c.account, c.defaultSender, c.messageType, c.state)
			c.want.check(t, r, err)
		})
	}

	inPool := gb("first")
	inPool.PoolID = "pool-1"
	if r, _ := Any(to(t, inBritain), numbers(inPool), "", "", State{}); r.PoolID != "pool-1" {
		t.Errorf("a number that was not asked for may be replaced by its pool: %+v", r)
	}
	if r, _ := Number(to(t, inBritain), inPool); r.PoolID != "" {
		t.Errorf("a number that was asked for may not: %+v", r)
	}
}

func BenchmarkPool(b *testing.B) {
	d := to(b, inBritain)
	for _, members := range []int{1, 4, 100} {
		var numbers []*sms.PhoneNumber
		for i := range members {
			id := fmt.Sprintf("phone-%032d", i)
			numbers = append(numbers, number(id, fmt.Sprintf("+4477009%05d", i), "GB", sms.LongCode))
		}
		state := State{Healthy: func(string) bool { return true }, Backlog: func(string) float64 { return 0 }, Last: func(string, string) string { return "" }}
		b.Run(fmt.Sprintf("%d members", members), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Pool(d, Account{}, &sms.Pool{ID: "pool-1"}, numbers, nil, state); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
