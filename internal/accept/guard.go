package accept

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"heliograph/internal/optout"
	"heliograph/internal/origin"
	"heliograph/internal/protect"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// guard makes the checks of whether the destination may be written to, once it is known
// where from: the protect configuration, the opt-out lists, the sandbox. It says what
// the protect configuration does with the message.
//
// Errors: ResourceNotFound and Validation INVALID_ARN for the protect configuration that
// the request names; Conflict DESTINATION_COUNTRY_BLOCKED_BY_PROTECT_CONFIGURATION,
// DESTINATION_PHONE_NUMBER_BLOCKED_BY_PROTECT_NUMBER_OVERRIDE,
// DESTINATION_PHONE_NUMBER_OPTED_OUT, DESTINATION_PHONE_NUMBER_NOT_VERIFIED.
func (v *Service) guard(ctx context.Context, s *resources.Snapshot, r *Request, t terms, set *sms.ConfigurationSet,
	d origin.Destination, route *sms.Route, now time.Time) (sms.ProtectStatus, error) {
	if t.answers {
		return sms.ProtectAllow, nil
	}
	status, err := v.protect(ctx, s, r, set, d, now)
	if err != nil {
		return "", err
	}
	if err := v.optedOut(ctx, r.owner(s), d, route); err != nil {
		return "", err
	}
	if s.Account.Tier == resources.Production || d.Simulator || t.unverified {
		return status, nil
	}
	if n := s.Verified(d.Number); n == nil || n.Value.Status != sms.Verified {
		return "", sms.Conflict(sms.ReasonDestinationNotVerified, sms.TypeVerifiedNumber, r.Destination,
			"The account is in the sandbox, where messages go only to verified destination numbers and to the simulator's.")
	}
	return status, nil
}

// protect finds the protect configuration that holds for a message, and says what
// becomes of the message by it.
func (v *Service) protect(ctx context.Context, s *resources.Snapshot, r *Request, set *sms.ConfigurationSet, d origin.Destination, now time.Time) (sms.ProtectStatus, error) {
	named, err := v.protectConfiguration(s, r.ProtectConfiguration)
	if err != nil {
		return "", err
	}
	ofSet := ""
	if set != nil {
		ofSet = set.ProtectConfigurationID
	}
	id := protect.Applies(named, ofSet, s.Settings().DefaultProtectConfiguration)
	if id == "" {
		return sms.ProtectAllow, nil
	}
	item := s.Protect.Get(id)
	if item == nil {
		return "", fmt.Errorf("protect configuration %s of account %s is in use, and not there", id, s.Account.ID)
	}
	var override *protect.Override
	if item.Value.Overrides {
		if override, err = v.override(ctx, s.Account.ID, id, d.Number); err != nil {
			return "", err
		}
	}
	decision := protect.Decide(&item.Value, override, d.Country.ISO2, sms.CapabilitySMS, now)
	if err := decision.Refusal(id, d.Country.ISO2); err != nil {
		if !r.DryRun {
			v.protected(s.Account.ID, d.Country.ISO2, decision.Status)
		}
		return "", err
	}
	return decision.Status, nil
}

// override is the number override of a protect configuration, nil for none.
func (v *Service) override(ctx context.Context, account, configuration, number string) (*protect.Override, error) {
	key, ok := sms.DigitsKey(number)
	if !ok {
		return nil, nil
	}
	found, err := v.entries.Entries(ctx, []store.EntryKey{{List: store.ListID(sms.OverrideList(account, configuration)...), Key: key}})
	if err != nil {
		return nil, fmt.Errorf("read the number override of protect configuration %s: %w", configuration, err)
	}
	if found[0] == nil {
		return nil, nil
	}
	return new(protect.NewOverride(found[0].Mark, found[0].Until)), nil
}

// protectConfiguration is the id of the protect configuration that a request names,
// empty where it names none.
func (v *Service) protectConfiguration(s *resources.Snapshot, given string) (string, error) {
	if given == "" {
		return "", nil
	}
	const field = "ProtectConfigurationId"
	id := given
	if sms.IsARN(given) {
		a, err := v.ownARN(s, given, field, sms.TypeProtectConfiguration)
		if err != nil {
			return "", err
		}
		id = a.ID
	} else if !strings.HasPrefix(given, "protect-") {
		for _, p := range idPrefixes {
			if strings.HasPrefix(given, p.prefix) {
				return "", sms.Invalid(sms.ReasonInvalidARN, field, "%s has to be the id or ARN of a protect configuration.", field)
			}
		}
	}
	if s.Protect.Get(id) == nil {
		return "", sms.NotFound(sms.TypeProtectConfiguration, given)
	}
	return id, nil
}

// optedOut refuses a destination that is on the opt-out list of the identity that the
// message leaves from; s is the identity's account. A list counts however its numbers
// came on it, so also where the account sees to opt-outs itself: then nobody comes on it
// by a STOP, but whom the account has put there is not written to.
func (v *Service) optedOut(ctx context.Context, s *resources.Snapshot, d origin.Destination, route *sms.Route) error {
	if pool := s.Pools.Get(route.PoolID); pool != nil {
		return v.onList(ctx, s, pool.Value.OptOutList, d)
	}
	switch route.Kind {
	case sms.IdentityPhoneNumber:
		if n := s.PhoneNumbers.Get(route.IdentityID); n != nil {
			return v.onList(ctx, s, n.Value.OptOutList, d)
		}
	case sms.IdentitySenderID:
		// A sender ID that the request names may be in several pools.
		if own := s.SenderIDs.Get(route.IdentityID); own != nil && len(own.Value.PoolIDs) > 0 {
			for _, id := range own.Value.PoolIDs {
				if pool := s.Pools.Get(id); pool != nil {
					if err := v.onList(ctx, s, pool.Value.OptOutList, d); err != nil {
						return err
					}
				}
			}
			return nil
		}
	}
	return v.onList(ctx, s, sms.DefaultOptOutList, d)
}

func (v *Service) onList(ctx context.Context, s *resources.Snapshot, name string, d origin.Destination) error {
	item := s.OptOutLists.Get(name)
	if item == nil {
		return nil
	}
	out, err := v.optOuts.OptedOut(ctx, v.lists.get(s.Account.ID, item), d.Number)
	if err != nil {
		return fmt.Errorf("look %s up: %w", name, err)
	}
	if out {
		return sms.Conflict(sms.ReasonDestinationOptedOut, sms.TypeOptOutList, name,
			"The destination phone number is on the opt-out list %s of the origination identity.", name)
	}
	return nil
}

// listIDs keeps the numbers of opt-out lists, which are dear to make.
type listIDs struct {
	mu  sync.RWMutex
	ids map[listRef]int64
}

type listRef struct {
	account, name string
	created       int64
}

// mostListIDs bounds what is kept; lists that are deleted stay until then.
const mostListIDs = 10_000

func newListIDs() *listIDs { return &listIDs{ids: map[listRef]int64{}} }

func (l *listIDs) get(account string, item *resources.Item[sms.OptOutList]) int64 {
	ref := listRef{account, item.Value.Name, item.Created.UnixNano()}
	l.mu.RLock()
	id, known := l.ids[ref]
	l.mu.RUnlock()
	if known {
		return id
	}
	id = optout.List(account, &item.Value, item.Created)
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.ids) >= mostListIDs {
		clear(l.ids)
	}
	l.ids[ref] = id
	return id
}
