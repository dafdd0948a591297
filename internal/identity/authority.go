// Package identity says whose a credential is and what who it stands for may do: it
// finds access keys and the policies of users, groups and roles among the resources of
// all accounts, seals and opens the tokens of temporary sessions, and asks package iam
// for the decision.
package identity

import (
	"log/slog"
	"sync"
	"time"

	"heliograph/internal/api/sigv4"
	"heliograph/internal/iam"
	"heliograph/internal/resources"
	"heliograph/internal/store"
	"heliograph/internal/throttle"
)

// What is remembered at most, of each of two generations.
const (
	keptKeys     = 4096
	keptSessions = 2048
	keptPolicies = 4096
)

// Options are what an Authority is made of. All are needed but Log.
type Options struct {
	Directory *resources.Directory
	Sealer    store.Sealer // of secrets
	Root      sigv4.Keys   // the first account's root key, from its file
	TokenKey  []byte       // 32 bytes, that sessions' tokens are sealed with; the same on every node
	Partition string       // of ARNs
	Now       func() time.Time
	Log       *slog.Logger // nil: slog.Default
}

// Authority knows every identity of the installation. It may be used by several
// goroutines at once.
type Authority struct {
	Options

	keys     *recent[string, *heldKey]     // opened, by access key id
	sessions *recent[string, *heldSession] // opened, by access key id
	policies *recent[document, *iam.Policy]
	views    sync.Map        // *view by account id
	codes    *throttle.Keyed // of wrong one-time passwords, by user
	decoy    func() iam.MFA  // made when it is first needed
}

// New makes an Authority.
func New(o Options) *Authority {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return &Authority{Options: o, keys: newRecent[string, *heldKey](keptKeys), sessions: newRecent[string, *heldSession](keptSessions),
		policies: newRecent[document, *iam.Policy](keptPolicies), codes: throttle.NewKeyed(codesPerSecond, codesBurst, codesUsers),
		decoy: sync.OnceValue(func() iam.MFA { return newDecoy(&o) })}
}
