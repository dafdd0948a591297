package origin

import (
	"errors"
	"testing"

	"heliograph/internal/numbering"
	"heliograph/internal/sms"
)

// to is a recipient in a country.
func to(t testing.TB, number string) Destination {
	t.Helper()
	n, err := numbering.Parse(number)
	if err != nil {
		t.Fatalf("%s: %v", number, err)
	}
	country, ok := numbering.Lookup(n.Country)
	if !ok {
		t.Fatalf("%s is not served", n.Country)
	}
	_, _, simulator := numbering.Simulator(n.E164)
	return Destination{Number: n.E164, Country: country, Simulator: simulator}
}

// Recipients.
const (
	inIndia       = "+919876543210"
	inKuwait      = "+96550012345"
	inBritain     = "+447700900123"
	inGermany     = "+4915123456789"
	inSingapore   = "+6581234567"
	inCanada      = "+14165550123"
	inUS          = "+12065550100"
	inPuertoRico  = "+17875550123"
	inVirginIsles = "+13405550123"
	inGuam        = "+16715550123"
	inSamoa       = "+16845550123"
	inChina       = "+8613812345678"
	inPhilippines = "+639171234567"
	inSaudiArabia = "+966501234567"
	inEmirates    = "+971501234567"
	inFrance      = "+33612345678"
	simulatorUS   = "+14254147755"
	simulatorGB   = "+447860019066"
)

func number(id, e164, country string, kind sms.NumberType) *sms.PhoneNumber {
	return &sms.PhoneNumber{ID: id, Number: e164, Country: country, Type: kind, Capabilities: []sms.Capability{sms.CapabilitySMS, sms.CapabilityVoice},
		MessageType: sms.Transactional, Status: sms.NumberActive, Carrier: "acme", PartsPerSecond: 10}
}

func sender(id, country string, registered bool) *sms.SenderID {
	return &sms.SenderID{SenderID: id, Country: country, Registered: registered, Carrier: "beta", PartsPerSecond: 10,
		MessageTypes: []sms.MessageType{sms.Transactional, sms.Promotional}}
}

// everywhere is an operator's shared route for all countries.
var everywhere = []sms.SharedRoute{{Countries: []string{"*"}, Carrier: "gamma", SenderID: "NOTICE", Number: "+447700900999"}}

// want is what a choice has to be: an identity of a kind, or a Reason.
type want struct {
	identity string
	kind     sms.IdentityKind
	reason   sms.Reason
}

func (w want) check(t testing.TB, r sms.Route, err error) {
	t.Helper()
	if w.reason != "" {
		if got := reasonOf(err); got != w.reason {
			t.Errorf("sent from %q, %v; want %s", r.Identity, err, w.reason)
		}
		return
	}
	if err != nil {
		t.Errorf("%v; want %s", err, w.identity)
		return
	}
	if r.Identity != w.identity || r.Kind != w.kind {
		t.Errorf("sent from %s %s (%s), want %s %s", r.Kind, r.Identity, r.Why, w.kind, w.identity)
	}
	if r.Carrier == "" || r.Lane == "" || r.Why == "" || r.PartsPerSecond <= 0 {
		t.Errorf("incomplete route %+v", r)
	}
}

func reasonOf(err error) sms.Reason {
	var e *sms.Error
	if errors.As(err, &e) {
		return e.Reason
	}
	return ""
}
