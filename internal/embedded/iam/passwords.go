package iam

import (
	"context"
	"net/http"
	"time"

	"heliograph/internal/api/service"
	"heliograph/internal/iam"
	"heliograph/internal/identity/password"
	"heliograph/internal/resources"
)

// What setting passwords may cost: one hash at a time for all, apart from sign-in's, for
// which some more requests wait, and few requests of one account.
const (
	passwordsWait      = 16
	passwordsPerSecond = 1
	passwordsBurst     = 10
	passwordsAccounts  = 5_000

	// How often a user may say what the password was: who has its session alone guesses no
	// more than at sign-in.
	triesPerSecond = 1.0 / 30
	triesBurst     = 10
	triesUsers     = 10_000
)

func (s *Service) passwordOperations() []service.QueryOperation {
	return []service.QueryOperation{
		service.HandleQuery("CreateLoginProfile", s.createLogin, on[loginInput](s, user)),
		service.HandleQuery("GetLoginProfile", s.getLogin, on[optionalUser](s, user)),
		service.HandleQuery("UpdateLoginProfile", s.updateLogin, on[loginInput](s, user)),
		service.HandleQuery("DeleteLoginProfile", s.deleteLogin, on[optionalUser](s, user)),
		service.HandleQuery("ChangePassword", s.changePassword, on[changePasswordInput](s, user)),
	}
}

type loginInput struct {
	names
	Password              *string `query:",max=128"`
	PasswordResetRequired *bool
}

type loginAnswer struct {
	UserName              string
	CreateDate            time.Time
	PasswordResetRequired bool
}

type oneLogin struct{ LoginProfile loginAnswer }

func login(u *iam.User) *oneLogin {
	return &oneLogin{loginAnswer{u.Name, seconds(u.Login.Created), u.Login.Reset}}
}

func noLogin(name string) error {
	return noSuchEntity("Login Profile for User %s cannot be found.", shorten(name))
}

// settable counts a password that an account sets, and refuses one that may not be set.
func (s *Service) settable(c *service.Caller, text string) error {
	if err := password.Allowed(text); err != nil {
		return exception("PasswordPolicyViolation", http.StatusBadRequest, "%s", err.Error())
	}
	if _, ok := s.passwords.Allow(c.AccountID, s.Now()); !ok {
		return throttled("the account may set %d password a second.", passwordsPerSecond)
	}
	return nil
}

// busy gives errors of a Hasher their name: too many wait, or who asked has gone.
func busy(err error) error {
	if err != nil {
		return throttled("too many passwords are being set.")
	}
	return nil
}

// hash makes the hash of a password that is settable.
func (s *Service) hash(ctx context.Context, c *service.Caller, text string) (string, error) {
	if err := s.settable(c, text); err != nil {
		return "", err
	}
	hashed, err := s.hasher.Hash(ctx, text)
	return hashed, busy(err)
}

// changeUser runs fn on the user that a request names, or on who asks.
func (s *Service) changeUser(ctx context.Context, c *service.Caller, n *names, fn func(*resources.Tx, *iam.User) error) error {
	name, root, err := userOrCaller(c, n.UserName)
	if err != nil {
		return err
	}
	if root {
		return service.Invalid("The parameter UserName is missing: the root of an account is no user.")
	}
	return s.change(ctx, c, func(tx *resources.Tx) error {
		item := tx.Users.Get(resources.IAMKey(name))
		if item == nil {
			return missing(user, name)
		}
		u := item.Value
		if err := fn(tx, &u); err != nil {
			return err
		}
		tx.Users.Put(item.ID, u)
		return nil
	})
}

func (s *Service) createLogin(ctx context.Context, c *service.Caller, in *loginInput) (*oneLogin, error) {
	if in.Password == nil {
		return nil, service.Invalid("The parameter Password is missing.")
	}
	hashed, err := s.hash(ctx, c, *in.Password)
	if err != nil {
		return nil, err
	}
	var out *oneLogin
	err = s.changeUser(ctx, c, &in.names, func(tx *resources.Tx, u *iam.User) error {
		if u.Login != nil {
			return alreadyExists("Login Profile for user %s already exists.", u.Name)
		}
		u.Login = &iam.Login{Hash: hashed, Created: tx.Now, Reset: in.PasswordResetRequired != nil && *in.PasswordResetRequired}
		out = login(u)
		return nil
	})
	return out, err
}

func (s *Service) getLogin(_ context.Context, c *service.Caller, in *optionalUser) (*oneLogin, error) {
	name, _, err := userOrCaller(c, in.UserName)
	if err != nil {
		return nil, err
	}
	item := c.Account.Users.Get(resources.IAMKey(name))
	if item == nil {
		return nil, missing(user, name)
	}
	if item.Value.Login == nil {
		return nil, noLogin(name)
	}
	return login(&item.Value), nil
}

func (s *Service) updateLogin(ctx context.Context, c *service.Caller, in *loginInput) (*empty, error) {
	hashed := ""
	if in.Password != nil {
		var err error
		if hashed, err = s.hash(ctx, c, *in.Password); err != nil {
			return nil, err
		}
	}
	return nil, s.changeUser(ctx, c, &in.names, func(_ *resources.Tx, u *iam.User) error {
		if u.Login == nil {
			return noLogin(u.Name)
		}
		changed := *u.Login
		if hashed != "" {
			changed.Hash = hashed
		}
		if in.PasswordResetRequired != nil {
			changed.Reset = *in.PasswordResetRequired
		}
		u.Login = &changed
		return nil
	})
}

func (s *Service) deleteLogin(ctx context.Context, c *service.Caller, in *optionalUser) (*empty, error) {
	return nil, s.changeUser(ctx, c, &in.names, func(_ *resources.Tx, u *iam.User) error {
		if u.Login == nil {
			return noLogin(u.Name)
		}
		u.Login = nil
		return nil
	})
}

type changePasswordInput struct {
	OldPassword string `query:",required,max=128"`
	NewPassword string `query:",required,max=128"`
}

// changePassword changes the password of the user who asks.
func (s *Service) changePassword(ctx context.Context, c *service.Caller, in *changePasswordInput) (*empty, error) {
	name := callerName(c)
	if name == "" {
		return nil, exception("InvalidUserType", http.StatusBadRequest, "Only a user can change its password.")
	}
	item := c.Account.Users.Get(resources.IAMKey(name))
	if item == nil || item.Value.Login == nil {
		return nil, noLogin(name)
	}
	if _, ok := s.tries.Allow(c.AccountID+"/"+item.Value.ID, s.Now()); !ok {
		return nil, throttled("the user may change the password twice a minute.")
	}
	if err := s.settable(c, in.NewPassword); err != nil {
		return nil, err
	}
	was := item.Value.Login.Hash
	if right, err := s.hasher.Check(ctx, was, in.OldPassword); err != nil {
		return nil, busy(err)
	} else if !right {
		return nil, exception("AccessDenied", http.StatusForbidden, "The old password was incorrect.")
	}
	hashed, err := s.hasher.Hash(ctx, in.NewPassword)
	if err != nil {
		return nil, busy(err)
	}
	return nil, s.changeUser(ctx, c, &names{UserName: name}, func(_ *resources.Tx, u *iam.User) error {
		if u.Login == nil || u.Login.Hash != was {
			return exception("EntityTemporarilyUnmodifiable", http.StatusConflict, "The password was changed meanwhile.")
		}
		u.Login = &iam.Login{Hash: hashed, Created: u.Login.Created}
		return nil
	})
}
