package iam

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"time"

	"heliograph/internal/api/service"
	"heliograph/internal/iam"
	"heliograph/internal/resources"
	"heliograph/internal/store"
)

func (s *Service) keyOperations() []service.QueryOperation {
	return []service.QueryOperation{
		service.HandleQuery("CreateAccessKey", s.createKey, on[optionalUser](s, user)),
		service.HandleQuery("ListAccessKeys", s.listKeys, on[pagedNames](s, user)),
		service.HandleQuery("UpdateAccessKey", s.updateKey, on[keyInput](s, user)),
		service.HandleQuery("DeleteAccessKey", s.deleteKey, on[keyInput](s, user)),
		service.HandleQuery("GetAccessKeyLastUsed", s.keyLastUsed, func(c *service.Caller, in *keyInput) service.Act {
			if item := c.Account.AccessKeys.Get(in.AccessKeyID); item != nil && item.Value.User != "" {
				return s.onEntity(c, user, item.Value.User).Act
			}
			return service.Act{}
		}),
	}
}

// keysOf are the keys of a user, or with no name of the root.
func keysOf(all []*resources.Item[iam.AccessKey], name string) (of []*resources.Item[iam.AccessKey]) {
	for _, item := range all {
		if item.Value.User == name {
			of = append(of, item)
		}
	}
	return of
}

// AddKey makes an access key of a user, or with no name of the account's root. The
// secret is shown this once: what is stored is sealed.
//
// Errors: NoSuchEntity, LimitExceeded.
func AddKey(tx *resources.Tx, sealer store.Sealer, userName string) (id, secret string, err error) {
	if userName != "" {
		item := tx.Users.Get(resources.IAMKey(userName))
		if item == nil {
			return "", "", missing(user, userName)
		}
		userName = item.Value.Name
	}
	if len(keysOf(tx.AccessKeys.All(), userName)) >= iam.MaxAccessKeys {
		return "", "", limitExceeded("AccessKeysPerUser", iam.MaxAccessKeys)
	}
	random := make([]byte, 30)
	rand.Read(random) // which never fails
	id, secret = "AKIA"+rand.Text()[:16], base64.StdEncoding.EncodeToString(random)
	tx.AccessKeys.Put(id, iam.AccessKey{ID: id, User: userName, Secret: sealer.Seal(nil, []byte(secret), []byte(iam.AccessKeySecret(id)))})
	return id, secret, nil
}

type keyAnswer struct {
	UserName        string `xml:",omitempty"`
	AccessKeyID     string `xml:"AccessKeyId"`
	Status          string
	SecretAccessKey string    `xml:",omitempty"`
	CreateDate      time.Time `xml:"CreateDate"`
}

func key(item *resources.Item[iam.AccessKey]) keyAnswer {
	a := keyAnswer{UserName: item.Value.User, AccessKeyID: item.ID, Status: "Active", CreateDate: seconds(item.Created)}
	if item.Value.Inactive {
		a.Status = "Inactive"
	}
	return a
}

type createKeyOutput struct{ AccessKey keyAnswer }

func (s *Service) createKey(ctx context.Context, c *service.Caller, in *optionalUser) (*createKeyOutput, error) {
	name, _, err := userOrCaller(c, in.UserName)
	if err != nil {
		return nil, err
	}
	out := &createKeyOutput{}
	return out, s.change(ctx, c, func(tx *resources.Tx) error {
		id, secret, err := AddKey(tx, s.Sealer, name)
		if err != nil {
			return err
		}
		out.AccessKey = key(tx.AccessKeys.Get(id))
		out.AccessKey.SecretAccessKey = secret
		return nil
	})
}

type listKeysOutput struct {
	AccessKeyMetadata service.List[keyAnswer]
	paged
}

func (s *Service) listKeys(_ context.Context, c *service.Caller, in *pagedNames) (*listKeysOutput, error) {
	name, root, err := userOrCaller(c, in.UserName)
	if err != nil {
		return nil, err
	}
	if !root {
		item := c.Account.Users.Get(resources.IAMKey(name))
		if item == nil {
			return nil, missing(user, name)
		}
		name = item.Value.Name
	}
	var found []keyAnswer
	for _, item := range keysOf(c.Account.AccessKeys.All(), name) {
		found = append(found, key(item))
	}
	keys, more, err := page(found, func(k keyAnswer) string { return k.AccessKeyID }, in.paging)
	return &listKeysOutput{service.List[keyAnswer]{Member: keys}, more}, err
}

type keyInput struct {
	names
	AccessKeyID string `query:"AccessKeyId,required,min=16,max=128"`
	Status      string
}

// findKey is a key of the user that a request names, or of who asks.
func findKey(tx *resources.Tx, c *service.Caller, in *keyInput) (*resources.Item[iam.AccessKey], error) {
	name, _, err := userOrCaller(c, in.UserName)
	if err != nil {
		return nil, err
	}
	if name != "" {
		item := tx.Users.Get(resources.IAMKey(name))
		if item == nil {
			return nil, missing(user, name)
		}
		name = item.Value.Name
	}
	item := tx.AccessKeys.Get(in.AccessKeyID)
	if item == nil || item.Value.User != name {
		return nil, noSuchEntity("The Access Key with id %s cannot be found.", shorten(in.AccessKeyID))
	}
	return item, nil
}

func (s *Service) updateKey(ctx context.Context, c *service.Caller, in *keyInput) (*empty, error) {
	if in.Status != "Active" && in.Status != "Inactive" {
		return nil, service.Invalid("The parameter Status is %q; Active and Inactive are allowed.", shorten(in.Status))
	}
	return nil, s.change(ctx, c, func(tx *resources.Tx) error {
		item, err := findKey(tx, c, in)
		if err != nil {
			return err
		}
		k := item.Value
		k.Inactive = in.Status == "Inactive"
		tx.AccessKeys.Put(item.ID, k)
		return nil
	})
}

func (s *Service) deleteKey(ctx context.Context, c *service.Caller, in *keyInput) (*empty, error) {
	return nil, s.change(ctx, c, func(tx *resources.Tx) error {
		item, err := findKey(tx, c, in)
		if err != nil {
			return err
		}
		tx.AccessKeys.Delete(item.ID)
		return nil
	})
}

type keyLastUsedOutput struct {
	UserName    string `xml:",omitempty"`
	ServiceName string `xml:"AccessKeyLastUsed>ServiceName"`
	Region      string `xml:"AccessKeyLastUsed>Region"`
}

// keyLastUsed tells whose a key is. When it was used last is not kept, which reads as
// of a key that never was.
func (s *Service) keyLastUsed(_ context.Context, c *service.Caller, in *keyInput) (*keyLastUsedOutput, error) {
	item := c.Account.AccessKeys.Get(in.AccessKeyID)
	if item == nil {
		return nil, noSuchEntity("The Access Key with id %s cannot be found.", shorten(in.AccessKeyID))
	}
	return &keyLastUsedOutput{item.Value.User, "N/A", "N/A"}, nil
}
