package sms_test

import (
	"testing"

	"heliograph/internal/sms"
)

func TestPriceKind(t *testing.T) {
	for want, r := range map[string]sms.Route{
		"TOLL_FREE":    {Kind: sms.IdentityPhoneNumber, NumberType: sms.TollFree},
		"SIMULATOR":    {Kind: sms.IdentityPhoneNumber, NumberType: sms.Simulator},
		"SENDER_ID":    {Kind: sms.IdentitySenderID},
		"SHARED_ROUTE": {Kind: sms.IdentitySharedRoute},
	} {
		if got := r.PriceKind(); got != want {
			t.Errorf("%+v is %s", r, got)
		}
	}
}
