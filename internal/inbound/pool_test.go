package inbound

import (
	"slices"
	"testing"

	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

// A toll-free number of a pool has no opt-out keyword but STOP; the pool's other numbers
// have theirs.
func TestTollFreeNumberOfAPool(t *testing.T) {
	r := newRig(t, 1)
	r.must(r.directory.Change(t.Context(), customer, func(tx *resources.Tx) error {
		for id, numberType := range map[string]sms.NumberType{"phone-two": sms.LongCode, "phone-one": sms.TollFree} {
			n := tx.PhoneNumbers.Get(id).Value
			n.PoolID, n.Type = "pool-1", numberType
			tx.PhoneNumbers.Put(id, n)
		}
		tx.Pools.Put("pool-1", sms.Pool{ID: "pool-1", Status: sms.PoolActive})
		tx.Keywords.Put("pool-1", sms.Keywords{Own: []sms.Keyword{{Keyword: "CANCEL", Message: "bye", Action: sms.OptOut}}})
		return nil
	}))
	r.take(text(oneWay, "cancel"))
	if e := r.optOut(); e != nil || len(r.answers()) != 0 {
		t.Errorf("CANCEL to the toll-free number: %+v, answered %q", e, r.answers())
	}
	r.take(text(twoWay, "cancel"))
	if e := r.optOut(); e == nil || !slices.Equal(r.answers(), []string{"bye"}) {
		t.Errorf("CANCEL to the long code: %+v, answered %q", e, r.answers())
	}
}
