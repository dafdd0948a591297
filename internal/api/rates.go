package api

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"heliograph/internal/api/wire"
	"heliograph/internal/sms"
	"heliograph/internal/throttle"
)

// burst is how many requests may come at once, after a pause, to an operation
// that has a request rate.
const burst = 25

// guideTenPerSecond are the operations that the guide gives 10 requests a second
// (chapter 17); guideOnePerSecond those it gives one. For the others it has no
// figure, and they have no limit.
var (
	guideTenPerSecond = []string{"PutOptedOutNumber", "DeleteOptedOutNumber", "ListTagsForResource"}
	guideOnePerSecond = []string{
		"DescribeAccountAttributes", "DescribeAccountLimits", "DescribeSpendLimits",
		"SetTextMessageSpendLimitOverride", "SetVoiceMessageSpendLimitOverride",
		"DeleteTextMessageSpendLimitOverride", "DeleteVoiceMessageSpendLimitOverride",
		"DescribePhoneNumbers", "RequestPhoneNumber", "UpdatePhoneNumber", "ReleasePhoneNumber",
		"DescribeSenderIds", "RequestSenderId", "UpdateSenderId", "ReleaseSenderId",
		"DescribePools", "CreatePool", "UpdatePool", "DeletePool", "ListPoolOriginationIdentities",
		"AssociateOriginationIdentity", "DisassociateOriginationIdentity",
		"DescribeConfigurationSets", "CreateConfigurationSet", "DeleteConfigurationSet",
		"CreateEventDestination", "UpdateEventDestination", "DeleteEventDestination",
		"SetDefaultMessageType", "SetDefaultSenderId", "DeleteDefaultMessageType", "DeleteDefaultSenderId",
		"DescribeOptOutLists", "CreateOptOutList", "DeleteOptOutList", "DescribeOptedOutNumbers",
		"DescribeKeywords", "PutKeyword", "DeleteKeyword", "TagResource", "UntagResource",
		"CreateRegistration", "CreateRegistrationAssociation", "CreateRegistrationAttachment",
		"CreateRegistrationVersion", "CreateVerifiedDestinationNumber", "DeleteRegistration",
		"DeleteRegistrationAttachment", "DeleteRegistrationFieldValue", "DeleteVerifiedDestinationNumber",
		"DescribeRegistrationAttachments", "DescribeRegistrationFieldDefinitions",
		"DescribeRegistrationFieldValues", "DescribeRegistrations", "DescribeRegistrationSectionDefinitions",
		"DescribeRegistrationTypeDefinitions", "DescribeRegistrationVersions",
		"DescribeVerifiedDestinationNumbers", "ListRegistrationAssociations", "PutRegistrationFieldValue",
		"SendDestinationNumberVerificationCode", "SubmitRegistrationVersion", "VerifyDestinationNumber",
	}
)

// Rates are the requests a second that each account may make to an operation, by
// its name. An operation that is not there has no limit.
type Rates map[string]float64

// GuideRates are the guide's quotas (chapter 17), each with a burst of 25.
func GuideRates() Rates {
	r := Rates{}
	for _, name := range guideOnePerSecond {
		r[name] = 1
	}
	for _, name := range guideTenPerSecond {
		r[name] = 10
	}
	return r
}

// UnlimitedRates limit nothing.
func UnlimitedRates() Rates { return Rates{} }

// With is r with the rates of some operations replaced; 0 takes the limit away. An
// operation that the API model does not have, and a negative rate, are errors that
// name the operation.
func (r Rates) With(changed map[string]float64) (Rates, error) {
	next := maps.Clone(r)
	for _, name := range slices.Sorted(maps.Keys(changed)) {
		rate := changed[name]
		if _, ok := wire.Lookup(name); !ok {
			return nil, fmt.Errorf("request rate of %q: there is no such operation", name)
		}
		if !(rate >= 0) {
			return nil, fmt.Errorf("request rate of %s: %v is not a number of requests a second; 0 is no limit", name, rate)
		}
		next[name] = rate
	}
	return next, nil
}

// limiter holds one operation to its rate, account by account.
type limiter struct {
	operation string
	perSecond float64
	shared    Taker    // nil: this node alone answers
	accounts  sync.Map // *throttle.Limiter or *sharedRate by account id
}

// newLimiter gives nil for an operation without a limit.
func (r Rates) newLimiter(operation string, shared Taker) *limiter {
	if r[operation] <= 0 {
		return nil
	}
	return &limiter{operation: operation, perSecond: r[operation], shared: shared}
}

// take counts one request of the account, or refuses it.
func (l *limiter) take(account string, now time.Time) error {
	if l == nil {
		return nil
	}
	of, ok := l.accounts.Load(account)
	if !ok {
		of, _ = l.accounts.LoadOrStore(account, l.of(account, now))
	}
	passed, err := true, error(nil)
	switch of := of.(type) {
	case *throttle.Limiter:
		_, passed = of.Allow(now)
	case *sharedRate:
		passed, err = of.take(now)
	}
	switch {
	case err != nil:
		refusal := sms.Throttled("Rate cannot be checked just now; try again.")
		refusal.Err = err
		return refusal
	case !passed:
		return sms.Throttled("Rate exceeded: the account may make %g requests a second to this operation.", l.perSecond)
	}
	return nil
}

// of makes what holds one account to the rate.
func (l *limiter) of(account string, now time.Time) any {
	if l.shared == nil {
		return throttle.NewLimiter(l.perSecond, burst, now)
	}
	return newSharedRate(l.shared, l.operation+"/"+account, l.perSecond)
}
