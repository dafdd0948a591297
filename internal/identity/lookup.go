package identity

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"

	"heliograph/internal/api/sigv4"
	"heliograph/internal/iam"
	"heliograph/internal/resources"
)

// heldKey is a long-term key whose secret is opened, for as long as neither the key nor
// its user changes.
type heldKey struct {
	key        *resources.Item[iam.AccessKey]
	user       *resources.Item[iam.User] // nil: of the root
	credential sigv4.Credential
}

// Lookup finds a credential: it is the sigv4.Keys of the API.
//
// Errors: sigv4.ErrUnknownKey, also for a key that is not active and for a session whose
// user or role, or root's key, is gone; sigv4.ErrExpiredToken.
func (a *Authority) Lookup(ctx context.Context, accessKeyID, sessionToken string) (sigv4.Credential, error) {
	if sessionToken != "" {
		return a.session(ctx, accessKeyID, sessionToken)
	}
	account, key := a.Directory.AccessKey(accessKeyID)
	if key == nil {
		return a.Root.Lookup(ctx, accessKeyID, "")
	}
	if key.Value.Inactive {
		return sigv4.Credential{}, sigv4.ErrUnknownKey
	}
	var user *resources.Item[iam.User]
	if name := key.Value.User; name != "" {
		if user = account.Users.Get(resources.IAMKey(name)); user == nil {
			return sigv4.Credential{}, sigv4.ErrUnknownKey
		}
	}
	if held, ok := a.keys.get(accessKeyID); ok && held.key == key && held.user == user {
		return held.credential, nil
	}
	secret, err := a.Sealer.Open(nil, key.Value.Secret, []byte(iam.AccessKeySecret(accessKeyID)))
	if err != nil {
		return sigv4.Credential{}, fmt.Errorf("open the secret of access key %s: %w", accessKeyID, err)
	}
	if len(secret) == 0 {
		return sigv4.Credential{}, fmt.Errorf("access key %s has no secret", accessKeyID)
	}
	principal := a.root(account.Account.ID)
	if user != nil {
		principal = a.user(account.Account.ID, user)
	}
	held := &heldKey{key: key, user: user, credential: credential(string(secret), &iam.Identity{Principal: principal, AccessKeyID: accessKeyID})}
	a.keys.put(accessKeyID, held)
	return held.credential, nil
}

func credential(secret string, id *iam.Identity) sigv4.Credential {
	return sigv4.Credential{AccessKeyID: id.AccessKeyID, SecretAccessKey: secret, Account: id.Account, Principal: id.ARN, Identity: id}
}

// root is the root of an account.
func (a *Authority) root(account string) iam.Principal {
	return iam.Principal{Type: iam.Root, ARN: iam.RootARN(a.Partition, account), Account: account, ID: account}
}

// user is a user of an account.
func (a *Authority) user(account string, of *resources.Item[iam.User]) iam.Principal {
	u := &of.Value
	return iam.Principal{Type: iam.UserType, ARN: iam.UserARN(a.Partition, account, u.Path, u.Name), Account: account, ID: u.ID, Name: u.Name, Tags: of.Tags}
}

// assumed is a session of a role.
func (a *Authority) assumed(account string, of *resources.Item[iam.Role], s *iam.Session) iam.Principal {
	r := &of.Value
	return iam.Principal{Type: iam.AssumedRole, ARN: iam.SessionARN(a.Partition, account, r.Name, s.Name), Account: account,
		ID: r.ID + ":" + s.Name, Role: iam.RoleARN(a.Partition, account, r.Path, r.Name), Tags: over(of.Tags, s.Tags)}
}

// over lays tags over others. The case of keys does not count between them.
func over(below, above map[string]string) map[string]string {
	if len(above) == 0 {
		return below
	}
	all := maps.Clone(above)
	for key, value := range below {
		hidden := false
		for other := range above {
			hidden = hidden || strings.EqualFold(key, other)
		}
		if !hidden {
			all[key] = value
		}
	}
	return all
}

// User is a user by the ARN or the name, nil where there is none in the account.
func (a *Authority) userOf(account, name string) *resources.Item[iam.User] {
	s := a.Directory.Account(account)
	if s == nil {
		return nil
	}
	return s.Users.Get(resources.IAMKey(name))
}

// ErrNoRole is answered where there is no role with an ARN.
var ErrNoRole = errors.New("there is no such role")

// Role finds a role by its ARN.
//
// Errors: ErrNoRole.
func (a *Authority) Role(arn string) (account string, role *resources.Item[iam.Role], err error) {
	partition, account, kind, path, name, ok := iam.SplitARN(arn)
	if !ok || partition != a.Partition || kind != "role" {
		return "", nil, ErrNoRole
	}
	s := a.Directory.Account(account)
	if s == nil {
		return account, nil, ErrNoRole
	}
	role = s.Roles.Get(resources.IAMKey(name))
	if role == nil || role.Value.Name != name || iam.RoleARN(partition, account, role.Value.Path, name) != iam.RoleARN(partition, account, path, name) {
		return account, nil, ErrNoRole
	}
	return account, role, nil
}
