package keyword

import (
	"cmp"
	"slices"

	"heliograph/internal/sms"
)

// Added counts the own keywords of an identity that are not edits of required ones:
// those that the quota of keywords is about.
func Added(own []sms.Keyword, types ...sms.NumberType) int {
	required, n := Required(types...), 0
	for _, k := range own {
		if _, ok := Find(required, k.Keyword); !ok {
			n++
		}
	}
	return n
}

// Put gives an identity's own keywords with k among them, and k as it is then. k's
// keyword is canonical. Without an action it keeps the one it has, so that an opt-out
// keyword does not stop being one unasked; a new one gets AUTOMATIC_RESPONSE. most is
// how many keywords may be added; quota is answered where they are exceeded.
//
// Errors: those of Check; ServiceQuotaExceeded with the reason quota.
func Put(own []sms.Keyword, k sms.Keyword, most int, quota sms.Reason, types ...sms.NumberType) ([]sms.Keyword, sms.Keyword, error) {
	old, exists := Find(Effective(own, types...), k.Keyword)
	k.Action = cmp.Or(k.Action, old.Action, sms.AutomaticResponse)
	if err := Check(k, types...); err != nil {
		return own, k, err
	}
	if have := Added(own, types...); !exists && have >= most {
		return own, k, sms.QuotaExceeded(quota, "%d keywords were added already; at most %d are allowed.", have, most)
	}
	own = without(own, k.Keyword)
	if required, ok := Find(Required(types...), k.Keyword); !ok || required != k {
		own = append(own, k)
	}
	slices.SortFunc(own, byKeyword)
	return own, k, nil
}

// Check says whether an identity may have a keyword with this message and action. The
// action of a required keyword cannot be changed, nor can the message that a toll-free
// number's carrier answers STOP with; and a number that is toll-free has no other
// opt-out keyword than STOP, so that where one is among the numbers none can be added.
//
// Errors: Conflict RESOURCE_MODIFICATION_NOT_ALLOWED; Validation INVALID_PARAMETER about
// KeywordAction.
func Check(k sms.Keyword, types ...sms.NumberType) error {
	refuse := func(what string) error {
		return sms.Conflict(sms.ReasonResourceModificationNotAllowed, sms.TypeKeyword, k.Keyword, "%s", what)
	}
	tollFree := slices.Contains(types, sms.TollFree)
	required, found := Find(Required(types...), k.Keyword)
	if found {
		switch {
		case k.Action != required.Action:
			return refuse("The action of keyword " + k.Keyword + " is " + string(required.Action) + " and cannot be changed.")
		case tollFree && k.Keyword == Stop && k.Message != required.Message:
			return refuse("The message that answers STOP to a toll-free number is its carrier's and cannot be changed.")
		}
	}
	if tollFree && !found && k.Action == sms.OptOut {
		return sms.Invalid(sms.ReasonInvalidParameter, "KeywordAction",
			"KeywordAction cannot be %s: STOP is the only opt-out keyword of a toll-free number.", sms.OptOut)
	}
	return nil
}

// Fits reports whether an identity may have these keywords of its own.
func Fits(own []sms.Keyword, types ...sms.NumberType) bool {
	return !slices.ContainsFunc(own, func(k sms.Keyword) bool { return Check(k, types...) != nil })
}

// Delete gives an identity's own keywords without one, and that one. keyword is
// canonical.
//
// Errors: ResourceNotFound; Conflict RESOURCE_DELETION_NOT_ALLOWED for a required one.
func Delete(own []sms.Keyword, keyword string, types ...sms.NumberType) ([]sms.Keyword, sms.Keyword, error) {
	if required, ok := Find(Required(types...), keyword); ok {
		return own, required, sms.Conflict(sms.ReasonResourceDeletionNotAllowed, sms.TypeKeyword, keyword,
			"Keyword %s is required and cannot be deleted.", keyword)
	}
	old, ok := Find(own, keyword)
	if !ok {
		return own, old, NotFound(keyword)
	}
	return without(own, keyword), old, nil
}

// without is a copy of own that lacks a keyword.
func without(own []sms.Keyword, keyword string) []sms.Keyword {
	return slices.DeleteFunc(slices.Clone(own), func(k sms.Keyword) bool { return k.Keyword == keyword })
}

// NotFound is the error about a keyword that an identity does not have.
func NotFound(keyword string) error {
	return &sms.Error{Kind: sms.KindNotFound, ResourceType: sms.TypeKeyword, ResourceID: keyword,
		Message: "The origination identity has no keyword " + keyword + "."}
}
