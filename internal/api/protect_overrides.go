package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"time"

	"heliograph/internal/api/wire"
	"heliograph/internal/numbering"
	"heliograph/internal/protect"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// overrideNumber reads the DestinationPhoneNumber of a request: its key in the list of
// overrides, and its country, empty where it is of none.
//
// Errors: Validation CANNOT_PARSE.
func overrideNumber(given string) (key int64, country string, err error) {
	const field = "DestinationPhoneNumber"
	number, err := numbering.Parse(given)
	if err != nil {
		return 0, "", sms.Invalid(sms.ReasonCannotParse, field, "%s cannot be read: %s.", field, err)
	}
	key, ok := sms.DigitsKey(number.E164)
	if !ok {
		return 0, "", sms.Invalid(sms.ReasonCannotParse, field, "%s has more digits than a phone number.", field)
	}
	return key, number.Country, nil
}

func overrideKey(c *Call, configuration string, key int64) store.EntryKey {
	return store.EntryKey{List: store.ListID(sms.OverrideList(c.AccountID, configuration)...), Key: key}
}

// numberOverride is an override as answers have it.
func numberOverride(e *store.Entry) wire.ProtectConfigurationRuleSetNumberOverride {
	o := protect.NewOverride(e.Mark, e.Until)
	out := wire.ProtectConfigurationRuleSetNumberOverride{
		DestinationPhoneNumber: numberOfKey(e.Key), CreatedTimestamp: e.At, Action: wire.ProtectConfigurationRuleOverrideActionAllow,
	}
	if o.Block {
		out.Action = wire.ProtectConfigurationRuleOverrideActionBlock
	}
	if !o.Until.IsZero() {
		out.ExpirationTimestamp = &o.Until
	}
	if number, err := numbering.Parse(out.DestinationPhoneNumber); err == nil {
		out.IsoCountryCode = optional(number.Country)
	}
	return out
}

// putNumberOverride makes an override, or changes one, which stays as old as it is. Its
// ClientToken is kept with it: there may be very many.
//
// Errors: ResourceNotFound; Validation CANNOT_PARSE, INVALID_PARAMETER; Conflict
// RESOURCE_ALREADY_EXISTS.
func (a *API) putNumberOverride(ctx context.Context, c *Call, in *wire.PutProtectConfigurationRuleSetNumberOverrideRequest) (*wire.PutProtectConfigurationRuleSetNumberOverrideResult, error) {
	key, _, err := overrideNumber(in.DestinationPhoneNumber)
	if err != nil {
		return nil, err
	}
	o := protect.Override{Block: in.Action == wire.ProtectConfigurationRuleOverrideActionBlock}
	if in.ExpirationTimestamp != nil {
		if o.Until = in.ExpirationTimestamp.UTC().Truncate(time.Millisecond); o.Ended(c.Now) {
			return nil, sms.Invalid(sms.ReasonInvalidParameter, "ExpirationTimestamp", "ExpirationTimestamp is past; an override ends in the future, or never.")
		}
	}
	request := *in
	request.ClientToken = nil
	token := newClientToken(c, in.ClientToken, &request)
	var put store.Entry
	id, err := a.changeOverride(ctx, c, in.ProtectConfigurationId, key, func(id string, old *store.Entry, now time.Time) (store.EntryWrite, bool, error) {
		put = store.Entry{EntryKey: overrideKey(c, id, key), At: now.UTC().Truncate(time.Millisecond), Mark: o.Mark(), Until: o.Until, Doc: overrideToken(token, now)}
		if old != nil {
			switch earlier(old.Doc, put.Doc, now) {
			case sameRequest:
				put = *old
				return store.EntryWrite{}, false, nil
			case otherRequest:
				return store.EntryWrite{}, false, sms.Conflict(sms.ReasonResourceAlreadyExists, sms.TypeProtectConfiguration, id,
					"The ClientToken was used in the last 24 hours for a request with other parameters; use a new one.")
			}
			if !protect.NewOverride(old.Mark, old.Until).Ended(now) {
				put.At = old.At
			}
		}
		return store.EntryWrite{Entry: put}, true, nil
	})
	if err != nil {
		return nil, err
	}
	made := numberOverride(&put)
	return &wire.PutProtectConfigurationRuleSetNumberOverrideResult{
		ProtectConfigurationArn: c.arn(sms.TypeProtectConfiguration, id), ProtectConfigurationId: id,
		DestinationPhoneNumber: made.DestinationPhoneNumber, CreatedTimestamp: made.CreatedTimestamp, Action: made.Action,
		IsoCountryCode: made.IsoCountryCode, ExpirationTimestamp: made.ExpirationTimestamp,
	}, nil
}

// changeOverride has decide say what is to be written over a number's override, if
// anything, and writes that together with its configuration, so that one which another
// node has deleted meanwhile is not written to. The override is read before, not while
// others wait to change resources, and what somebody else has written since is read anew.
func (a *API) changeOverride(ctx context.Context, c *Call, configuration string, key int64, decide func(id string, old *store.Entry, now time.Time) (w store.EntryWrite, changed bool, err error)) (id string, err error) {
	item, err := find(c, c.Account.Protect, sms.TypeProtectConfiguration, configuration, "ProtectConfigurationId")
	if err != nil {
		return "", err
	}
	id = item.ID
	for range entryAttempts {
		old, failed := a.entry(ctx, overrideKey(c, id, key))
		if failed != nil {
			return "", failed
		}
		err = a.directory.Change(ctx, c.AccountID, func(tx *resources.Tx) error {
			item, err := find(c, tx.Protect, sms.TypeProtectConfiguration, configuration, "ProtectConfigurationId")
			if err != nil {
				return err
			}
			w, changed, err := decide(id, old, tx.Now)
			if err != nil || !changed {
				return err
			}
			p := item.Value
			p.Overrides = true
			tx.Protect.Put(id, p)
			tx.Entries = append(tx.Entries, w.Over(old))
			return nil
		})
		if !store.Overtaken(err) {
			break
		}
	}
	return id, err
}

// An override's document is what it was put with: when the ClientToken is forgotten
// (Unix seconds, 8 bytes), and 16 bytes each of the digests of the token and of the
// request. Without a token there is none.
const digestSize = 16

func overrideToken(k clientToken, now time.Time) []byte {
	if !k.present {
		return nil
	}
	doc := binary.BigEndian.AppendUint64(nil, uint64(now.Add(clientTokenLife).Unix()))
	for _, text := range []string{k.id, k.made.Request} {
		digest := sha256.Sum256([]byte(text))
		doc = append(doc, digest[:digestSize]...)
	}
	return doc
}

type repetition int

const (
	newRequest repetition = iota
	sameRequest
	otherRequest // with the same token
)

// earlier compares the documents of an override that is there and of a request.
func earlier(old, now []byte, at time.Time) repetition {
	const size = 8 + 2*digestSize
	switch {
	case len(old) != size, len(now) != size, !bytes.Equal(old[8:8+digestSize], now[8:8+digestSize]),
		at.Unix() >= int64(binary.BigEndian.Uint64(old)):
		return newRequest
	case bytes.Equal(old[8+digestSize:], now[8+digestSize:]):
		return sameRequest
	}
	return otherRequest
}

// deleteNumberOverride answers the override that was deleted.
//
// Errors: ResourceNotFound, also for a number without an override; Validation
// CANNOT_PARSE.
func (a *API) deleteNumberOverride(ctx context.Context, c *Call, in *wire.DeleteProtectConfigurationRuleSetNumberOverrideRequest) (*wire.DeleteProtectConfigurationRuleSetNumberOverrideResult, error) {
	key, _, err := overrideNumber(in.DestinationPhoneNumber)
	if err != nil {
		return nil, err
	}
	var deleted *store.Entry
	id, err := a.changeOverride(ctx, c, in.ProtectConfigurationId, key, func(id string, old *store.Entry, now time.Time) (store.EntryWrite, bool, error) {
		if old == nil || protect.NewOverride(old.Mark, old.Until).Ended(now) {
			return store.EntryWrite{}, false, &sms.Error{Kind: sms.KindNotFound, ResourceType: sms.TypeProtectConfiguration, ResourceID: id,
				Message: "The protect configuration has no override for this phone number."}
		}
		deleted = old
		return store.EntryWrite{Entry: store.Entry{EntryKey: old.EntryKey}, Delete: true}, true, nil
	})
	if err != nil {
		return nil, err
	}
	was := numberOverride(deleted)
	return &wire.DeleteProtectConfigurationRuleSetNumberOverrideResult{
		ProtectConfigurationArn: c.arn(sms.TypeProtectConfiguration, id), ProtectConfigurationId: id,
		DestinationPhoneNumber: was.DestinationPhoneNumber, CreatedTimestamp: was.CreatedTimestamp, Action: was.Action,
		IsoCountryCode: was.IsoCountryCode, ExpirationTimestamp: was.ExpirationTimestamp,
	}, nil
}

// listNumberOverrides answers overrides in the order of their numbers' digits. Those
// that have ended are not among them.
func (a *API) listNumberOverrides(ctx context.Context, c *Call, in *wire.ListProtectConfigurationRuleSetNumberOverridesRequest) (*wire.ListProtectConfigurationRuleSetNumberOverridesResult, error) {
	item, err := find(c, c.Account.Protect, sms.TypeProtectConfiguration, in.ProtectConfigurationId, "ProtectConfigurationId")
	if err != nil {
		return nil, err
	}
	matches, err := overrideFilters(in.Filters)
	if err != nil {
		return nil, err
	}
	scope := *in
	scope.MaxResults, scope.NextToken = nil, nil
	keep := func(e *store.Entry) bool {
		o := numberOverride(e)
		return !protect.NewOverride(e.Mark, e.Until).Ended(c.Now) && matches(&o)
	}
	entries, next, err := a.pageEntries(ctx, c, overrideKey(c, item.ID, 0).List, keep, in.MaxResults, in.NextToken, &scope)
	if err != nil {
		return nil, err
	}
	out := &wire.ListProtectConfigurationRuleSetNumberOverridesResult{
		ProtectConfigurationArn: c.arn(sms.TypeProtectConfiguration, item.ID), ProtectConfigurationId: item.ID,
		RuleSetNumberOverrides: make([]wire.ProtectConfigurationRuleSetNumberOverride, len(entries)), NextToken: next,
	}
	for i := range entries {
		out.RuleSetNumberOverrides[i] = numberOverride(&entries[i])
	}
	return out, nil
}
