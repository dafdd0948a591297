package app

import (
	"context"
	"strconv"
	"time"

	"heliograph/internal/resources"
	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// dropAfter is how long lists stay that were dropped: what was begun while they were
// there is committed by then.
const dropAfter = time.Minute

// drop says what retention deletes of lists and log groups.
func (s *service) drop() (lists []int64, logs map[int64]time.Time) {
	lists, logs = dropOf(s.directory, now())
	dropRecords(s.directory, now().Add(-s.cfg.Audit.Lookup), logs)
	return lists, logs
}

// dropOf is what is to be deleted at a time: lists and log groups that were dropped, as
// a whole, and of other log groups the lines that are older than they keep them.
func dropOf(d *resources.Directory, at time.Time) (lists []int64, logs map[int64]time.Time) {
	logs = map[int64]time.Time{}
	inventory := d.Inventory()
	for _, item := range inventory.Dropped.All() {
		if at.Sub(item.Created) < dropAfter {
			continue
		}
		lists = append(lists, item.Value.List)
		if item.Value.Log {
			logs[item.Value.List] = endOfTime
		}
	}
	for _, a := range inventory.Accounts.All() {
		account := d.Account(a.ID)
		if account == nil {
			continue
		}
		for _, group := range account.LogGroups.All() {
			if days := group.Value.RetentionDays; days > 0 {
				logs[store.ListID(sms.LogGroupList(a.ID, group.ID, group.Created)...)] = at.AddDate(0, 0, -days)
			}
		}
	}
	return lists, logs
}

// endOfTime is after every line.
var endOfTime = time.UnixMilli(1<<53 - 1)

// dropped forgets lists that nothing is left of.
func (s *service) dropped(ctx context.Context, lists []int64) {
	err := s.directory.ChangeInventory(ctx, func(tx *resources.Tx) error {
		for _, list := range lists {
			if id := strconv.FormatInt(list, 10); tx.Dropped.Get(id) != nil {
				tx.Dropped.Delete(id)
			}
		}
		return nil
	})
	if err != nil && ctx.Err() == nil {
		s.log.Error("lists that have gone are still named", "lists", len(lists), "error", err)
	}
}
