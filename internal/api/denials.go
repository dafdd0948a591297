package api

import (
	"errors"

	"heliograph/internal/api/service"
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

// denied is how a request is refused that err is the outcome of: as it is, or as throttled
// where it was denied and the account is denied too often. Request rates are taken after
// authorization, so that others of the account do not pay for what one may not do; so what
// is denied has a rate of its own.
func (s *session) denied(err error) error {
	if err == nil || !isDenial(err) {
		return err
	}
	if _, ok := s.api.denials.Allow(s.call.AccountID, s.began); ok {
		return err
	}
	return sms.Throttled("Rate exceeded: more than %d requests a second of the account are denied.", denialsPerSecond)
}

// isDenial reports whether err says that the caller has no permission, in the API's words or
// in those of a service.
func isDenial(err error) bool {
	if e, ok := errors.AsType[*service.Exception](err); ok {
		return e.Code == service.AccessDenied || e.Code == "AccessDenied" || e.Code == "AuthorizationError"
	}
	e, ok := sms.AsError(err)
	return ok && e.Kind == sms.KindAccessDenied
}
