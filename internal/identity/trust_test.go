package identity

import (
	"strings"
	"testing"

	"heliograph/internal/iam"
	"heliograph/internal/resources"
)

const (
	annID  = "AIDAANNANNANNANNANN1"
	annID2 = "AIDAANNANNANNANNANN2"
	opsID  = "AROAOPSOPSOPSOPSOPS1"
)

// trusting makes a role whose trust policy, pinned as when it is saved, names a principal.
func (r *rig) trusting(arn string) *resources.Item[iam.Role] {
	r.t.Helper()
	document := statement(`"Principal":{"AWS":"` + arn + `"},"Action":"sts:AssumeRole"`)
	r.change(first, func(tx *resources.Tx) {
		pinned, err := iam.PinPrincipals(document, iam.TrustPolicy, r.Directory.PrincipalIDs(tx))
		if err != nil {
			r.t.Fatal(err)
		}
		tx.Roles.Put("target", iam.Role{ID: "AROATARGETTARGETTAR1", Name: "target", Path: "/", Trust: document, TrustPinned: pinned})
	})
	return r.Directory.Account(first).Roles.Get("target")
}

// assumes says whether the principal may take the role on.
func (r *rig) assumes(role *resources.Item[iam.Role], p iam.Principal, want iam.Reason) {
	r.t.Helper()
	if d := r.MayAssume(first, role, &iam.Identity{Principal: p}, "sts:AssumeRole", iam.Circumstances{}); d.Reason != want {
		r.t.Errorf("%s %s: %+v, not %q", p.ARN, p.ID, d, want)
	}
}

func (r *rig) named(account, name string) iam.Principal {
	return r.Authority.user(account, r.userOf(account, name))
}

// TestTrustPinned: a trust policy names who had the name when it was saved.
func TestTrustPinned(t *testing.T) {
	r := newRig(t)
	r.user(first, iam.User{ID: annID, Name: "ann", Path: "/team/"}, nil)
	role := r.trusting("arn:aws:iam::111122223333:user/team/ann")
	r.assumes(role, r.named(first, "ann"), iam.AllowedBy)

	// By another name and path it is the same user.
	r.change(first, func(tx *resources.Tx) {
		u := tx.Users.Get("ann").Value
		u.Name, u.Path = "anna", "/"
		tx.Users.Rename("ann", "anna")
		tx.Users.Put("anna", u)
	})
	r.assumes(role, r.named(first, "anna"), iam.AllowedBy)

	// Another one who gets the name is not.
	r.user(first, iam.User{ID: annID2, Name: "ann", Path: "/team/"}, nil)
	r.assumes(role, r.named(first, "ann"), iam.NoResourcePolicy)

	// Nor is one who is made again.
	r.change(first, func(tx *resources.Tx) { tx.Users.Delete("anna"); tx.Users.Delete("ann") })
	r.user(first, iam.User{ID: annID2, Name: "ann", Path: "/team/"}, nil)
	r.assumes(role, r.named(first, "ann"), iam.NoResourcePolicy)

	// Saved again it is.
	r.assumes(r.trusting("arn:aws:iam::111122223333:user/team/ann"), r.named(first, "ann"), iam.AllowedBy)

	// What was saved before there were ids in policies is decided by ARN.
	old := *role
	old.Value.TrustPinned = ""
	r.assumes(&old, r.named(first, "ann"), iam.AllowedBy)
}

// TestTrustPinnedForeign: users of another account are pinned where they are there, and
// kept by ARN where they are not.
func TestTrustPinnedForeign(t *testing.T) {
	r := newRig(t)
	may := iam.Grants{Inline: map[string]string{"p": allow(`"sts:AssumeRole"`)}}
	unknown := r.trusting("arn:aws:iam::444455556666:user/ann")
	r.user(second, iam.User{ID: annID, Name: "ann", Path: "/", Grants: may}, nil)
	r.assumes(unknown, r.named(second, "ann"), iam.AllowedBy)
	role := r.trusting("arn:aws:iam::444455556666:user/ann")
	if strings.Contains(role.Value.TrustPinned, "444455556666") || role.Value.Trust != unknown.Value.Trust {
		t.Errorf("pinned as %s", role.Value.TrustPinned)
	}
	r.assumes(role, r.named(second, "ann"), iam.AllowedBy)
	r.user(second, iam.User{ID: annID2, Name: "ann", Path: "/", Grants: may}, nil)
	r.assumes(role, r.named(second, "ann"), iam.NoResourcePolicy)
	r.assumes(unknown, r.named(second, "ann"), iam.AllowedBy)
}

// TestTrustPinnedRole: a role that is named may what its boundary allows; a session that
// is named, what the trust policy says.
func TestTrustPinnedRole(t *testing.T) {
	r := newRig(t)
	none := r.policy(first, "none", allow(`"sns:*"`))
	session := func() iam.Principal {
		_, ops, err := r.Role("arn:aws:iam::111122223333:role/ops")
		if err != nil {
			t.Fatal(err)
		}
		return r.assumed(first, ops, &iam.Session{Name: "night"})
	}
	r.role(first, iam.Role{ID: opsID, Name: "ops", Path: "/"}, nil)
	byRole, bySession := r.trusting("arn:aws:iam::111122223333:role/ops"), r.trusting("arn:aws:sts::111122223333:assumed-role/ops/night")
	r.assumes(byRole, session(), iam.AllowedBy)
	r.role(first, iam.Role{ID: opsID, Name: "ops", Path: "/", Boundary: none}, nil)
	r.assumes(byRole, session(), iam.NoBoundary)
	r.assumes(bySession, session(), iam.AllowedBy)
	r.role(first, iam.Role{ID: "AROAOPSOPSOPSOPSOPS2", Name: "ops", Path: "/"}, nil)
	r.assumes(byRole, session(), iam.NoResourcePolicy)
	r.assumes(bySession, session(), iam.NoResourcePolicy)
}

// TestAssumableByPinned: that the service may take a role on is decided over what is
// pinned too.
func TestAssumableByPinned(t *testing.T) {
	r := newRig(t)
	r.role(first, iam.Role{Name: "events", Path: "/", Trust: statement(`"Principal":{"Service":"sms-voice.amazonaws.com"},"Action":"sts:AssumeRole"`), TrustPinned: "{"}, nil)
	err := r.Assumable(ServiceUse{Service: iam.ServicePrincipal, Role: "arn:aws:iam::111122223333:role/events", Account: first})
	if err == nil || !strings.Contains(err.Error(), "cannot be read") {
		t.Error(err)
	}
}
