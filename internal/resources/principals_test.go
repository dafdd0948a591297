package resources

import (
	"errors"
	"testing"

	"heliograph/internal/iam"
)

func TestPrincipalIDs(t *testing.T) {
	const (
		another = "444455556666"
		annID   = "AIDAANNANNANNANNANN1"
		annID2  = "AIDAANNANNANNANNANN2"
		opsID   = "AROAOPSOPSOPSOPSOPS1"
	)
	n := newNode(t)
	if err := n.EnsureAccount(t.Context(), another, Sandbox); err != nil {
		t.Fatal(err)
	}
	if err := n.Change(t.Context(), another, func(tx *Tx) error {
		tx.Users.Put("ann", iam.User{ID: annID2, Name: "ann", Path: "/"})
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	n.change(t, func(tx *Tx) error {
		tx.Users.Put("ann", iam.User{ID: annID, Name: "Ann", Path: "/team/"})
		tx.Roles.Put("ops", iam.Role{ID: opsID, Name: "ops", Path: "/a/"})
		return nil
	})
	n.change(t, func(tx *Tx) error {
		tx.Users.Put("new", iam.User{ID: "AIDANEWNEWNEWNEWNEW1", Name: "new", Path: "/"})
		for arn, want := range map[string]string{
			"arn:aws:iam::111122223333:user/team/Ann":              annID,
			"arn:aws:iam::111122223333:user/new":                   "AIDANEWNEWNEWNEWNEW1", // of this change
			"arn:aws:iam::111122223333:role/a/ops":                 opsID,
			"arn:aws:sts::111122223333:assumed-role/ops/night":     opsID + ":night",
			"arn:aws:iam::444455556666:user/ann":                   annID2,
			"arn:aws:iam::444455556666:user/Ann":                   "",
			"arn:aws:iam::444455556666:role/none":                  "",
			"arn:aws:iam::999999999999:user/ann":                   "",
			"arn:aws:iam::111122223333:user/team/ann":              "gone",
			"arn:aws:iam::111122223333:user/Ann":                   "gone",
			"arn:aws:iam::111122223333:role/ops":                   "gone",
			"arn:aws:iam::111122223333:role/team/Ann":              "gone",
			"arn:aws-cn:iam::111122223333:user/team/Ann":           "gone",
			"arn:aws:sts::111122223333:assumed-role/Ops/night":     "gone",
			"arn:aws:sts::111122223333:assumed-role/a/ops/night":   "gone",
			"arn:aws:sts::111122223333:assumed-role/Ann/something": "gone",
		} {
			id, err := n.PrincipalIDs(tx)(arn)
			if gone, ok := errors.AsType[*NoPrincipalError](err); ok && gone.ARN == arn {
				id = "gone"
			} else if err != nil {
				t.Error(err)
			}
			if id != want {
				t.Errorf("%s is %q, not %q", arn, id, want)
			}
		}
		return nil
	})
}
