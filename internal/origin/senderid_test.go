package origin

import (
	"testing"

	"heliograph/internal/sms"
)

// The rows of the guide's table "Sender ID support" (chapter 7), in its order.
func TestSenderIDSupport(t *testing.T) {
	const dedicated = sms.IdentityPhoneNumber
	const senderID = sms.IdentitySenderID
	const sharedRoute = sms.IdentitySharedRoute
	british := number("phone-gb", "+447700900001", "GB", sms.LongCode)
	canadian := number("phone-ca", "+14165550199", "CA", sms.LongCode)
	american := number("phone-us", "+12065550199", "US", sms.TenDLC)

	for _, c := range []struct {
		recipient string // "If the recipient is located..."
		message   string // "And your SMS message..."
		from      string // "The message is sent from..."

		to        string
		specifies string // sender ID, empty for none
		account   Account
		want      want
	}{
		{"where Sender ID registration is required", "specifies a Sender ID that has been registered", "the Sender ID",
			inKuwait, "HELIO", Account{SenderIDs: []*sms.SenderID{sender("HELIO", "KW", true)}}, want{"HELIO", senderID, ""}},
		{"where Sender ID registration is required", "doesn't specify a Sender ID", "NOTICE",
			inKuwait, "", Account{}, want{"NOTICE", sharedRoute, ""}},
		{"where Sender ID registration is required", "specifies an unregistered sender ID", "NOTICE",
			inKuwait, "HELIO", Account{}, want{"NOTICE", sharedRoute, ""}},
		{"where Sender ID registration is required", "specifies an unregistered sender ID that the account leases", "NOTICE",
			inKuwait, "HELIO", Account{SenderIDs: []*sms.SenderID{sender("HELIO", "KW", false)}}, want{"NOTICE", sharedRoute, ""}},
		{"where Sender ID registration is required", "specifies one registered in another country", "NOTICE",
			inKuwait, "HELIO", Account{SenderIDs: []*sms.SenderID{sender("HELIO", "QA", true)}}, want{"NOTICE", sharedRoute, ""}},

		{"where Sender IDs are supported without registration", "specifies a Sender ID", "the Sender ID",
			inBritain, "HELIO", Account{}, want{"HELIO", senderID, ""}},
		{"where Sender IDs are supported without registration", "specifies a Sender ID, and the account has a dedicated number", "the Sender ID",
			inBritain, "HELIO", Account{Numbers: []*sms.PhoneNumber{british}}, want{"HELIO", senderID, ""}},
		{"where Sender IDs are supported without registration", "doesn't specify a Sender ID, but the account includes a dedicated number", "the dedicated number",
			inBritain, "", Account{Numbers: []*sms.PhoneNumber{british}}, want{"+447700900001", dedicated, ""}},
		{"where Sender IDs are supported without registration", "doesn't specify a Sender ID, and the account has no dedicated number", "NOTICE",
			inBritain, "", Account{}, want{"NOTICE", sharedRoute, ""}},

		{"where Sender IDs aren't supported", "specifies a Sender ID", "a random long or short code",
			inCanada, "HELIO", Account{}, want{"+447700900999", sharedRoute, ""}},
		{"where Sender IDs aren't supported", "specifies a Sender ID, and the account has a dedicated number", "the dedicated number",
			inCanada, "HELIO", Account{Numbers: []*sms.PhoneNumber{canadian}}, want{"+14165550199", dedicated, ""}},
		{"where Sender IDs aren't supported", "doesn't specify a Sender ID", "a random long or short code",
			inCanada, "", Account{}, want{"+447700900999", sharedRoute, ""}},
		{"in the United States", "specifies a Sender ID, and the account has a dedicated US number", "the dedicated number",
			inUS, "HELIO", Account{Numbers: []*sms.PhoneNumber{american}}, want{"+12065550199", dedicated, ""}},
		{"in the United States", "specifies a Sender ID, and the account has no dedicated US number", "nothing: it isn't delivered",
			inUS, "HELIO", Account{}, want{reason: sms.ReasonNoOriginationIdentitiesFound}},
		{"in the United States", "doesn't specify a Sender ID, and the account has no dedicated US number", "nothing: it isn't delivered",
			inUS, "", Account{}, want{reason: sms.ReasonNoOriginationIdentitiesFound}},
		{"in China", "specifies a Sender ID", "nothing: there are no shared routes",
			inChina, "HELIO", Account{}, want{reason: sms.ReasonNoOriginationIdentitiesFound}},
		{"in China", "doesn't specify a Sender ID", "nothing: there are no shared routes",
			inChina, "", Account{}, want{reason: sms.ReasonNoOriginationIdentitiesFound}},

		{"in Singapore", "specifies a registered Sender ID", "the Sender ID",
			inSingapore, "HELIO", Account{SenderIDs: []*sms.SenderID{sender("HELIO", "SG", true)}}, want{"HELIO", senderID, ""}},
		{"in Singapore", "specifies a Sender ID that is not registered", "LIKELY-SCAM",
			inSingapore, "HELIO", Account{}, want{"LIKELY-SCAM", senderID, ""}},
		{"in Singapore", "specifies a leased Sender ID that is not registered", "LIKELY-SCAM",
			inSingapore, "HELIO", Account{SenderIDs: []*sms.SenderID{sender("HELIO", "SG", false)}}, want{"LIKELY-SCAM", senderID, ""}},
		{"in Singapore", "doesn't specify a Sender ID", "NOTICE",
			inSingapore, "", Account{}, want{"NOTICE", sharedRoute, ""}},

		{"in India", "specifies a registered Sender ID", "the Sender ID",
			inIndia, "HELIOG", Account{SenderIDs: []*sms.SenderID{sender("HELIOG", "IN", true)}}, want{"HELIOG", senderID, ""}},
		{"in India", "specifies an unregistered Sender ID of six letters", "NOTICE",
			inIndia, "HELIOG", Account{}, want{"NOTICE", sharedRoute, ""}},
		{"in India", "specifies one that has not six characters", "nothing: no Sender ID of India is like that",
			inIndia, "HELIO", Account{}, want{reason: sms.ReasonInvalidParameter}},
	} {
		t.Run(c.recipient+"/"+c.message+"/"+c.from, func(t *testing.T) {
			d, a := to(t, c.to), c.account
			a.ID, a.Shared = "111122223333", everywhere
			var r sms.Route
			var err error
			if c.specifies == "" {
				r, err = Any(d, a, "", "", State{})
			} else {
				r, err = SenderID(d, a, c.specifies, lease(a, c.specifies, d.Country.ISO2), "", State{})
			}
			c.want.check(t, r, err)
		})
	}
}

func lease(a Account, senderID, country string) *sms.SenderID {
	for _, s := range a.SenderIDs {
		if s.SenderID == senderID && s.Country == country {
			return s
		}
	}
	return nil
}

func TestSenderIDForm(t *testing.T) {
	a := Account{ID: "111122223333", Shared: everywhere}
	for _, c := range []struct {
		to, senderID string
		messageType  sms.MessageType
		want         want
	}{
		{inBritain, "A", "", want{"A", sms.IdentitySenderID, ""}},
		{inBritain, "ELEVEN-char", "", want{"ELEVEN-char", sms.IdentitySenderID, ""}},
		{inBritain, "TWELVE-chars", "", want{reason: sms.ReasonInvalidParameter}},
		{inBritain, "HE LIO", "", want{reason: sms.ReasonInvalidParameter}},
		{inBritain, "--", "", want{reason: sms.ReasonInvalidParameter}},
		{inUS, "HE+LIO", "", want{reason: sms.ReasonInvalidParameter}}, // also where none are supported
		{inIndia, "123456", sms.Promotional, want{"NOTICE", sms.IdentitySharedRoute, ""}},
		{inIndia, "123456", sms.Transactional, want{reason: sms.ReasonInvalidParameter}},
		{inBritain, "123456", sms.Promotional, want{reason: sms.ReasonInvalidParameter}},
	} {
		r, err := SenderID(to(t, c.to), a, c.senderID, nil, c.messageType, State{})
		c.want.check(t, r, err)
	}
	// One that was leased has been checked: it needs no message type to be good.
	digits := sender("123456", "IN", true)
	r, err := SenderID(to(t, inIndia), a, "123456", digits, "", State{})
	want{"123456", sms.IdentitySenderID, ""}.check(t, r, err)
}

func TestSenderIDRoute(t *testing.T) {
	a := Account{ID: "111122223333", DefaultCarrier: "fallback"}
	d := to(t, inBritain)

	r, err := SenderID(d, a, "HELIO", nil, "", State{})
	if err != nil || r.Carrier != "fallback" || r.PartsPerSecond != 10 || r.Lane != "sender-id/111122223333/HELIO/GB" || r.IdentityID != "HELIO/GB" {
		t.Errorf("a sender ID that nobody leases: %+v, %v", r, err)
	}
	a.Shared = everywhere
	if r, _ = SenderID(d, a, "HELIO", nil, "", State{}); r.Carrier != "gamma" {
		t.Errorf("the country's default route is %s", r.Carrier)
	}
	own := sender("HELIO", "GB", false)
	own.PartsPerSecond, own.PoolIDs = 40, []string{"pool-1"}
	if r, _ = SenderID(d, a, "HELIO", own, "", State{}); r.Carrier != "beta" || r.PartsPerSecond != 40 || r.PoolID != "" {
		t.Errorf("a leased sender ID: %+v", r)
	}
	// Singapore's own route, though it is seen as LIKELY-SCAM.
	if r, _ = SenderID(to(t, inSingapore), Account{ID: "111122223333"}, "HELIO", sender("HELIO", "SG", false), "", State{}); r.Carrier != "beta" ||
		r.Lane != "sender-id/111122223333/HELIO/SG" || r.IdentityID != "HELIO/SG" {
		t.Errorf("an unregistered sender ID of Singapore: %+v", r)
	}
}

func TestSharedRoutes(t *testing.T) {
	d := to(t, inBritain)
	route := func(d Destination, routes ...sms.SharedRoute) (sms.Route, error) {
		return Any(d, Account{ID: "111122223333", Shared: routes}, "", "", State{})
	}

	r, err := route(d, everywhere[0], sms.SharedRoute{Countries: []string{"FR", "GB"}, Carrier: "local", SenderID: "HELLO", PartsPerSecond: 7})
	if err != nil || r.Carrier != "local" || r.Identity != "HELLO" || r.PartsPerSecond != 7 || r.Lane != "shared-route/local/HELLO" || r.IdentityID != "" {
		t.Errorf("the route that names the country comes first: %+v, %v", r, err)
	}
	r, err = route(d, sms.SharedRoute{Countries: []string{"*"}, Carrier: "any"})
	if err != nil || r.Identity != "NOTICE" || r.PartsPerSecond != 20 {
		t.Errorf("a route without a sender ID shows NOTICE at the guide's 20: %+v, %v", r, err)
	}
	r, err = route(d, sms.SharedRoute{Countries: []string{"FR"}, Carrier: "any"})
	want{reason: sms.ReasonNoOriginationIdentitiesFound}.check(t, r, err)
	r, err = route(d)
	want{reason: sms.ReasonNoOriginationIdentitiesFound}.check(t, r, err)
	r, err = route(to(t, inCanada), sms.SharedRoute{Countries: []string{"*"}, Carrier: "any", SenderID: "NOTICE"})
	want{reason: sms.ReasonNoOriginationIdentitiesFound}.check(t, r, err)
}
