package admin

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"strings"

	"heliograph/internal/api"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

// AccountOptions are what the operations on accounts and their limits work on. All are
// needed.
type AccountOptions struct {
	Account   string // whose root is the operator
	Directory *resources.Directory
	Limits    api.Limits                     // that are configured
	Spend     func(channel string) sms.Money // likewise; see resources.Snapshot.SpendLimit
	Log       *slog.Logger
}

// accounts answers the operator's requests about accounts.
type accounts struct{ AccountOptions }

// Accounts are the operations on accounts' tiers and limits, for
// api.Options.ExtraOperations.
func Accounts(o AccountOptions) []api.Operation {
	a, root := &accounts{o}, &operations{Options{Account: o.Account}}
	return []api.Operation{
		operation(root, "ShowAccount", a.showAccount),
		operation(root, "SetAccountTier", a.setTier),
		operation(root, "ShowLimits", a.showLimits),
		operation(root, "SetLimit", a.setLimit),
		operation(root, "ResetLimit", a.resetLimit),
	}
}

// ShowAccountInput names an account.
type ShowAccountInput struct {
	Account string `json:"account,omitempty"` // empty: the first account
}

// AccountState is an account as it stands.
type AccountState struct {
	Account        string `json:"account"`
	Tier           string `json:"tier"`            // sandbox or production
	ConfiguredTier string `json:"configured_tier"` // that the configuration asked for last
	// Destinations are the verified destination numbers, Pending those that are not
	// verified yet. The sandbox allows messages to the former.
	Destinations int `json:"verified_destination_numbers"`
	Pending      int `json:"pending_destination_numbers"`
	// Of phone numbers, sender IDs and pools.
	PhoneNumbers int `json:"phone_numbers"`
	SenderIDs    int `json:"sender_ids"`
	Pools        int `json:"pools"`
	// What may be spent in a month, in USD; "unlimited" where there is no limit.
	TextSpend  string `json:"text_monthly_spend_usd"`
	VoiceSpend string `json:"voice_monthly_spend_usd"`
}

func (a *accounts) showAccount(_ context.Context, in ShowAccountInput) (AccountState, error) {
	s, err := a.find(in.Account)
	if err != nil {
		return AccountState{}, err
	}
	return a.state(s), nil
}

// find is the newest snapshot of an account.
//
// Errors: Validation INVALID_PARAMETER where there is none.
func (a *accounts) find(id string) (*resources.Snapshot, error) {
	if s := a.Directory.Account(cmp.Or(id, a.Account)); s != nil {
		return s, nil
	}
	return nil, sms.Invalid(sms.ReasonInvalidParameter, "account", "There is no account %q.", id)
}

func (a *accounts) state(s *resources.Snapshot) AccountState {
	state := AccountState{Account: s.Account.ID, Tier: tierName(s.Account.Tier), ConfiguredTier: tierName(s.Account.ConfiguredTier),
		PhoneNumbers: s.PhoneNumbers.Len(), SenderIDs: s.SenderIDs.Len(), Pools: s.Pools.Len(),
		TextSpend:  spendText(s.SpendLimit(sms.ChannelText, a.Spend(sms.ChannelText))),
		VoiceSpend: spendText(s.SpendLimit(sms.ChannelVoice, a.Spend(sms.ChannelVoice)))}
	for _, n := range s.VerifiedNumbers.All() {
		if n.Value.Status == sms.Verified {
			state.Destinations++
		} else {
			state.Pending++
		}
	}
	return state
}

func tierName(t resources.Tier) string { return strings.ToLower(string(t)) }

// unlimited stands for a spend limit that is none.
const unlimited = "unlimited"

func spendText(m sms.Money) string {
	if m < 0 {
		return unlimited
	}
	return m.String()
}

// SetAccountTierInput moves an account into the sandbox or out of it.
type SetAccountTierInput struct {
	Account string `json:"account,omitempty"` // empty: the first account
	Tier    string `json:"tier"`              // sandbox or production
}

// setTier moves an account at once: the next request sees its new tier. The
// configuration's tier moves it back only when that changes.
func (a *accounts) setTier(ctx context.Context, in SetAccountTierInput) (AccountState, error) {
	tier := resources.Tier(strings.ToUpper(in.Tier))
	if in.Tier != strings.ToLower(in.Tier) || tier != resources.Sandbox && tier != resources.Production {
		return AccountState{}, sms.Invalid(sms.ReasonInvalidParameter, "tier", "tier is %q; sandbox and production are allowed.", in.Tier)
	}
	before, after, err := a.change(ctx, in.Account, func(account *resources.Account) error {
		account.Tier = tier
		return nil
	})
	if err != nil {
		return AccountState{}, err
	}
	if before.Tier != tier {
		a.Log.Info("an account was moved to another tier", "account", before.ID, "from", tierName(before.Tier), "to", tierName(tier))
	}
	return a.state(after), nil
}

// change runs fn on an account and stores what it made of it. It gives the account as
// it was, and its resources as they are then.
func (a *accounts) change(ctx context.Context, id string, fn func(*resources.Account) error) (before resources.Account, after *resources.Snapshot, err error) {
	s, err := a.find(id)
	if err != nil {
		return before, nil, err
	}
	id = s.Account.ID
	err = a.Directory.Change(ctx, id, func(tx *resources.Tx) error {
		item := tx.Accounts.Get(id)
		if item == nil {
			return fmt.Errorf("%w: %s", resources.ErrNoAccount, id)
		}
		before = item.Value
		account := before
		account.Limits = maps.Clone(before.Limits)
		if err := fn(&account); err != nil {
			return err
		}
		if account.Tier != before.Tier || !maps.Equal(account.Limits, before.Limits) {
			tx.Accounts.Put(id, account)
		}
		return nil
	})
	if err != nil {
		return before, nil, err
	}
	return before, a.Directory.Account(id), nil
}
