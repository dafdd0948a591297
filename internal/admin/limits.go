package admin

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"heliograph/internal/api"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

// LimitState is one of an account's limits.
type LimitState struct {
	Name       string `json:"name"`
	Value      string `json:"value"`
	Configured string `json:"configured"`     // that holds where Changed is not set
	Changed    bool   `json:"changed"`        // by SetLimit
	Used       *int   `json:"used,omitempty"` // of limits that are on an account as a whole
}

// ShowLimitsInput names an account.
type ShowLimitsInput struct {
	Account string `json:"account,omitempty"` // empty: the first account
}

// ShowLimitsOutput are an account's limits, by name.
type ShowLimitsOutput struct {
	Account string       `json:"account"`
	Limits  []LimitState `json:"limits"`
}

// spendChannels are the channels of the limits of money.
var spendChannels = map[string]string{resources.LimitTextSpend: sms.ChannelText, resources.LimitVoiceSpend: sms.ChannelVoice}

// limitNames are the names of all limits, in order.
func limitNames() []string {
	return slices.Sorted(slices.Values(slices.AppendSeq(api.LimitNames(), maps.Keys(spendChannels))))
}

func (a *accounts) showLimits(_ context.Context, in ShowLimitsInput) (ShowLimitsOutput, error) {
	s, err := a.find(in.Account)
	if err != nil {
		return ShowLimitsOutput{}, err
	}
	out := ShowLimitsOutput{Account: s.Account.ID}
	for _, name := range limitNames() {
		out.Limits = append(out.Limits, a.limit(s, name))
	}
	return out, nil
}

// limit is one of an account's limits as it stands.
func (a *accounts) limit(s *resources.Snapshot, name string) LimitState {
	plain := *s
	plain.Account.Limits = nil
	_, changed := s.Account.Limits[name]
	state := LimitState{Name: name, Changed: changed}
	if channel, money := spendChannels[name]; money {
		state.Value = spendText(s.MaxSpend(channel, a.Spend(channel)))
		state.Configured = spendText(plain.MaxSpend(channel, a.Spend(channel)))
		return state
	}
	value, _ := a.Limits.With(s.Account.Limits).Named(name)
	configured, _ := a.Limits.Named(name)
	state.Value, state.Configured = strconv.Itoa(value), strconv.Itoa(configured)
	if used, ok := inUse(s)[name]; ok {
		state.Used = &used
	}
	return state
}

// inUse is how much of the limits on an account as a whole is used.
func inUse(s *resources.Snapshot) map[string]int {
	return map[string]int{
		"phone_numbers": s.PhoneNumbers.Len(), "pools": s.Pools.Len(), "configuration_sets": s.ConfigurationSets.Len(),
		"opt_out_lists": s.OptOutLists.Len(), "sender_ids": s.SenderIDs.Len(),
		"verified_destination_numbers": s.VerifiedNumbers.Len(), "protect_configurations": s.Protect.Len(),
	}
}

// SetLimitInput changes one of an account's limits.
type SetLimitInput struct {
	Account string `json:"account,omitempty"` // empty: the first account
	Name    string `json:"name"`
	Value   string `json:"value"` // a whole number; "unlimited" for those of money
}

// mostLimit is the highest limit that can be set; of money it is the model's
// MonthlyLimit, in USD.
const mostLimit = 1_000_000_000

// setLimit raises or lowers a limit. One below what is used takes nothing away; it
// stops more from being made.
func (a *accounts) setLimit(ctx context.Context, in SetLimitInput) (LimitState, error) {
	if err := knownLimit(in.Name); err != nil {
		return LimitState{}, err
	}
	_, money := spendChannels[in.Name]
	value, err := strconv.ParseInt(in.Value, 10, 64)
	switch {
	case money && in.Value == unlimited:
		value = resources.UnlimitedSpend
	case err != nil || value < 0 || value > mostLimit:
		allowed := fmt.Sprintf("0 to %d are allowed", mostLimit)
		if money {
			allowed = fmt.Sprintf("whole USD from 0 to %d and %s are allowed", mostLimit, unlimited)
		}
		return LimitState{}, sms.Invalid(sms.ReasonInvalidParameter, "value", "value of %s is %q; %s.", in.Name, in.Value, allowed)
	}
	return a.changeLimit(ctx, in.Account, in.Name, func(limits map[string]int64) { limits[in.Name] = value })
}

// ResetLimitInput gives one of an account's limits back to the configuration.
type ResetLimitInput struct {
	Account string `json:"account,omitempty"` // empty: the first account
	Name    string `json:"name"`
}

func (a *accounts) resetLimit(ctx context.Context, in ResetLimitInput) (LimitState, error) {
	if err := knownLimit(in.Name); err != nil {
		return LimitState{}, err
	}
	return a.changeLimit(ctx, in.Account, in.Name, func(limits map[string]int64) { delete(limits, in.Name) })
}

func knownLimit(name string) error {
	if names := limitNames(); !slices.Contains(names, name) {
		return sms.Invalid(sms.ReasonInvalidParameter, "name", "There is no limit %q. There are: %s.", name, strings.Join(names, ", "))
	}
	return nil
}

func (a *accounts) changeLimit(ctx context.Context, account, name string, fn func(map[string]int64)) (LimitState, error) {
	before, after, err := a.change(ctx, account, func(account *resources.Account) error {
		if account.Limits == nil {
			account.Limits = map[string]int64{}
		}
		fn(account.Limits)
		return nil
	})
	if err != nil {
		return LimitState{}, err
	}
	old := *after
	old.Account = before
	was, is := a.limit(&old, name), a.limit(after, name)
	if was.Value != is.Value || was.Changed != is.Changed {
		a.Log.Info("an account's limit was changed", "account", before.ID, "limit", name, "from", was.Value, "to", is.Value, "by_configuration", !is.Changed)
	}
	return is, nil
}
