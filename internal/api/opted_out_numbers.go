package api

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"

	"heliograph/internal/api/wire"
	"heliograph/internal/numbering"
	"heliograph/internal/optout"
	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// putOptedOutNumber opts a number out by hand (guide chapter 11, "Add a destination
// number"). One that is opted out already stays as it was.
//
// Errors: Validation CANNOT_PARSE; ResourceNotFound.
func (a *API) putOptedOutNumber(ctx context.Context, c *Call, in *wire.PutOptedOutNumberRequest) (*wire.PutOptedOutNumberResult, error) {
	list, err := find(c, c.Account.OptOutLists, sms.TypeOptOutList, in.OptOutListName, "OptOutListName")
	if err != nil {
		return nil, err
	}
	number, err := numbering.Parse(in.OptedOutNumber)
	if err != nil {
		return nil, sms.Invalid(sms.ReasonCannotParse, "OptedOutNumber", "OptedOutNumber cannot be read: the %s.", err)
	}
	key, err := numberKey(listOf(c, list), number.E164, "OptedOutNumber")
	if err != nil {
		return nil, err
	}
	var w store.EntryWrite
	err = a.changeEntry(ctx, key, func(old *store.Entry) (_ store.EntryWrite, changed bool, _ error) {
		w, changed = optout.Put(old, key, optout.ByHand, c.Now)
		return w, changed, nil
	})
	if err != nil {
		return nil, fmt.Errorf("opt a number out: %w", err)
	}
	n := optedOutNumber(&w.Entry)
	return &wire.PutOptedOutNumberResult{
		OptOutListArn: new(c.arn(sms.TypeOptOutList, list.ID)), OptOutListName: &list.ID,
		OptedOutNumber: &n.OptedOutNumber, OptedOutTimestamp: &n.OptedOutTimestamp, EndUserOptedOut: n.EndUserOptedOut,
	}, nil
}

// deleteOptedOutNumber opts a number in again (guide chapter 11, "Remove a destination
// number"). An end user who opts out while that is done has the last word.
//
// Errors: Validation CANNOT_PARSE; ResourceNotFound; those of optout.OptIn.
func (a *API) deleteOptedOutNumber(ctx context.Context, c *Call, in *wire.DeleteOptedOutNumberRequest) (*wire.DeleteOptedOutNumberResult, error) {
	list, err := find(c, c.Account.OptOutLists, sms.TypeOptOutList, in.OptOutListName, "OptOutListName")
	if err != nil {
		return nil, err
	}
	key, err := numberKey(listOf(c, list), in.OptedOutNumber, "OptedOutNumber")
	if err != nil {
		return nil, err
	}
	var was *store.Entry
	var w store.EntryWrite
	err = a.changeEntry(ctx, key, func(old *store.Entry) (_ store.EntryWrite, _ bool, err error) {
		if optout.OptedOut(was) && !optout.EndUser(was) && optout.EndUser(old) {
			w = optout.OptInBefore(old, c.Now)
			return w, true, nil
		}
		was = old
		w, err = optout.OptIn(old, in.OptedOutNumber, c.Now)
		return w, true, err
	})
	if err != nil {
		return nil, fmt.Errorf("opt a number in: %w", err)
	}
	return &wire.DeleteOptedOutNumberResult{
		OptOutListArn: new(c.arn(sms.TypeOptOutList, list.ID)), OptOutListName: &list.ID,
		OptedOutNumber: new(optout.Number(was)), OptedOutTimestamp: &w.Until, EndUserOptedOut: optout.EndUser(was),
	}, nil
}

// markFilters tell the marks of opted-out numbers apart.
var markFilters = attributes[int64]{
	wire.OptedOutFilterNameEndUserOptedOut: boolAttribute(func(mark int64) bool { return mark == optout.ByEndUser }),
}

// describeOptedOutNumbers lists the numbers of a list by their digits. However many
// there are, an answer reads a bounded part of them; with a filter that leaves few it
// can hold less than a page and have a NextToken all the same.
//
// Errors: Validation CANNOT_PARSE, INVALID_FILTER_VALUES, INVALID_NEXT_TOKEN;
// ResourceNotFound for the list and for a number that is given and not on it.
func (a *API) describeOptedOutNumbers(ctx context.Context, c *Call, in *wire.DescribeOptedOutNumbersRequest) (*wire.DescribeOptedOutNumbersResult, error) {
	list, err := find(c, c.Account.OptOutLists, sms.TypeOptOutList, in.OptOutListName, "OptOutListName")
	if err != nil {
		return nil, err
	}
	filters := make([]filter, len(in.Filters))
	for i, f := range in.Filters {
		filters[i] = filter{name: f.Name, values: f.Values}
	}
	marks, err := matchFilters(optout.Marks(), filters, markFilters)
	if err != nil {
		return nil, err
	}
	wanted := func(e *store.Entry) bool { return slices.Contains(marks, e.Mark) }
	scope := *in
	scope.MaxResults, scope.NextToken = nil, nil
	var entries []store.Entry
	var next *string
	if len(in.OptedOutNumbers) == 0 {
		entries, next, err = a.pageEntries(ctx, c, listOf(c, list), wanted, in.MaxResults, in.NextToken, &scope)
	} else if entries, err = a.namedEntries(ctx, listOf(c, list), in.OptedOutNumbers); err == nil {
		entries = slices.DeleteFunc(entries, func(e store.Entry) bool { return !wanted(&e) })
		entries, next, err = page(c, entries, func(e store.Entry) string { return fmt.Sprintf("%018d", e.Key) }, in.MaxResults, in.NextToken, &scope)
	}
	if err != nil {
		return nil, err
	}
	out := &wire.DescribeOptedOutNumbersResult{
		OptOutListArn: new(c.arn(sms.TypeOptOutList, list.ID)), OptOutListName: &list.ID, NextToken: next,
		OptedOutNumbers: make([]wire.OptedOutNumberInformation, len(entries)),
	}
	for i := range entries {
		out.OptedOutNumbers[i] = optedOutNumber(&entries[i])
	}
	return out, nil
}

// namedEntries are the entries of numbers that have to be on a list, by their digits,
// each once.
func (a *API) namedEntries(ctx context.Context, list int64, numbers []string) ([]store.Entry, error) {
	keys := make([]store.EntryKey, len(numbers))
	for i, number := range numbers {
		var err error
		if keys[i], err = numberKey(list, number, "OptedOutNumbers["+strconv.Itoa(i)+"]"); err != nil {
			return nil, err
		}
	}
	found, err := a.lists.Entries(ctx, keys)
	if err != nil {
		return nil, fmt.Errorf("read entries of a list: %w", err)
	}
	entries := make([]store.Entry, len(found))
	for i, e := range found {
		if !optout.OptedOut(e) {
			return nil, optout.NotFound(numbers[i])
		}
		entries[i] = *e
	}
	slices.SortFunc(entries, func(x, y store.Entry) int { return cmp.Compare(x.Key, y.Key) })
	return slices.CompactFunc(entries, func(x, y store.Entry) bool { return x.Key == y.Key }), nil
}

// numberKey names the entry of a number that the member field of a request holds. It need
// not be one of the numbering plan: what opts out by a message of its own is taken as it
// is.
//
// Errors: Validation CANNOT_PARSE.
func numberKey(list int64, number, field string) (store.EntryKey, error) {
	if n, err := numbering.Parse(number); err == nil {
		number = n.E164
	}
	key, ok := optout.Key(list, number)
	if !ok {
		return key, sms.Invalid(sms.ReasonCannotParse, field, "%s is longer than a number in E.164 format can be.", field)
	}
	return key, nil
}

func optedOutNumber(e *store.Entry) wire.OptedOutNumberInformation {
	return wire.OptedOutNumberInformation{OptedOutNumber: optout.Number(e), OptedOutTimestamp: e.At, EndUserOptedOut: optout.EndUser(e)}
}
