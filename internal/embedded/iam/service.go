package iam

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	"heliograph/internal/api/service"
	"heliograph/internal/iam"
	"heliograph/internal/identity/password"
	"heliograph/internal/resources"
	"heliograph/internal/store"
	"heliograph/internal/throttle"
)

const (
	version   = "2010-05-08"
	namespace = "https://iam.amazonaws.com/doc/" + version + "/"
)

// Options are what a Service is made of. All are needed.
type Options struct {
	Directory *resources.Directory
	Sealer    store.Sealer // of secrets
	Partition string       // of ARNs
	Now       func() time.Time
}

// Service answers IAM's requests.
type Service struct {
	*service.Query
	Options
	simulating sync.Map // accounts that have a simulation now
	hasher     *password.Hasher
	passwords  *throttle.Keyed // passwords that are set, by account
	tries      *throttle.Keyed // of passwords that were, by user
}

var _ service.Acting = (*Service)(nil)

// New makes a Service.
func New(o Options) *Service {
	s := &Service{Options: o, hasher: password.NewHasher(1, passwordsWait), passwords: throttle.NewKeyed(passwordsPerSecond, passwordsBurst, passwordsAccounts),
		tries: throttle.NewKeyed(triesPerSecond, triesBurst, triesUsers)}
	var all []service.QueryOperation
	for _, of := range [][]service.QueryOperation{s.userOperations(), s.groupOperations(), s.roleOperations(), s.keyOperations(),
		s.inlineOperations(), s.attachOperations(), s.boundaryOperations(), s.tagOperations(), s.policyOperations(),
		s.versionOperations(), s.passwordOperations(), s.deviceOperations(), s.accountOperations(), s.simulateOperations()} {
		all = append(all, of...)
	}
	s.Query = service.NewQuery("iam", version, namespace, all...)
	return s
}

// change runs fn against the newest resources of the caller's account.
func (s *Service) change(ctx context.Context, c *service.Caller, fn func(*resources.Tx) error) error {
	return s.Directory.Change(ctx, c.AccountID, fn)
}

// empty is the result of an operation that answers an empty one.
type empty struct{}

// newID is an ID that is never given twice ("Unique identifiers" in the IAM user guide):
// a prefix that says of what, and 17 characters for 85 random bits.
func newID(prefix string) string { return prefix + rand.Text()[:17] }

// seconds is a time as it is answered.
func seconds(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }

// ARNs of what the caller's account has.
func (s *Service) arnOf(k kind, account, path, name string) string {
	switch k {
	case user:
		return iam.UserARN(s.Partition, account, path, name)
	case group:
		return iam.GroupARN(s.Partition, account, path, name)
	}
	return iam.RoleARN(s.Partition, account, path, name)
}
