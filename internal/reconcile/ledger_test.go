package reconcile

import (
	"context"
	"strings"
	"testing"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/store/sqlite"
)

// What is filtered ends with its acceptance and is not billed; messages from handsets,
// feedback and publications are in the log beside messages.
func TestFilteredAndInbound(t *testing.T) {
	r := newRig(t)
	messages := r.lives(noon.Add(-time.Hour))
	at := noon.Add(-time.Hour)
	filtered := &sms.Message{ID: r.ids.Next(at), Account: "111122223333", AcceptedAt: at, Parts: 2, Country: "GB", Route: sms.Route{Kind: sms.IdentitySharedRoute}}
	r.apply(&store.Change{Accept: []store.Accepted{{Message: filtered, Queued: store.Queued{ID: filtered.ID, Lane: "lane", Parts: 2}}},
		Parts: []store.PartChange{{Account: filtered.Account, Update: sms.PartUpdate{Message: filtered.ID, Parts: 2, Kind: sms.UpdateUnsentFinal, Status: sms.StatusProtectBlocked, At: at}}}})
	r.apply(&store.Change{Append: []store.Event{{Message: r.ids.Next(at), Status: store.StatusInbound, At: at, Detail: store.EventDetail{Content: &store.EventContent{Body: []byte("{}")}}},
		{Status: store.StatusPublication, At: at}, {Message: messages[0].ID, Status: store.StatusFeedback, At: at}}})
	got := r.holds(Window{})
	if got.Messages.Accepted != 8 || got.Messages.Failed != 2 || got.Parts.Billed != 14 || got.Spend[0].Parts != 12 {
		t.Errorf("%+v, %+v, %+v", got.Messages, got.Parts, got.Spend)
	}
}

// The month in which countries came to be kept is compared as a whole. What costs
// nothing may be counted or not.
func TestRowsWithoutCountries(t *testing.T) {
	r := newRig(t)
	r.lives(noon.Add(-time.Hour))
	r.exec("UPDATE spend SET country = '', route = '', price = price + fee, fee = 0, parts = 0, fee_parts = 0")
	r.lives(noon.Add(-time.Minute * 30))
	if got := r.holds(Window{}); got.Spend[0].Parts != 12 || got.Spend[0].Ledger != "24.00" {
		t.Errorf("%+v", got.Spend)
	}
	r = newRig(t)
	r.lives(noon.Add(-time.Hour))
	free := &sms.Message{ID: r.ids.Next(noon.Add(-time.Hour)), Account: "111122223333", AcceptedAt: noon.Add(-time.Hour), Parts: 2, Country: "FR",
		Route: sms.Route{Kind: sms.IdentitySenderID}}
	r.apply(&store.Change{Accept: []store.Accepted{{Message: free, Queued: store.Queued{ID: free.ID, Shard: "acme", Lane: "lane", Parts: 2}}}})
	r.holds(Window{})
	count := func() {
		r.apply(&store.Change{Spend: []store.SpendDelta{{UsageKey: store.UsageKey{Account: free.Account, Month: "2026-03", Channel: "TEXT", Country: "FR", Route: "SENDER_ID"},
			Sums: store.Sums{Parts: 2}}}})
	}
	count()
	r.holds(Window{})
	count()
	if _, broken := r.run(Window{}); len(broken) != 1 || !strings.Contains(broken[0], "on TEXT to FR by SENDER_ID|the ledger has 4 parts for 0.00 USD") {
		t.Error(broken)
	}
}

// late is a store in which a message appears behind where the count was.
type late struct {
	*sqlite.Engine
	arrive func()
}

func (l *late) AuditSpend(ctx context.Context, from, to sms.ID, each func(*store.AuditedMessage) error) (map[store.UsageKey]store.Sums, error) {
	if l.arrive != nil {
		l.arrive()
		l.arrive = nil
	}
	return l.Engine.AuditSpend(ctx, from, to, each)
}

func TestAMonthIsCountedOnceMore(t *testing.T) {
	r := newRig(t)
	r.lives(noon.Add(-time.Hour))
	last := r.ids
	r.walker.Store = &late{r.engine, func() {
		r.ids = sms.NewIDs(0, 0) // given long ago, to a commit that came late
		r.accept(noon.Add(-2*time.Hour), 1)
		r.ids = last
	}}
	if got := r.holds(Window{}); got.Spend[0].Messages != "13.00" {
		t.Errorf("%+v", got.Spend)
	}
}
