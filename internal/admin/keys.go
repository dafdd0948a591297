package admin

import (
	"cmp"
	"context"
	"errors"
	"time"

	"heliograph/internal/api/service"
	"heliograph/internal/embedded/iam"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

// CreateKeyInput says whose access key is to be made.
type CreateKeyInput struct {
	Account string `json:"account,omitempty"` // empty: the first account
	User    string `json:"user,omitempty"`    // empty: the account's root
}

// NewKey is an access key with its secret, which is told this once.
type NewKey struct {
	Account         string `json:"account"`
	User            string `json:"user,omitempty"` // empty: the account's root
	AccessKeyID     string `json:"access_key_id"`
	SecretAccessKey string `json:"secret_access_key"`
}

func (a *identities) createKey(ctx context.Context, in CreateKeyInput) (NewKey, error) {
	s, err := a.find(in.Account)
	if err != nil {
		return NewKey{}, err
	}
	out := NewKey{Account: s.Account.ID}
	err = a.Directory.Change(ctx, s.Account.ID, func(tx *resources.Tx) (err error) {
		if out.AccessKeyID, out.SecretAccessKey, err = iam.AddKey(tx, a.Sealer, in.User); err == nil {
			out.User = tx.AccessKeys.Get(out.AccessKeyID).Value.User
		}
		return err
	})
	if e, ok := errors.AsType[*service.Exception](err); ok {
		return NewKey{}, sms.Invalid(sms.ReasonInvalidParameter, "user", "%s", e.Message)
	}
	if err != nil {
		return NewKey{}, err
	}
	a.Log.Info("an access key was made", "account", out.Account, "user", cmp.Or(out.User, "root"), "access_key_id", out.AccessKeyID)
	return out, nil
}

// ListKeysInput says whose access keys are asked for.
type ListKeysInput struct {
	Account string `json:"account,omitempty"` // empty: all accounts
	User    string `json:"user,omitempty"`    // empty: everybody's
}

// ListedKey is an access key without its secret.
type ListedKey struct {
	AccessKeyID string    `json:"access_key_id"`
	Account     string    `json:"account"`
	User        string    `json:"user,omitempty"` // empty: the account's root
	Active      bool      `json:"active"`
	Created     time.Time `json:"created"`
}

// ListKeysOutput are access keys, by account and oldest first. The one in the operator's
// file is not among them.
type ListKeysOutput struct {
	Keys []ListedKey `json:"keys"`
}

func (a *identities) listKeys(ctx context.Context, in ListKeysInput) (ListKeysOutput, error) {
	accounts, err := a.listAccounts(ctx, ListAccountsInput{})
	if err != nil {
		return ListKeysOutput{}, err
	}
	if in.Account != "" {
		if _, err := a.find(in.Account); err != nil {
			return ListKeysOutput{}, err
		}
	}
	out := ListKeysOutput{Keys: []ListedKey{}}
	for _, account := range accounts.Accounts {
		if in.Account != "" && in.Account != account.Account {
			continue
		}
		for _, k := range a.Directory.Account(account.Account).AccessKeys.All() {
			if in.User == "" || resources.IAMKey(in.User) == resources.IAMKey(k.Value.User) {
				out.Keys = append(out.Keys, ListedKey{AccessKeyID: k.ID, Account: account.Account, User: k.Value.User, Active: !k.Value.Inactive, Created: k.Created})
			}
		}
	}
	return out, nil
}

// SetKeyStateInput disables an access key, or enables it again.
type SetKeyStateInput struct {
	AccessKeyID string `json:"access_key_id"`
	Active      bool   `json:"active"`
}

// DeleteKeyInput names an access key.
type DeleteKeyInput struct {
	AccessKeyID string `json:"access_key_id"`
}

// KeyOutput is an access key as it is then, or was before it was deleted.
type KeyOutput struct {
	Key ListedKey `json:"key"`
}

func (a *identities) setKeyState(ctx context.Context, in SetKeyStateInput) (KeyOutput, error) {
	out, err := a.changeKey(ctx, in.AccessKeyID, func(tx *resources.Tx, item *resources.Item[key]) {
		k := item.Value
		k.Inactive = !in.Active
		tx.AccessKeys.Put(item.ID, k)
	})
	out.Key.Active = in.Active
	return out, err
}

func (a *identities) deleteKey(ctx context.Context, in DeleteKeyInput) (KeyOutput, error) {
	return a.changeKey(ctx, in.AccessKeyID, func(tx *resources.Tx, item *resources.Item[key]) { tx.AccessKeys.Delete(item.ID) })
}

// changeKey runs fn on an access key and gives it as it was.
func (a *identities) changeKey(ctx context.Context, id string, fn func(*resources.Tx, *resources.Item[key])) (KeyOutput, error) {
	missing := sms.Invalid(sms.ReasonInvalidParameter, "access_key_id", "There is no access key %q; the one in the operator's file is kept there alone.", id)
	account, item := a.Directory.AccessKey(id)
	if item == nil {
		return KeyOutput{}, missing
	}
	var was resources.Item[key]
	err := a.Directory.Change(ctx, account.Account.ID, func(tx *resources.Tx) error {
		item := tx.AccessKeys.Get(id)
		if item == nil {
			return missing
		}
		was = *item
		fn(tx, item)
		return nil
	})
	if err != nil {
		return KeyOutput{}, err
	}
	a.Log.Info("an access key was changed", "account", account.Account.ID, "user", cmp.Or(was.Value.User, "root"), "access_key_id", id)
	return KeyOutput{ListedKey{AccessKeyID: id, Account: account.Account.ID, User: was.Value.User, Active: !was.Value.Inactive, Created: was.Created}}, nil
}
