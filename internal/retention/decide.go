package retention

import (
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// Keep says how long rows are kept.
type Keep struct {
	// Messages is how long a message that has ended is kept, with its events, from
	// its acceptance on. 0 is for ever.
	Messages time.Duration
	// Receipts is how long a receipt is kept that no message part was found for,
	// where the sweep of its node has not dropped it: longer than sms.ReceiptWait.
	Receipts time.Duration
	// Bodies and Numbers are how long the texts of messages that have ended, and the
	// numbers that they went to, are kept. 0 is as long as the message.
	Bodies, Numbers time.Duration
}

const (
	// spendMonths is how many months of spend are kept besides the current one.
	spendMonths = 13
	// within is how long a step may keep commits waiting, about.
	within = 10 * time.Millisecond
	// rest is how many times as long as a step took nothing is done after it: the
	// store is busy with old rows for a fifth of the time at most; for a third once a
	// pass takes longer than it should be to the next one, so that what comes faster
	// than that does not pile up.
	rest, shortRest = 4, 2
	// A pass begins after a tenth of the shortest time that something is kept, but
	// not more or less often than these.
	leastEvery, mostEvery = time.Second, 10 * time.Minute
	// mostStep is how far the wall clock may get ahead of the time that has passed.
	mostStep = time.Hour
	// measureEvery is how often the sizes are looked at.
	measureEvery = 15 * time.Second
)

// pass is what may be deleted at now.
func (k Keep) pass(now time.Time) store.Pass {
	p := store.Pass{Receipts: now.Add(-k.Receipts), Month: firstMonth(now), Within: within}
	if k.Messages > 0 {
		p.Messages = sms.FirstID(now.Add(-k.Messages))
	}
	if k.Bodies > 0 {
		p.Bodies = sms.FirstID(now.Add(-k.Bodies))
	}
	if k.Numbers > 0 {
		p.Numbers = sms.FirstID(now.Add(-k.Numbers))
	}
	return p
}

// bounded is what the wall clock says, but for steps forward: it began with began,
// and so much time has passed since.
func bounded(wall, began time.Time, passed time.Duration) time.Time {
	if most := began.Add(passed + mostStep); wall.After(most) {
		return most
	}
	return wall
}

// firstMonth is the oldest month whose spend is kept.
func firstMonth(now time.Time) string {
	now = now.UTC()
	return time.Date(now.Year(), now.Month()-spendMonths, 1, 0, 0, 0, 0, time.UTC).Format("2006-01")
}

// every is the time from one pass to the next.
func (k Keep) every() time.Duration {
	shortest := k.Receipts
	for _, kept := range []time.Duration{k.Messages, k.Bodies, k.Numbers} {
		if kept > 0 {
			shortest = min(shortest, kept)
		}
	}
	return min(max(shortest/10, leastEvery), mostEvery)
}

// pause is how long nothing is done after a step that took so long, waiting for
// others included: where the store is busy, pruning slows down.
func pause(took time.Duration, behind bool) time.Duration {
	if behind {
		return max(shortRest*took, time.Millisecond)
	}
	return max(rest*took, time.Millisecond)
}
