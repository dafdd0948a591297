package api_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"heliograph/internal/iam"
	"heliograph/internal/resources"
)

// rename gives a user of an account another name, and its keys with it.
func (p *policed) rename(account, from, to string) {
	p.t.Helper()
	if err := p.directory.Change(p.t.Context(), account, func(tx *resources.Tx) error {
		u := tx.Users.Get(from).Value
		u.Name = to
		tx.Users.Rename(from, to)
		tx.Users.Put(to, u)
		for _, k := range tx.AccessKeys.All() {
			if k.Value.User == from {
				key := k.Value
				key.User = to
				tx.AccessKeys.Put(k.ID, key)
			}
		}
		return nil
	}); err != nil {
		p.t.Fatal(err)
	}
}

// TestResourcePolicyNamesWhoIsThere: a resource policy goes on naming those whom it named
// when it was put, whatever they are called later and whoever has their name then.
func TestResourcePolicyNamesWhoIsThere(t *testing.T) {
	p := newPoliced(t, nil)
	p.optOutList("Quiet")
	list := "arn:aws:sms-voice:us-east-1:" + customerAccount + ":opt-out-list/Quiet"
	describe := func(s somebody, may bool) {
		t.Helper()
		if r := s.call("DescribeOptOutLists", map[string]any{"OptOutListNames": []string{list}}); (r.Status == 200) != may || !may && r.Exception != "AccessDeniedException" {
			t.Errorf("%s: %d %s", s.key, r.Status, r.message())
		}
	}
	put := func(principal string) reply {
		return p.root().call("PutResourcePolicy", map[string]any{"ResourceArn": list, "Policy": sharePolicy(principal, "DescribeOptOutLists")})
	}
	const own, foreign = "arn:aws:iam::" + customerAccount + ":user/", "arn:aws:iam::" + borrower + ":user/"
	may := allow("sms-voice:*", "*", "")
	for _, c := range []struct{ account, arn string }{{customerAccount, own}, {borrower, foreign}} {
		var grants []string
		if c.account == borrower {
			grants = []string{may} // its own account's leave
		}
		first := p.userOf(c.account, nil, grants...)
		p.rename(c.account, fmt.Sprint("user", p.users), "svc")
		describe(first, false)
		if r := put(c.arn + "svc"); r.Status != 200 || r.document["Policy"] != sharePolicy(c.arn+"svc", "DescribeOptOutLists") {
			t.Fatal(r.document)
		}
		describe(first, true)

		// It keeps what it has by another name; who gets the name has nothing.
		p.rename(c.account, "svc", "service")
		describe(first, true)
		second := p.userOf(c.account, nil, grants...)
		p.rename(c.account, fmt.Sprint("user", p.users), "svc")
		describe(second, false)

		// Nor has one who is made again.
		p.rename(c.account, "svc", "other")
		if err := p.directory.Change(t.Context(), c.account, func(tx *resources.Tx) error { tx.Users.Delete("service"); return nil }); err != nil {
			t.Fatal(err)
		}
		third := p.userOf(c.account, nil, grants...)
		p.rename(c.account, fmt.Sprint("user", p.users), "svc")
		describe(third, false)
		if r := p.root().call("GetResourcePolicy", map[string]any{"ResourceArn": list}); r.document["Policy"] != sharePolicy(c.arn+"svc", "DescribeOptOutLists") {
			t.Errorf("got %v", r.document)
		}
		if r := put(c.arn + "svc"); r.Status != 200 {
			t.Fatal(r.document)
		}
		describe(third, true)
		describe(second, false)
	}

	// One of the account that is not there is refused, and changes nothing.
	before := p.directory.Account(customerAccount).ResourcePolicies.Get("opt-out-list/Quiet")
	if r := put(own + "none"); r.Reason != "INVALID_PARAMETER" || !slices.Equal(r.Fields, []string{"Policy"}) || !strings.Contains(r.message(), own+"none") {
		t.Errorf("nobody of the account: %v", r.document)
	}
	if after := p.directory.Account(customerAccount).ResourcePolicies.Get("opt-out-list/Quiet"); after != before {
		t.Errorf("%+v", after)
	}

	// One of another account that is not there is kept by the ARN.
	if r := put(foreign + "later"); r.Status != 200 {
		t.Fatal(r.document)
	}
	later := p.userOf(borrower, nil, may)
	describe(later, false)
	p.rename(borrower, fmt.Sprint("user", p.users), "later")
	describe(later, true)
}

// TestResourcePolicyOfBefore: one that was put before ids were kept names by ARN.
func TestResourcePolicyOfBefore(t *testing.T) {
	p := newPoliced(t, nil)
	p.optOutList("Quiet")
	list := p.directory.Account(customerAccount).ARN("opt-out-list", "Quiet")
	u := p.user(nil)
	policy := sharePolicy(iam.UserARN("aws", customerAccount, "/", "user1"), "DescribeOptOutLists")
	p.change(func(tx *resources.Tx) {
		tx.ResourcePolicies.Put("opt-out-list/Quiet", resources.ResourcePolicy{ARN: list, Policy: policy})
	})
	if r := u.call("DescribeOptOutLists", map[string]any{"OptOutListNames": []string{list}}); r.Status != 200 {
		t.Error(r.document)
	}
}
