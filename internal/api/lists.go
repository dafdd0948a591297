package api

import (
	"context"
	"fmt"
	"math"
	"strconv"

	"heliograph/internal/api/wire"
	"heliograph/internal/resources"
	"heliograph/internal/store"
)

const (
	// scanEntries is how many entries of a list are read at once, and mostScanned how
	// many for one answer: where filters leave few of very many, a page is shorter
	// than it could be, or empty, and has a NextToken all the same.
	scanEntries = 500
	mostScanned = 20_000
)

// pageEntries reads one answer's worth of those entries of a list that keep wants, in
// the order of their keys, and gives the NextToken for the rest, nil where there is
// none. scope is what a token is bound to; see page.
func (a *API) pageEntries(ctx context.Context, c *Call, list int64, keep func(*store.Entry) bool, maxResults *int32, nextToken *string, scope wire.Shape) ([]store.Entry, *string, error) {
	after := int64(math.MinInt64)
	if nextToken != nil {
		key, err := readToken(c, *nextToken, scope)
		if err != nil {
			return nil, nil, err
		}
		if after, err = strconv.ParseInt(key, 10, 64); err != nil {
			return nil, nil, fmt.Errorf("a NextToken that was signed has the key %q: %w", key, err)
		}
	}
	limit := defaultPage
	if maxResults != nil {
		limit = int(*maxResults)
	}
	next := func(key int64) *string { return new(makeToken(c, strconv.FormatInt(key, 10), scope)) }
	var kept []store.Entry
	for scanned := 0; scanned < mostScanned; {
		entries, err := a.lists.EntriesAfter(ctx, store.EntryScan{List: list, After: after, Limit: scanEntries})
		if err != nil {
			return nil, nil, fmt.Errorf("read a list: %w", err)
		}
		for i := range entries {
			if after = entries[i].Key; !keep(&entries[i]) {
				continue
			}
			if len(kept) == limit {
				return kept, next(kept[limit-1].Key), nil
			}
			kept = append(kept, entries[i])
		}
		if len(entries) < scanEntries {
			return kept, nil, nil
		}
		scanned += len(entries)
	}
	return kept, next(after), nil
}

// entry reads an entry of a list, nil where there is none.
func (a *API) entry(ctx context.Context, key store.EntryKey) (*store.Entry, error) {
	found, err := a.lists.Entries(ctx, []store.EntryKey{key})
	if err != nil {
		return nil, fmt.Errorf("read an entry of a list: %w", err)
	}
	return found[0], nil
}

// entryAttempts is how often it is decided anew what to write over an entry that others
// have changed meanwhile.
const entryAttempts = 8

// changeEntry reads an entry, has decide say what is to be written over it, if anything,
// and commits that; it begins anew where somebody else has written the entry since.
func (a *API) changeEntry(ctx context.Context, key store.EntryKey, decide func(old *store.Entry) (w store.EntryWrite, changed bool, err error)) error {
	var overtaken error
	for range entryAttempts {
		old, err := a.entry(ctx, key)
		if err != nil {
			return err
		}
		w, changed, err := decide(old)
		if err != nil || !changed {
			return err
		}
		overtaken = a.committer.Commit(&store.Change{Entries: []store.EntryWrite{w.Over(old)}})
		if !store.Overtaken(overtaken) {
			return overtaken
		}
	}
	return overtaken
}

// dropList leaves the entries of a list that nothing names any more to retention.
func dropList(tx *resources.Tx, list int64) {
	tx.Dropped.Put(strconv.FormatInt(list, 10), resources.Dropped{List: list})
}

// numberOfKey is the E.164 number of a key that sms.DigitsKey has made.
func numberOfKey(key int64) string { return "+" + strconv.FormatInt(key, 10) }
