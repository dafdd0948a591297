package accept

import (
	"context"
	"strings"
	"testing"

	"heliograph/internal/optout"
	"heliograph/internal/reconcile"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/usage"
)

// borrower is an account that sends by identities of the customer's.
const borrower = "444455556666"

// lend makes the borrower and gives what it needs to send to inBritain, which it has
// verified: it is in the sandbox.
func (d *desk) lend(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	if err := d.directory.EnsureAccount(ctx, borrower, resources.Sandbox); err != nil {
		t.Fatal(err)
	}
	if err := d.directory.Change(ctx, borrower, func(tx *resources.Tx) error {
		tx.ConfigurationSets.Put("mine", sms.ConfigurationSet{Name: "mine", DefaultFeedbackEnabled: true})
		tx.VerifiedNumbers.Put("verified-1", sms.VerifiedNumber{ID: "verified-1", Number: inGermany, Status: sms.Verified})
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := d.directory.Change(ctx, customer, func(tx *resources.Tx) error {
		tx.OptOutLists.Put("Quiet", sms.OptOutList{Name: "Quiet"})
		pool := tx.Pools.Get(poolGermany).Value
		pool.OptOutList = "Quiet"
		tx.Pools.Put(pool.ID, pool)
		for _, member := range []string{memberAcme, memberBeta, memberLatin} {
			n := tx.PhoneNumbers.Get(member).Value
			n.OptOutList, n.TwoWay = "Quiet", sms.TwoWay{Enabled: true, ChannelARN: "arn:aws:sns:us-east-1:" + customer + ":in"}
			tx.PhoneNumbers.Put(member, n)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func (d *desk) borrow(r Request) (string, error) {
	r.Owner = d.account()
	return d.Send(context.Background(), d.directory.Account(borrower), r)
}

// A message by another account's identity is the sender's; the identity's owner pays, and
// its opt-out lists, its throughput and its conversations count.
func TestSharedIdentity(t *testing.T) {
	d := newDesk(t, nil)
	d.lend(t)
	ctx := t.Context()
	r := Request{Destination: inGermany, OriginationIdentity: arn("pool/" + poolGermany), ConfigurationSet: "mine", Body: "hello"}
	id, err := d.borrow(r)
	if err != nil {
		t.Fatal(err)
	}
	m := d.stored(t, id)
	if m.Account != borrower || m.Billed() != customer || m.ConfigurationSet != "mine" || !m.FeedbackEnabled || m.Route.PoolID != poolGermany {
		t.Errorf("message %+v", m)
	}
	own, err := d.send(Request{Destination: inGermany, OriginationIdentity: m.Route.IdentityID, Body: "hello"})
	if err != nil {
		t.Fatal(err)
	}
	if o := d.stored(t, own); o.Route.Lane != m.Route.Lane || o.Owner != "" {
		t.Errorf("the owner's own message takes lane %s, the other's %s", o.Route.Lane, m.Route.Lane)
	}
	if got := usage.Spends(d.usage(t)); len(got) != 1 || got[0] != (usage.Spend{Account: customer, Channel: usage.ChannelText, Amount: 2 * sms.USD / 20}) {
		t.Errorf("spent: %+v", got)
	}
	key, _ := sms.DigitsKey(inGermany)
	for account, want := range map[string]bool{customer: true, borrower: false} {
		found, err := d.engine.Entries(ctx, []store.EntryKey{{List: store.ListID(sms.ConversationList(account, m.Route.Identity)...), Key: key}})
		if err != nil || (found[0] != nil) != want {
			t.Errorf("the conversation of %s: %v, %v", account, found, err)
		}
	}
	w := reconcile.Walker{Store: d.engine, MessageID: d.ids.Format, Now: d.now}
	report, err := reconcile.Run(ctx, reconcile.Window{Now: d.now()}, w.Do, func(b reconcile.Break) error {
		t.Errorf("reconcile: %+v", b)
		return nil
	})
	if err != nil || !report.Holds || len(report.Spend) != 1 || report.Spend[0].Account != customer {
		t.Errorf("reconcile: %+v, %v", report, err)
	}

	// Another member of the owner's pool takes over.
	d.carriers.mu.Lock()
	d.carriers.down[m.Route.Carrier] = true
	d.carriers.mu.Unlock()
	if route, ok := d.Reroute(d.directory.Account(m.Billed()), m, m.Route); !ok || route.PoolID != poolGermany || route.Identity == m.Route.Identity {
		t.Errorf("rerouted to %+v, %v", route, ok)
	}
}

// What refuses a message by another account's identity.
func TestSharedIdentityRefused(t *testing.T) {
	d := newDesk(t, nil)
	d.lend(t)
	r := Request{Destination: inGermany, OriginationIdentity: arn("pool/" + poolGermany), Body: "hello"}
	list := d.account().OptOutLists.Get("Quiet")
	for _, c := range []struct {
		name   string
		reason sms.Reason
		before func()
		edit   func(*Request)
	}{
		{"the sender's sandbox", sms.ReasonDestinationNotVerified, nil, func(r *Request) { r.Destination = inBritain; r.OriginationIdentity = arn("sender-id/HELIO/GB") }},
		{"the owner's limit", sms.ReasonMonthlySpendLimitReachedForText, func() { d.limit.Store(0) }, nil},
		{"the owner's list", sms.ReasonDestinationOptedOut, func() {
			d.limit.Store(int64(sms.USD))
			key, _ := optout.Key(optout.List(customer, &list.Value, list.Created), inGermany)
			w, _ := optout.Put(nil, key, optout.ByEndUser, d.now())
			if err := d.committer.Commit(&store.Change{Entries: []store.EntryWrite{w}}); err != nil {
				t.Fatal(err)
			}
		}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.before != nil {
				c.before()
			}
			r := r
			if c.edit != nil {
				c.edit(&r)
			}
			if _, err := d.borrow(r); !isReason(err, c.reason) {
				t.Errorf("%v, want %s", err, c.reason)
			} else if strings.Contains(err.Error(), "USD") {
				t.Errorf("it tells what the owner has spent: %v", err)
			}
		})
	}
	// The owner's configuration sets are not the sender's.
	r.ConfigurationSet = "plain"
	if _, err := d.borrow(r); !isNotFound(err) {
		t.Errorf("by the owner's configuration set: %v", err)
	}
	// Without having been lent anything the ARN names nothing.
	r.ConfigurationSet = ""
	if _, err := d.Send(t.Context(), d.directory.Account(borrower), r); !isNotFound(err) {
		t.Errorf("not lent: %v", err)
	}
}

func isNotFound(err error) bool {
	e, ok := sms.AsError(err)
	return ok && e.Kind == sms.KindNotFound
}
