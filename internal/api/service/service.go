// Package service is what another AWS service needs in order to be answered at the
// API's port, with the same keys: the embedded CloudWatch Logs, SNS and Firehose, and
// the bucket of deactivation reports. The API verifies the signature, finds the
// account, authorizes, limits and logs; the service reads the request and makes the
// answer in its own protocol.
package service

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	"heliograph/internal/iam"
	"heliograph/internal/resources"
)

// Caller is who signed a request.
type Caller struct {
	AccountID string
	Account   *resources.Snapshot // as it was when the request came
	Principal string              // ARN
	Identity  *iam.Identity       // who that is
	RequestID string
	Now       time.Time

	// Circumstances are those of the request as policies see them: where it came from
	// and how.
	Circumstances iam.Circumstances
	// Permit says whether the caller may do something besides what it asks for, such as
	// iam:PassRole; more are condition keys of the action, in lower case. Its error is for
	// the caller. nil: it may do anything.
	Permit func(action, arn string, more map[string][]string) error
}

// Request is an HTTP request whose signature is verified and whose body was read.
type Request struct {
	Method string
	Host   string
	Path   string // decoded
	Query  url.Values
	Header http.Header
	Body   []byte // must not be kept
	Client string // the address of the host that sent it; of IPv6 its network
	ID     string // of the answer; the Caller's RequestID

	// Circumstances are there where a request has no signature, and so no Caller.
	Circumstances iam.Circumstances
}

// Answer is what is answered. The API adds the request id's header of the service.
type Answer struct {
	Status int // 0: 200
	Header http.Header
	Body   []byte
	// Write, where it is set, writes Length bytes in the place of Body. An answer to
	// HEAD has a Length alone.
	Write  func(w io.Writer) error
	Length int64
}

// Service is one of them. Methods are called from many goroutines.
type Service interface {
	// SigningName is the service in the credential scope of its requests' signatures,
	// by which the API tells them apart: "logs", "sns", "firehose", "s3".
	SigningName() string
	// Operation names what a request asks for, for logs, metrics and the IAM action,
	// for instance "logs:CreateLogGroup" and the ARNs that it acts on; "" where it
	// asks for nothing that there is.
	Operation(r *Request) (action string, resources []string)
	// Answer answers. Its error is rendered by Fault.
	Answer(ctx context.Context, c *Caller, r *Request) (Answer, error)
	// Fault makes the answer of an error, of the API's own (an *Exception) or of
	// Answer. What is not an *Exception is internal and never shown; but for an
	// *sms.Error, which comes as the *Exception of its kind.
	Fault(err error, requestID string) Answer
}

// Public is a Service that answers some requests without a signature, such as the
// confirmation of a subscription.
type Public interface {
	Service
	// Unsigned reports whether a request without a signature is one of them. Body is
	// empty.
	Unsigned(r *Request) bool
	// AnswerPublic answers it.
	AnswerPublic(ctx context.Context, r *Request) (Answer, error)
}

// Acting is a Service that has to know who asks in order to say what a request acts on,
// or has condition keys of its own. Acts is asked in the place of Operation once the
// signature is verified.
type Acting interface {
	Service
	// Acts says what a request does. The action is empty where it asks for nothing that
	// there is.
	Acts(c *Caller, r *Request) Act
}

// Act is what a request does, as policies see it.
type Act struct {
	Action    string   // "iam:CreateUser"
	Resources []string // ARNs, each of which has to be allowed; none: "*"
	Owner     string   // account of the resources; empty: the one in their ARNs, or else the caller's
	Policy    string   // of the resource, as stored; empty: it has none

	ResourceTags map[string]string   // of the resource: aws:ResourceTag/
	RequestTags  map[string]string   // aws:RequestTag/ and aws:TagKeys
	TagKeys      []string            // where the request names keys alone
	Keys         map[string][]string // condition keys of the service, in lower case
	// Own is whether the caller may do it whatever its policies allow: nothing is asked
	// but that the signature is right, as of sts:GetCallerIdentity.
	Own bool
}

// PublicPosts is a Public that answers POSTs without a signature too, of at most 64 KiB.
type PublicPosts interface {
	Public
	// UnsignedPost reports whether a POST without a signature is one of them. Body is
	// empty; AnswerPublic, which answers it, has it.
	UnsignedPost(r *Request) bool
}

// OwnAuthorization is a Service that decides by itself what callers may do: the API
// verifies who they are and no more.
type OwnAuthorization interface {
	Service
	AuthorizesItself()
}

// Large is a Service some of whose requests are longer than 1 MiB.
type Large interface {
	Service
	// MaxBody is the longest body of a request, in bytes.
	MaxBody() int
}

// Exception is an error as a service of AWS names it.
type Exception struct {
	Code    string // "ResourceNotFoundException"
	Status  int    // of HTTP
	Message string
	Err     error // the cause, for the log
	// Own says that the code is the service's own, also where errors of the API's have the
	// same and are called otherwise in the service's protocol.
	Own bool
}

func (e *Exception) Error() string {
	if e.Err != nil {
		return e.Code + ": " + e.Message + ": " + e.Err.Error()
	}
	return e.Code + ": " + e.Message
}

func (e *Exception) Unwrap() error { return e.Err }

// ExceptionOf is the exception in err's chain, or one that says only that something
// went wrong.
func ExceptionOf(err error) *Exception {
	var e *Exception
	if errors.As(err, &e) {
		return e
	}
	return &Exception{Code: "InternalFailure", Status: http.StatusInternalServerError, Message: "Something went wrong in the service. Try again.", Err: err}
}
