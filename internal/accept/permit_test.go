package accept

import (
	"errors"
	"slices"
	"testing"

	"heliograph/internal/sms"
)

// Where a request names no identity, who sends has to be allowed the one that is chosen,
// before anything about the recipient is looked at.
func TestPermitOfWhatIsChosen(t *testing.T) {
	d := newDesk(t, nil)
	refusal := &sms.Error{Kind: sms.KindAccessDenied, Message: "no"}
	var asked []string
	ask := func(to, from string, answer error) error {
		asked = nil
		_, err := d.Send(t.Context(), d.account(), Request{Destination: to, OriginationIdentity: from, Body: "hello",
			Permit: func(arn string) error { asked = append(asked, arn); return answer }})
		return err
	}
	for _, c := range []struct{ to, from, arn string }{
		{inUS, "", arn("phone-number/" + numberUS)},
		{inBritain, "", ""},
		{inUS, numberUS, ""},
	} {
		if err := ask(c.to, c.from, nil); err != nil {
			t.Errorf("to %s from %q: %v", c.to, c.from, err)
		}
		if c.from != "" && asked != nil || c.arn != "" && !slices.Equal(asked, []string{c.arn}) || c.from == "" && len(asked) != 1 {
			t.Errorf("to %s from %q: asked about %v", c.to, c.from, asked)
		}
		if c.from == "" {
			if err := ask(c.to, "", refusal); !errors.Is(err, refusal) {
				t.Errorf("to %s, denied: %v", c.to, err)
			}
		}
	}
	if err := ask("+12", "", refusal); errors.Is(err, refusal) || err == nil {
		t.Errorf("a destination that cannot be read comes first: %v", err)
	}
	shared := sms.Route{Kind: sms.IdentitySharedRoute, Identity: "NOTICE"}
	if got := chosenARN(d.account(), shared); got != "*" {
		t.Errorf("a shared route is asked about as %s", got)
	}
	if got, want := chosenARN(d.account(), sms.Route{Kind: sms.IdentitySenderID, IdentityID: "HELIO/GB"}), arn("sender-id/HELIO/GB"); got != want {
		t.Errorf("a sender ID is asked about as %s", got)
	}
}
