package identity

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"heliograph/internal/api/sigv4"
	"heliograph/internal/iam"
	"heliograph/internal/resources"
)

// maxPacked is how many octets a session's policies, their ARNs and the tags may come to
// once they are compressed. AWS names no figure for its own such limit; with this one a
// token stays within the headers of a request.
const maxPacked = 4096

// ErrPacked is answered where a session's policies and tags are too many for a token.
var ErrPacked = errors.New("the session policies and session tags are too large")

// Credentials are those of a session.
type Credentials struct {
	AccessKeyID     string // ASIA...
	SecretAccessKey string
	SessionToken    string
	Expires         time.Time // whole seconds
	// PackedSize is how much of what policies and tags may come to is used, in percent.
	PackedSize int
}

// heldSession is a token that was opened, for as long as whom it stands for does not
// change.
type heldSession struct {
	token      string
	claims     *claims
	of         any // the item of the user or role; nil: the root
	credential sigv4.Credential
}

// NewSession makes credentials of a session of a user, a role or a root. Of who, Type and
// Account count, and ID and Name of a user; the session says which role. Its end is
// rounded to the second.
//
// Errors: ErrPacked.
func (a *Authority) NewSession(who *iam.Principal, s iam.Session) (Credentials, error) {
	of := claims{Type: who.Type, Account: who.Account, Session: s}
	switch who.Type {
	case iam.Root, iam.AssumedRole:
	case iam.UserType:
		of.UserID, of.User = who.ID, who.Name
	default:
		return Credentials{}, fmt.Errorf("a session of a principal of type %q", who.Type)
	}
	size, err := packedSize(&s)
	if err != nil {
		return Credentials{}, err
	}
	var random [46]byte
	rand.Read(random[:])
	of.Secret = base64.StdEncoding.EncodeToString(random[16:])
	of.Session.Issued, of.Session.Expires = s.Issued.UTC().Truncate(time.Second), s.Expires.UTC().Truncate(time.Second)
	c := Credentials{AccessKeyID: "ASIA" + letters(random[:16]), SecretAccessKey: of.Secret, Expires: of.Session.Expires, PackedSize: size}
	if c.SessionToken, err = a.seal(c.AccessKeyID, &of); err != nil {
		return Credentials{}, err
	}
	if len(c.SessionToken) > maxToken {
		return Credentials{}, ErrPacked
	}
	return c, nil
}

// letters are characters of base 32, one for each octet.
func letters(random []byte) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	b := bytes.Clone(random)
	for i := range b {
		b[i] = alphabet[b[i]&31]
	}
	return string(b)
}

// packedSize is what a session's policies and tags come to, in percent of maxPacked.
func packedSize(s *iam.Session) (percent int, err error) {
	if len(s.Policies) == 0 && len(s.PolicyARNs) == 0 && len(s.Tags) == 0 {
		return 0, nil
	}
	doc, err := json.Marshal([]any{s.Policies, s.PolicyARNs, s.Tags, s.Transitive})
	if err != nil {
		return 0, fmt.Errorf("encode a session: %w", err)
	}
	size := len(packed(doc))
	if size > maxPacked {
		return 0, fmt.Errorf("%w: packed they are %d%% of what is allowed", ErrPacked, size*100/maxPacked)
	}
	return (size*100 + maxPacked - 1) / maxPacked, nil
}

// session finds the credential of a session.
func (a *Authority) session(ctx context.Context, accessKeyID, token string) (sigv4.Credential, error) {
	held, ok := a.sessions.get(accessKeyID)
	if !ok || subtle.ConstantTimeCompare([]byte(held.token), []byte(token)) != 1 {
		c, err := a.open(accessKeyID, token)
		if errors.Is(err, errToken) {
			return sigv4.Credential{}, sigv4.ErrUnknownKey
		}
		if err != nil {
			return sigv4.Credential{}, err
		}
		held, ok = &heldSession{token: token, claims: c}, false
	}
	if !a.Now().Before(held.claims.Session.Expires) {
		return sigv4.Credential{}, sigv4.ErrExpiredToken
	}
	who, of, err := a.stands(ctx, held.claims, held.of)
	if err != nil {
		return sigv4.Credential{}, err
	}
	if who != nil { // it is new or changed
		held = &heldSession{token: token, claims: held.claims, of: of,
			credential: credential(held.claims.Secret, &iam.Identity{Principal: *who, AccessKeyID: accessKeyID, Session: &held.claims.Session})}
		a.sessions.put(accessKeyID, held)
	}
	return held.credential, nil
}

// stands finds whom claims stand for now; nobody where that is still the item that is
// known.
//
// Errors: sigv4.ErrUnknownKey where it is gone, as a root's key is that has asked for a
// session.
func (a *Authority) stands(ctx context.Context, c *claims, known any) (*iam.Principal, any, error) {
	account := a.Directory.Account(c.Account)
	if account == nil {
		return nil, nil, sigv4.ErrUnknownKey
	}
	switch c.Type {
	case iam.Root:
		if by := c.Session.AccessKeyID; by != "" && !a.ofRoot(ctx, by, c.Account) {
			return nil, nil, sigv4.ErrUnknownKey
		}
		if known == any(c) {
			return nil, known, nil
		}
		return new(a.root(c.Account)), c, nil
	case iam.UserType:
		user := a.userOf(c.Account, c.User)
		if user == nil || user.Value.ID != c.UserID {
			return nil, nil, sigv4.ErrUnknownKey
		}
		if known == any(user) {
			return nil, known, nil
		}
		who := a.user(c.Account, user)
		who.Tags = over(user.Tags, c.Session.Tags)
		return &who, user, nil
	case iam.AssumedRole:
		role := account.Roles.Get(resources.IAMKey(c.Session.RoleName))
		if role == nil || role.Value.ID != c.Session.RoleID {
			return nil, nil, sigv4.ErrUnknownKey
		}
		if known == any(role) {
			return nil, known, nil
		}
		return new(a.assumed(c.Account, role, &c.Session)), role, nil
	}
	return nil, nil, sigv4.ErrUnknownKey
}

// ofRoot reports whether a long-term key is one of an account's root, and active.
func (a *Authority) ofRoot(ctx context.Context, accessKeyID, account string) bool {
	if of, key := a.Directory.AccessKey(accessKeyID); key != nil {
		return of.Account.ID == account && key.Value.User == "" && !key.Value.Inactive
	}
	of, err := a.Root.Lookup(ctx, accessKeyID, "")
	return err == nil && of.Account == account
}
