package reconcile

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"heliograph/internal/store"
)

// billed is what the ledger or messages come to under a key.
type billed struct {
	store.Sums
	// Free are parts of messages that cost nothing, which are not among Parts. The ledger
	// may count them or not: it does where their price is nothing, and does not where
	// nothing was to be paid whatever the price.
	Free int64
}

func (b *billed) add(m *store.AuditedMessage) {
	if m.Price == 0 && m.CarrierFee == 0 {
		b.Free += int64(m.Parts)
		return
	}
	b.Parts += int64(m.Parts)
	b.Price += m.Price
	if m.CarrierFee != 0 {
		b.FeeParts += int64(m.Parts)
		b.Fee += m.CarrierFee
	}
}

func (b billed) plus(c billed) billed { return billed{b.Sums.Plus(c.Sums), b.Free + c.Free} }

// is reports whether the ledger has what messages come to.
func (b billed) is(messages billed) bool {
	return b.Price == messages.Price && b.Fee == messages.Fee && b.FeeParts == messages.FeeParts &&
		messages.Parts <= b.Parts && b.Parts <= messages.Parts+messages.Free
}

// covers reports whether the ledger has at least what messages come to.
func (b billed) covers(messages billed) bool {
	return b.Price >= messages.Price && b.Fee >= messages.Fee && b.FeeParts >= messages.FeeParts && b.Parts >= messages.Parts
}

func amount(k store.UsageKey, b billed) Amount {
	return Amount{k.Account, k.Month, k.Channel, k.Country, k.Route, b.Parts, b.Price, b.FeeParts, b.Fee, b.Free}
}

func add(sums map[store.UsageKey]billed, amounts []Amount) {
	for _, a := range amounts {
		k := store.UsageKey{Account: a.Account, Month: a.Month, Channel: a.Channel, Country: a.Country, Route: a.Route}
		sums[k] = sums[k].plus(billed{store.Sums{Parts: a.Parts, Price: a.Price, FeeParts: a.FeeParts, Fee: a.Fee}, a.Free})
	}
}

// whole adds up the rows of an account's month.
func whole(sums map[store.UsageKey]billed, keys []store.UsageKey) (all billed) {
	for _, k := range keys {
		all = all.plus(sums[k])
	}
	return all
}

// unequal is a row of the ledger that is not what the messages come to. Of a month
// that is compared as a whole it has no country nor route.
type unequal struct {
	store.UsageKey
	ledger, messages billed
}

func (u *unequal) row() string {
	row := fmt.Sprintf("spend of account %s in %s on %s", u.Account, u.Month, u.Channel)
	if u.Country != "" || u.Route != "" {
		row += fmt.Sprintf(" to %s by %s", u.Country, u.Route)
	}
	return row
}

func (u *unequal) why() string {
	l, m := &u.ledger, &u.messages
	if l.Amount() != m.Amount() || u.Country == "" && u.Route == "" {
		return fmt.Sprintf("the ledger has %s USD, and its messages cost %s USD", l.Amount(), m.Amount())
	}
	return fmt.Sprintf("the ledger has %d parts for %s USD and %d carrier fees of %s USD, and its messages %d parts for %s USD and %d carrier fees of %s USD",
		l.Parts, l.Price, l.FeeParts, l.Fee, m.Parts, m.Price, m.FeeParts, m.Fee)
}

// unequal are the rows of the ledger that are not what the messages come to.
func (r *Report) unequal() []unequal {
	var out []unequal
	for _, m := range r.months() {
		exact := false
		switch r.compared(m.Month) {
		case notWhole:
			continue
		case exactly:
			exact = true
		}
		if slices.ContainsFunc(m.keys, r.early) {
			l, cost := whole(r.ledger, m.keys), whole(r.cost, m.keys)
			if exact && l.Amount() != cost.Amount() || cost.Amount() > l.Amount() {
				out = append(out, unequal{store.UsageKey{Account: m.Account, Month: m.Month, Channel: m.Channel}, l, cost})
			}
			continue
		}
		for _, k := range m.keys {
			l, there := r.ledger[k]
			// The ledger's rows are pruned too, in their own time.
			if cost := r.cost[k]; exact && !l.is(cost) || there && !l.covers(cost) {
				out = append(out, unequal{k, l, cost})
			}
		}
	}
	return out
}

// early reports whether the ledger's row is from before it kept countries.
func (r *Report) early(k store.UsageKey) bool {
	_, there := r.ledger[k]
	return there && k.Country == ""
}

// month is an account's month and the keys that there is anything under.
type month struct {
	store.SpendKey
	keys []store.UsageKey
}

// months are the accounts' months on the channel that messages are spent on.
func (r *Report) months() []month {
	all := map[store.UsageKey]bool{}
	for _, sums := range []map[store.UsageKey]billed{r.cost, r.ledger} {
		for k := range sums {
			all[k] = k.Channel == channelText
		}
	}
	var out []month
	for _, k := range slices.SortedFunc(maps.Keys(all), func(a, b store.UsageKey) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Month, b.Month), cmp.Compare(a.Country, b.Country), cmp.Compare(a.Route, b.Route))
	}) {
		if !all[k] {
			continue
		}
		at := store.SpendKey{Account: k.Account, Month: k.Month, Channel: k.Channel}
		if n := len(out); n == 0 || out[n-1].SpendKey != at {
			out = append(out, month{SpendKey: at})
		}
		last := &out[len(out)-1]
		last.keys = append(last.keys, k)
	}
	return out
}

// doubts are the months to be counted once more: a message may have been written
// behind where the count was by then.
func (r *Report) doubts() []string {
	var out []string
	for _, u := range r.unequal() {
		if _, _, err := monthOf(u.Month); err == nil && !slices.Contains(out, u.Month) {
			out = append(out, u.Month)
		}
	}
	return out
}

// forget makes room for a month that is counted once more.
func (r *Report) forget(month string) {
	for _, sums := range []map[store.UsageKey]billed{r.cost, r.ledger} {
		maps.DeleteFunc(sums, func(k store.UsageKey, _ billed) bool { return k.Month == month })
	}
}
