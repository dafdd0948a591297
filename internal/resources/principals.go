package resources

import (
	"strings"

	"heliograph/internal/iam"
)

// NoPrincipalError is answered for the ARN of a user, a role or a session of a role of
// the account itself that is not there.
type NoPrincipalError struct{ ARN string }

func (e *NoPrincipalError) Error() string {
	return `Invalid principal in policy: "AWS":"` + e.ARN + `". There is no such user or role in the account.`
}

// PrincipalIDs finds the ids of users, roles and sessions of roles by their ARNs, of whose
// path and name the case counts, for iam.PinPrincipals: those of the account that is
// changed as they will be, those of others as they are. Those that others do not have
// have no id: what there is in another account is not told.
//
// Errors: *NoPrincipalError.
func (d *Directory) PrincipalIDs(tx *Tx) func(arn string) (id string, err error) {
	own := tx.Snapshot.Account.ID
	return func(arn string) (id string, err error) {
		fields := strings.SplitN(arn, ":", 6)
		if len(fields) != 6 {
			return "", nil
		}
		account := fields[4]
		if account == own {
			id = principalID(d.partition, own, arn, tx.Users.Get, tx.Roles.Get)
		} else if s := d.Account(account); s != nil {
			id = principalID(d.partition, account, arn, s.Users.Get, s.Roles.Get)
		}
		if id == "" && account == own {
			return "", &NoPrincipalError{ARN: arn}
		}
		return id, nil
	}
}

// principalID is the id of the user, role or session of an account that has an ARN, empty
// where there is none.
func principalID(partition, account, arn string, user func(string) *Item[iam.User], role func(string) *Item[iam.Role]) string {
	if rest, ok := strings.CutPrefix(arn, "arn:"+partition+":sts::"+account+":assumed-role/"); ok {
		name, session, _ := strings.Cut(rest, "/")
		if r := role(IAMKey(name)); r != nil && r.Value.Name == name {
			return r.Value.ID + ":" + session
		}
		return ""
	}
	_, _, kind, _, name, _ := iam.SplitARN(arn)
	switch kind {
	case "user":
		if u := user(IAMKey(name)); u != nil && iam.UserARN(partition, account, u.Value.Path, u.Value.Name) == arn {
			return u.Value.ID
		}
	case "role":
		if r := role(IAMKey(name)); r != nil && iam.RoleARN(partition, account, r.Value.Path, r.Value.Name) == arn {
			return r.Value.ID
		}
	}
	return ""
}
