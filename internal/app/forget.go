package app

import (
	"context"
	"time"

	"heliograph/internal/nodes"
	"heliograph/internal/optout"
	"heliograph/internal/protect"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
	"heliograph/internal/store"
)

const (
	// forgetEvery is how often it is looked for idempotency keys that have expired.
	forgetEvery = time.Hour
	// forgetListsEvery is how often all of the other lists are read for entries that
	// nothing depends on any more. There may be millions of others among them.
	forgetListsEvery = 24 * time.Hour
	// overrideAfter is how long a number override that has ended is still there: as long
	// as the ClientToken that it was put with is remembered.
	overrideAfter = 24 * time.Hour
)

// forget deletes entries of lists that have had their time, on the node that sweeps.
func (s *service) forget(ctx context.Context) {
	tick := time.NewTicker(forgetEvery)
	defer tick.Stop()
	var lists time.Time // when this node last went over them
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if !s.manager.Holds(nodes.Sweep) {
			continue
		}
		for _, account := range s.directory.Inventory().Accounts.All() {
			if err := s.accept.ForgetRepetitions(ctx, account.ID); err != nil && ctx.Err() == nil {
				s.log.Warn("expired idempotency keys are still there", "account", account.ID, "error", err)
			}
		}
		if time.Since(lists) >= forgetListsEvery {
			lists = time.Now()
			s.forgetLists(ctx, now())
		}
	}
}

// forgetLists goes once over the lists that have entries which go in time.
func (s *service) forgetLists(ctx context.Context, at time.Time) {
	deleted := map[string]int{}
	for _, a := range ageingLists(s.directory, s.cfg.Retention.Messages, at) {
		n, err := store.Forget(ctx, s.lists, s.committer, a.list, a.goes)
		deleted[a.what] += n
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			s.log.Warn("old entries are still there", "of", a.what, "account", a.account, "error", err)
		}
	}
	for what, n := range deleted {
		if n > 0 {
			s.log.Info("old entries deleted", "of", what, "entries", n)
		}
	}
}

// ageing is a list of which some entries go.
type ageing struct {
	what, account string
	list          int64
	goes          func(*store.Entry) bool
}

// ageingLists are the lists whose entries go one by one, with those that do at a time:
// whom two-way numbers wrote to longer ago than messages are kept, number overrides that
// have ended, and numbers that were opted in again and can be once more.
func ageingLists(d *resources.Directory, messages time.Duration, at time.Time) (lists []ageing) {
	for _, a := range d.Inventory().Accounts.All() {
		account := d.Account(a.ID)
		if account == nil {
			continue
		}
		add := func(what string, goes func(*store.Entry) bool, names ...string) {
			lists = append(lists, ageing{what, a.ID, store.ListID(names...), goes})
		}
		if messages > 0 {
			for _, n := range account.PhoneNumbers.All() {
				add("conversations", func(e *store.Entry) bool { return at.Sub(e.At) >= messages }, sms.ConversationList(a.ID, n.Value.Number)...)
			}
		}
		for _, p := range account.Protect.All() {
			if p.Value.Overrides {
				add("number overrides", func(e *store.Entry) bool {
					return protect.NewOverride(e.Mark, e.Until).Ended(at.Add(-overrideAfter))
				}, sms.OverrideList(a.ID, p.ID)...)
			}
		}
		for _, l := range account.OptOutLists.All() {
			add("opt-outs", func(e *store.Entry) bool { return optout.Past(e, at) }, l.Value.ListKey(a.ID, l.Created)...)
		}
	}
	return lists
}
