// Package signin gives users who sign in by their password, and the one-time password of
// their device where they have one, a session of their own: POST /signin with JSON, for
// the console.
package signin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"heliograph/internal/api/service"
	"heliograph/internal/iam"
	"heliograph/internal/identity"
	"heliograph/internal/identity/password"
	"heliograph/internal/resources"
	"heliograph/internal/throttle"
)

const (
	path = "/signin"
	// sessionLength is how long one lasts who signed in.
	sessionLength = iam.MaxSession

	// How often a client's address may try, how often one user of all, and how often all
	// addresses together may try one user, which is much more: nobody keeps a user out by
	// himself. Who comes more often is told so whatever the password.
	clientPerSecond = 1.0 / 6
	clientBurst     = 20
	tryPerSecond    = 1.0 / 30
	tryBurst        = 10
	userPerSecond   = 1
	userBurst       = 300
	// How many wrong one-time passwords may come with the right password.
	codePerSecond = 1.0 / 12
	codeBurst     = 5
	remembered    = 10_000

	// How many passwords are looked at at once, and how many attempts may wait for that:
	// under a second.
	passwordsAtOnce = 2
	passwordsWait   = 30
)

// SignIn is an attempt to sign in.
type SignIn struct {
	Identity  *iam.Identity // who that is; nil: no user that there is
	Account   string        // that was named
	At        time.Time
	SourceIP  string
	UserAgent string
	RequestID string
	MFA       bool // a one-time password was given
	Failed    bool
}

// Options are what a Service is made of. All are needed.
type Options struct {
	Authority *identity.Authority
	// Record is told of every attempt before it is answered; where it fails, so does the
	// attempt.
	Record func(SignIn) error
	Now    func() time.Time
}

// Service answers POST /signin.
type Service struct {
	Options
	hasher  *password.Hasher
	clients *throttle.Keyed // attempts by address
	tries   *throttle.Keyed // by user and address
	users   *throttle.Keyed // by user
	codes   *throttle.Keyed // wrong one-time passwords by user
}

var _ service.PublicPosts = (*Service)(nil)

// New makes a Service.
func New(o Options) *Service {
	return &Service{Options: o, hasher: password.NewHasher(passwordsAtOnce, passwordsWait),
		clients: throttle.NewKeyed(clientPerSecond, clientBurst, remembered), tries: throttle.NewKeyed(tryPerSecond, tryBurst, remembered),
		users: throttle.NewKeyed(userPerSecond, userBurst, remembered), codes: throttle.NewKeyed(codePerSecond, codeBurst, remembered)}
}

// SigningName is part of service.Service. Nothing is signed for it.
func (s *Service) SigningName() string { return "signin" }

// Operation is part of service.Service.
func (s *Service) Operation(*service.Request) (string, []string) { return "", nil }

// Answer is part of service.Service.
func (s *Service) Answer(context.Context, *service.Caller, *service.Request) (service.Answer, error) {
	return service.Answer{}, &service.Exception{Code: service.UnknownOperation, Status: http.StatusBadRequest, Message: "One signs in by POST " + path + ", without a signature."}
}

// Unsigned is part of service.Public.
func (s *Service) Unsigned(*service.Request) bool { return false }

// UnsignedPost is part of service.PublicPosts.
func (s *Service) UnsignedPost(r *service.Request) bool { return r.Path == path }

// accountForm is an account's id; mostText bounds the other members, in octets.
var accountForm = regexp.MustCompile(`^[0-9]{12}$`)

const mostText = 512

// request is the document of a request.
type request struct {
	Account  string `json:"account"` // twelve digits
	User     string `json:"user"`    // name
	Password string `json:"password"`
	Code     string `json:"mfa_code"`
}

// credentials are the document of an answer, as the AWS tools take it of a process that
// gives credentials.
type credentials struct {
	Version         int
	AccessKeyID     string `json:"AccessKeyId"`
	SecretAccessKey string
	SessionToken    string
	Expiration      string
	ARN             string `json:"Arn"`
	// PasswordResetRequired says that the user may do nothing but change the password.
	PasswordResetRequired bool `json:",omitempty"`
}

var errFailed = &service.Exception{Code: "AuthenticationFailed", Status: http.StatusUnauthorized,
	Message: "Authentication failed: the account, the user, the password or the one-time password is not right."}

// AnswerPublic signs somebody in. All failures have one answer and take the same time.
func (s *Service) AnswerPublic(ctx context.Context, r *service.Request) (service.Answer, error) {
	in, err := read(r)
	if err != nil {
		return service.Answer{}, err
	}
	now := s.Now()
	who, failed := s.check(ctx, in, r.Client, now)
	attempt := SignIn{Identity: who, Account: in.Account, At: now, UserAgent: r.Header.Get("User-Agent"), RequestID: r.ID, MFA: in.Code != "", Failed: failed != nil}
	if at := r.Circumstances.SourceIP; at.IsValid() {
		attempt.SourceIP = at.String()
	}
	if !errors.Is(failed, errTooMany) {
		if err := s.Record(attempt); err != nil {
			return service.Answer{}, fmt.Errorf("record a sign-in: %w", err)
		}
	}
	if failed != nil {
		return service.Answer{}, failed
	}
	session := iam.Session{Issued: now, Expires: now.Add(sessionLength), Console: true}
	if in.Code != "" {
		session.MFA = now
	}
	user := s.user(in)
	if user == nil || user.Value.Login == nil {
		return service.Answer{}, errFailed // gone meanwhile
	}
	if user.Value.Login.Reset {
		session.Policies, session.HasPolicies = []string{changePassword}, true
	}
	made, err := s.Authority.NewSession(&who.Principal, session)
	if err != nil {
		return service.Answer{}, err
	}
	body, err := json.Marshal(credentials{Version: 1, AccessKeyID: made.AccessKeyID, SecretAccessKey: made.SecretAccessKey, SessionToken: made.SessionToken,
		Expiration: made.Expires.Format("2006-01-02T15:04:05Z"), ARN: who.ARN, PasswordResetRequired: user.Value.Login.Reset})
	if err != nil {
		return service.Answer{}, fmt.Errorf("encode the answer: %w", err)
	}
	return answer(http.StatusOK, body), nil
}

// changePassword limits who has to change the password first.
const changePassword = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["iam:ChangePassword","iam:GetAccountPasswordPolicy","iam:GetUser"],"Resource":"*"}]}`

var errTooMany = &service.Exception{Code: "ThrottlingException", Status: http.StatusTooManyRequests,
	Message: "There were too many attempts to sign in. Try again in some minutes."}

// check says whether somebody is who they say, and who that is as far as there is such a
// user.
//
// Errors: errFailed; errTooMany.
func (s *Service) check(ctx context.Context, in *request, client string, now time.Time) (*iam.Identity, error) {
	name := in.Account + "/" + resources.IAMKey(in.User)
	// What one address does beyond its own rates does not count against the user.
	if _, ok := s.clients.Allow(client, now); !ok {
		return nil, errTooMany
	}
	if _, ok := s.tries.Allow(client+"/"+name, now); !ok {
		return nil, errTooMany
	}
	if _, ok := s.users.Allow(name, now); !ok {
		return nil, errTooMany
	}
	user := s.user(in)
	hash := password.Nobody
	if user != nil && user.Value.Login != nil {
		hash = user.Value.Login.Hash
	}
	// Both are looked at whatever the other is, and only who has both right changes anything.
	right, err := s.hasher.Check(ctx, hash, in.Password)
	if err != nil {
		return nil, errTooMany // or nobody waits for the answer
	}
	matches := s.Authority.MatchMFA(in.Account, in.User, "", in.Code)
	if user == nil {
		return nil, errFailed
	}
	u := &user.Value
	who := &iam.Identity{Principal: iam.Principal{Type: iam.UserType, Account: in.Account, ID: u.ID, Name: u.Name, Tags: user.Tags,
		ARN: iam.UserARN(s.Authority.Partition, in.Account, u.Path, u.Name)}}
	needed := slices.ContainsFunc(u.MFA, func(m iam.MFA) bool { return !m.Enabled.IsZero() })
	switch {
	case !right, u.Login == nil, needed != (in.Code != ""):
		return who, errFailed
	case !needed:
		return who, nil
	}
	if _, ok := s.codes.Allow(name, now); !ok || !matches {
		return who, errFailed
	}
	err = s.Authority.TakeMFA(ctx, in.Account, u.Name, "", in.Code)
	if errors.Is(err, identity.ErrMFA) {
		return who, errFailed
	}
	s.codes.GiveBack(name, now)
	if err != nil {
		s.Authority.Log.Error("a one-time password could not be taken", "user", who.ARN, "error", err)
		return who, errFailed
	}
	return who, nil
}

func (s *Service) user(in *request) *resources.Item[iam.User] {
	account := s.Authority.Directory.Account(in.Account)
	if account == nil {
		return nil
	}
	return account.Users.Get(resources.IAMKey(in.User))
}

// read reads the document of a request.
func read(r *service.Request) (*request, error) {
	refuse := func(message string) error {
		return &service.Exception{Code: "ValidationException", Status: http.StatusBadRequest, Message: message}
	}
	if media, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); strings.TrimSpace(media) != "application/json" {
		// Which no form of another site can send without asking.
		return nil, refuse("The Content-Type has to be application/json.")
	}
	in := new(request)
	d := json.NewDecoder(bytes.NewReader(r.Body))
	d.DisallowUnknownFields()
	if err := d.Decode(in); err != nil {
		return nil, refuse("The body has to be a JSON object with account, user, password and, where the user has a device, mfa_code.")
	}
	if in.Account == "" || in.User == "" || in.Password == "" {
		return nil, refuse("account, user and password are needed.")
	}
	if !accountForm.MatchString(in.Account) || len(in.User) > mostText || len(in.Password) > mostText || len(in.Code) > mostText {
		return nil, refuse("account has to be twelve digits, and nothing longer than 512 octets.")
	}
	return in, nil
}

// Fault is part of service.Service.
func (s *Service) Fault(err error, _ string) service.Answer {
	shown := service.ExceptionOf(err)
	// Strings alone always encode.
	body, _ := json.Marshal(struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}{shown.Code, shown.Message})
	status := shown.Status
	if status == 0 {
		status = http.StatusBadRequest
	}
	return answer(status, body)
}

func answer(status int, body []byte) service.Answer {
	return service.Answer{Status: status, Header: http.Header{"Content-Type": {"application/json"}, "Cache-Control": {"no-store"}}, Body: body}
}
