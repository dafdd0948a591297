package api

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"heliograph/internal/api/service"
	"heliograph/internal/api/sigv4"
	"heliograph/internal/audit"
	"heliograph/internal/iam"
	identities "heliograph/internal/identity"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/throttle"
	"heliograph/internal/trace"
	"heliograph/internal/verification"
)

// signingName is the service that requests are signed for.
const signingName = "sms-voice"

// Options are what an API is made of. Directory, Keys, Partition and Region are
// needed; the others have defaults.
type Options struct {
	Directory *resources.Directory
	Keys      sigv4.Keys
	// Authority decides what callers may do; nil: only roots may do anything.
	Authority *identities.Authority
	// EndpointPolicy limits everybody's requests to the operations of the model, as the
	// policy of a VPC endpoint does (guide chapters 14 and 16); nil: nothing does.
	EndpointPolicy *iam.Attached
	// CheckRoles: the roles of destinations are those of the installation, and have to
	// allow what is done by means of them.
	CheckRoles bool
	// Operator is the account whose principals alone may be allowed ExtraOperations;
	// empty: those of any account.
	Operator  string
	Partition string // of ARNs: "aws"
	Region    string // of ARNs and signatures

	Rates  Rates  // nil: the guide's
	Limits Limits // zero: DefaultLimits

	// SharedRates holds the accounts to Rates where several nodes answer them; nil:
	// there is this one only.
	SharedRates Taker

	// SimulatedInventory offers phone numbers of every type and country that the
	// guide's tables allow, on the carrier named "sim", where the operator's
	// inventory has none.
	SimulatedInventory bool

	// NextTokenKey signs NextTokens and is what the key of verification codes is made
	// of, the same on every node. Empty: one drawn at random, with which tokens and
	// codes end when the process does.
	NextTokenKey []byte

	// ConfiguredSpend is the configuration's monthly spend limit of a channel of
	// package sms: resources.SpendByTier, or negative for none. nil: SpendByTier
	// for each.
	ConfiguredSpend func(channel string) sms.Money

	// Sender accepts text messages; without one there is no SendTextMessage.
	Sender Sender

	// Lists reads number overrides and opted-out numbers, and Committer writes the
	// latter; without them there are none. Feedback takes message feedback; without one
	// there is no PutMessageFeedback.
	Lists     store.Lists
	Committer *store.Committer
	Feedback  Feedback

	ExtraOperations []Operation

	// Services are answered at the same port with the same keys. Which service a
	// request is for, its signature's credential scope says.
	Services []service.Service

	// Healthy says whether the service can answer; GET /healthz asks it.
	Healthy func(context.Context) error
	// Observe is told of every answer: the operation ("Unknown" where the request
	// names none that there is), the exception ("OK" for none) and the time from
	// the request's headers to its answer.
	Observe func(operation, code string, took time.Duration)
	// Audit records calls; nil: nothing is recorded.
	Audit *audit.Log
	// Tracer traces requests; nil traces none.
	Tracer *trace.Tracer

	Log  *slog.Logger     // nil: slog.Default
	Now  func() time.Time // nil: time.Now
	Rand io.Reader        // of ids and simulated numbers; nil: crypto/rand
}

// API answers HTTP requests. It is an http.Handler.
type API struct {
	directory         *resources.Directory
	authority         *identities.Authority
	endpointPolicy    *iam.Attached
	denials           *throttle.Keyed // by account
	checkRoles        bool
	operator          string
	sender            Sender
	lists             store.Lists
	feedback          Feedback
	partition, region string
	limits            Limits
	simulated         bool
	pageKey           []byte
	codeKey           verification.Key
	configuredSpend   func(channel string) sms.Money
	committer         *store.Committer
	bodies            *bodies
	publicBodies      *bodies // of requests without a signature
	verifier          *sigv4.Verifier
	table             map[string]*endpoint
	fronts            map[string]*front // by signing name
	public            []*front          // that answer requests without a signature
	healthy           func(context.Context) error
	observe           func(operation, code string, took time.Duration)
	tracer            *trace.Tracer
	auditor           *auditor // nil: nothing is recorded
	log               *slog.Logger
	now               func() time.Time
	rand              io.Reader
}

// New makes an API. It panics on operations that are there twice or not of the
// model, and on services that are there twice.
func New(o Options) *API {
	a := &API{
		directory: o.Directory, authority: o.Authority, endpointPolicy: o.EndpointPolicy, denials: throttle.NewKeyed(denialsPerSecond, denialsBurst, denialAccounts), checkRoles: o.CheckRoles, operator: o.Operator, committer: o.Committer, sender: o.Sender, partition: o.Partition, region: o.Region, limits: o.Limits, simulated: o.SimulatedInventory,
		pageKey: o.NextTokenKey, bodies: newBodies(maxBody), publicBodies: newBodies(maxPublicBody), verifier: sigv4.NewVerifier(o.Keys, o.Region, signingName),
		configuredSpend: o.ConfiguredSpend, healthy: o.Healthy, observe: o.Observe, tracer: o.Tracer, log: o.Log, now: o.Now, rand: o.Rand,
	}
	a.lists, a.feedback = o.Lists, o.Feedback
	if a.limits == (Limits{}) {
		a.limits = DefaultLimits()
	}
	if a.healthy == nil {
		a.healthy = func(context.Context) error { return nil }
	}
	if a.observe == nil {
		a.observe = func(string, string, time.Duration) {}
	}
	if a.log == nil {
		a.log = slog.Default()
	}
	if a.now == nil {
		a.now = time.Now
	}
	if a.rand == nil {
		a.rand = rand.Reader
	}
	if len(a.pageKey) == 0 {
		a.pageKey = make([]byte, 32)
		rand.Read(a.pageKey)
	}
	a.codeKey = verification.NewKey(a.pageKey)
	if a.configuredSpend == nil {
		a.configuredSpend = func(string) sms.Money { return resources.SpendByTier }
	}
	rates := o.Rates
	if rates == nil {
		rates = GuideRates()
	}
	a.table = a.endpoints(rates, o.SharedRates, o.ExtraOperations)
	a.auditor = newAuditor(o.Audit, a.table)
	a.serve(o.Services, o.Keys)
	return a
}

// Names of headers, as they are in an http.Header and on the wire.
const (
	headerRequestID = "x-amzn-RequestId"
	headerErrorType = "x-amzn-ErrorType"
	contentType10   = "application/x-amz-json-1.0"
	contentType11   = "application/x-amz-json-1.1"
)

var contentTypeHeader = []string{contentType10}

// ServeHTTP answers operations at POST /, the service's health at GET /healthz, and
// what is asked of other services.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := a.now()
	s := &session{api: a, w: w, r: r, began: began, operation: "Unknown"}
	s.call.RequestID = newRequestID()
	w.Header()[headerRequestID] = []string{s.call.RequestID}
	defer s.recover()
	switch {
	case r.URL.Path == "/healthz":
		s.health()
	case s.other():
		s.serveOther()
	case r.URL.Path != "/":
		s.fail(&refusal{codeUnknownOperation, http.StatusNotFound, "There is nothing at this path; operations are at POST /."})
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		s.fail(&refusal{codeUnknownOperation, http.StatusMethodNotAllowed, "Operations are called by POST."})
	default:
		s.serve()
	}
}

// newRequestID makes a UUID version 4.
func newRequestID() string {
	var u [16]byte
	rand.Read(u[:])
	u[6] = u[6]&0x0f | 0x40
	u[8] = u[8]&0x3f | 0x80
	var out [36]byte
	hex.Encode(out[0:8], u[0:4])
	hex.Encode(out[9:13], u[4:6])
	hex.Encode(out[14:18], u[6:8])
	hex.Encode(out[19:23], u[8:10])
	hex.Encode(out[24:36], u[10:16])
	out[8], out[13], out[18], out[23] = '-', '-', '-', '-'
	return string(out[:])
}

// newID makes an id of a resource: prefix and 32 hexadecimal digits.
func (a *API) newID(prefix string) (string, error) {
	var b [16]byte
	if _, err := io.ReadFull(a.rand, b[:]); err != nil {
		return "", fmt.Errorf("make an id: %w", err)
	}
	return prefix + hex.EncodeToString(b[:]), nil
}
