package optout

import (
	"strconv"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// Marks of a list's entries. At is when the number was opted out, and Until when it was
// last opted in again, zero where it never was.
const (
	ByHand    int64 = 1 // opted out through the API
	ByEndUser int64 = 2 // opted out by a message of its own
	OptedIn   int64 = 3 // not on the list any more; kept for Until
)

// Marks are those of numbers that are on a list.
func Marks() []int64 { return []int64{ByHand, ByEndUser} }

// OptInInterval is how long a number that was opted in again stays out of reach of those
// who would opt it in once more (the model's DeleteOptedOutNumber).
const OptInInterval = 30 * 24 * time.Hour

// List is the number of an opt-out list in the store.
func List(account string, list *sms.OptOutList, created time.Time) int64 {
	return store.ListID(list.ListKey(account, created)...)
}

// Key names the entry of a number, in E.164 with or without its plus sign. ok is false
// for what is no such number.
func Key(list int64, number string) (key store.EntryKey, ok bool) {
	digits, ok := sms.DigitsKey(number)
	return store.EntryKey{List: list, Key: digits}, ok
}

// Number is the number of an entry, in E.164.
func Number(e *store.Entry) string { return "+" + strconv.FormatInt(e.Key, 10) }

// OptedOut reports whether a number with this entry, nil where it has none, is on the
// list.
func OptedOut(e *store.Entry) bool {
	return e != nil && (e.Mark == ByHand || e.Mark == ByEndUser)
}

// EndUser reports whether it was the end user who opted out.
func EndUser(e *store.Entry) bool { return e != nil && e.Mark == ByEndUser }

// Put opts a number out: by is ByHand or ByEndUser. old is its entry, nil where it has
// none. A number that is on the list stays as it is, but for one that was put there by
// hand and whose end user now opts out too; changed is false where there is nothing to
// write. What is written, here and below, is written over old alone (store.Overtaken):
// who finds that it was overtaken reads and decides again.
func Put(old *store.Entry, key store.EntryKey, by int64, now time.Time) (w store.EntryWrite, changed bool) {
	if OptedOut(old) && (old.Mark == by || by == ByHand) {
		return store.EntryWrite{Entry: *old}, false
	}
	w.Entry = store.Entry{EntryKey: key, At: now.UTC().Truncate(time.Millisecond), Mark: by}
	if old != nil {
		w.Until = old.Until
	}
	return w.Over(old), true
}

// OptIn takes a number off a list by hand (the model's DeleteOptedOutNumber), which can
// be done once in OptInInterval, whoever opted it in the last time.
//
// Errors: ResourceNotFound where it is not on the list; Validation
// PHONE_NUMBER_CANNOT_BE_OPTED_IN about OptedOutNumber.
func OptIn(old *store.Entry, number string, now time.Time) (store.EntryWrite, error) {
	if !OptedOut(old) {
		return store.EntryWrite{}, NotFound(number)
	}
	if !old.Until.IsZero() && now.Before(old.Until.Add(OptInInterval)) {
		return store.EntryWrite{}, sms.Invalid(sms.ReasonPhoneNumberCannotBeOptedIn, "OptedOutNumber",
			"The number was opted in on %s; it can be opted in again from %s on.", old.Until.UTC().Format(time.RFC3339),
			old.Until.Add(OptInInterval).UTC().Format(time.RFC3339))
	}
	return optIn(old, now), nil
}

// OptInBefore is OptIn of a number by hand whose end user has opted out before that was
// written: stop is its entry now. It stays opted out, as if its message had come after
// the request.
func OptInBefore(stop *store.Entry, now time.Time) store.EntryWrite {
	w := store.EntryWrite{Entry: *stop}
	w.Until = now.UTC().Truncate(time.Millisecond)
	return w.Over(stop)
}

// OptInByEndUser takes a number off a list because its end user asked for that, which
// can be done at any time. changed is false where it is not on the list.
func OptInByEndUser(old *store.Entry, now time.Time) (w store.EntryWrite, changed bool) {
	if !OptedOut(old) {
		return store.EntryWrite{}, false
	}
	return optIn(old, now), true
}

func optIn(old *store.Entry, now time.Time) store.EntryWrite {
	w := store.EntryWrite{Entry: *old}
	w.Mark, w.Until = OptedIn, now.UTC().Truncate(time.Millisecond)
	return w.Over(old)
}

// Past reports that nothing depends on an entry any more: its number is not on the list,
// and was opted in so long ago that it can be again.
func Past(e *store.Entry, now time.Time) bool {
	return e.Mark == OptedIn && !now.Before(e.Until.Add(OptInInterval))
}

// NotFound is the error about a number that is not on a list.
func NotFound(number string) error {
	return &sms.Error{Kind: sms.KindNotFound, ResourceType: sms.TypeOptedOutNumber, ResourceID: number,
		Message: "The number is not on the opt-out list."}
}
