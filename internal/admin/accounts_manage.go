package admin

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"heliograph/internal/api"
	"heliograph/internal/embedded/iam"
	"heliograph/internal/identity"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// IdentityOptions are what the operations on accounts, their keys and their policies
// work on. All are needed.
type IdentityOptions struct {
	Account   string // whose root is the operator
	Directory *resources.Directory
	Authority *identity.Authority
	Sealer    store.Sealer // of keys' secrets
	Log       *slog.Logger
}

// identities answers the operator's requests about who there is and what they may do.
type identities struct{ IdentityOptions }

// Identities are the operations on accounts, their keys and their policies, for
// api.Options.ExtraOperations.
func Identities(o IdentityOptions) []api.Operation {
	a, root := &identities{o}, &operations{Options{Account: o.Account}}
	return []api.Operation{
		operation(root, "CreateAccount", a.createAccount),
		operation(root, "ListAccounts", a.listAccounts),
		operation(root, "CreateKey", a.createKey),
		operation(root, "ListKeys", a.listKeys),
		operation(root, "SetKeyState", a.setKeyState),
		operation(root, "DeleteKey", a.deleteKey),
		operation(root, "ExplainPolicy", a.explain),
	}
}

// find is the newest snapshot of an account.
//
// Errors: Validation INVALID_PARAMETER where there is none.
func (a *identities) find(id string) (*resources.Snapshot, error) {
	if s := a.Directory.Account(cmp.Or(id, a.Account)); s != nil {
		return s, nil
	}
	return nil, sms.Invalid(sms.ReasonInvalidParameter, "account", "There is no account %q.", id)
}

// CreateAccountInput is an account that is to be.
type CreateAccountInput struct {
	Account string `json:"account,omitempty"` // twelve digits; empty: any that is free
	Tier    string `json:"tier,omitempty"`    // sandbox, which is the default, or production
}

// CreateAccountOutput is an account that was made, with the key of its root, whose
// secret is told this once.
type CreateAccountOutput struct {
	Account string `json:"account"`
	Tier    string `json:"tier"`
	Key     NewKey `json:"key"`
}

func (a *identities) createAccount(ctx context.Context, in CreateAccountInput) (CreateAccountOutput, error) {
	tier := resources.Tier(strings.ToUpper(cmp.Or(in.Tier, tierName(resources.Sandbox))))
	if in.Tier != strings.ToLower(in.Tier) || tier != resources.Sandbox && tier != resources.Production {
		return CreateAccountOutput{}, sms.Invalid(sms.ReasonInvalidParameter, "tier", "tier is %q; sandbox and production are allowed.", in.Tier)
	}
	id := in.Account
	if id == "" {
		id = a.freeAccount()
	}
	if len(id) != 12 || strings.Trim(id, "0123456789") != "" {
		return CreateAccountOutput{}, sms.Invalid(sms.ReasonInvalidParameter, "account", "account is %q; twelve digits are needed.", id)
	}
	key := NewKey{Account: id}
	err := a.Directory.CreateAccount(ctx, id, tier, func(tx *resources.Tx) (err error) {
		key.AccessKeyID, key.SecretAccessKey, err = iam.AddKey(tx, a.Sealer, "")
		return err
	})
	switch {
	case errors.Is(err, resources.ErrAccountExists):
		return CreateAccountOutput{}, sms.Invalid(sms.ReasonInvalidParameter, "account", "There is an account %s already.", id)
	case err != nil:
		return CreateAccountOutput{}, err
	}
	a.Log.Info("an account was made", "account", id, "tier", tierName(tier), "access_key_id", key.AccessKeyID)
	return CreateAccountOutput{Account: id, Tier: tierName(tier), Key: key}, nil
}

// freeAccount is an id that no account has.
func (a *identities) freeAccount() string {
	for {
		var random [8]byte
		rand.Read(random[:])
		id := fmt.Sprintf("%012d", 100_000_000_000+binary.BigEndian.Uint64(random[:])%900_000_000_000)
		if a.Directory.Account(id) == nil {
			return id
		}
	}
}

// ListAccountsInput has no members.
type ListAccountsInput struct{}

// ListedAccount is an account in short.
type ListedAccount struct {
	Account      string `json:"account"`
	Tier         string `json:"tier"`
	Operator     bool   `json:"operator,omitempty"` // the first account, whose root is the operator
	Users        int    `json:"users"`
	Roles        int    `json:"roles"`
	Keys         int    `json:"keys"` // that are active, without the one in the operator's file
	PhoneNumbers int    `json:"phone_numbers"`
}

// ListAccountsOutput are all accounts, by id.
type ListAccountsOutput struct {
	Accounts []ListedAccount `json:"accounts"`
}

func (a *identities) listAccounts(context.Context, ListAccountsInput) (ListAccountsOutput, error) {
	out := ListAccountsOutput{Accounts: []ListedAccount{}}
	for _, s := range a.Directory.Accounts() {
		l := ListedAccount{Account: s.Account.ID, Tier: tierName(s.Account.Tier), Operator: s.Account.ID == a.Account,
			Users: s.Users.Len(), Roles: s.Roles.Len(), PhoneNumbers: s.PhoneNumbers.Len()}
		for _, k := range s.AccessKeys.All() {
			if !k.Value.Inactive {
				l.Keys++
			}
		}
		out.Accounts = append(out.Accounts, l)
	}
	slices.SortFunc(out.Accounts, func(a, b ListedAccount) int { return cmp.Compare(a.Account, b.Account) })
	return out, nil
}
