package api

import (
	"errors"

	"heliograph/internal/sms"
)

const (
	// denialsPerSecond and denialsBurst are the requests of an account that are denied
	// with a word on why, at one node; each has a record in the audit log. More of them are
	// throttled, whose records are few.
	denialsPerSecond = 25
	denialsBurst     = 500
	// denialAccounts is how many accounts are remembered at least.
	denialAccounts = 5_000
)

// denied is how a request is refused that authorization found err with. Request rates
// are taken after authorization, so that others of the account do not pay for what one
// may not do; so what is denied has a rate of its own.
func (s *session) denied(err error) error {
	if e, ok := errors.AsType[*sms.Error](err); !ok || e.Kind != sms.KindAccessDenied {
		return err
	}
	if _, ok := s.api.denials.Allow(s.call.AccountID, s.began); ok {
		return err
	}
	return sms.Throttled("Rate exceeded: more than %d requests a second of the account are denied.", denialsPerSecond)
}
