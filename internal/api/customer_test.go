package api_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	smsvoice "github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"

	"heliograph/internal/api"
	"heliograph/internal/api/sigv4"
	"heliograph/internal/iam"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

const (
	customerAccount = "111122223333"
	customerRegion  = "us-east-1"
)

// customer is an account of a server of its own over a store of its own, seen
// through the AWS SDK.
type customer struct {
	*smsvoice.Client
	t         *testing.T
	directory *resources.Directory
	numbers   int
}

// newCustomer starts a server. limits that are all zero are the guide's.
func newCustomer(t *testing.T, limits api.Limits) *customer {
	t.Helper()
	return newCustomerWith(t, func(o *api.Options) { o.Limits = limits })
}

// newCustomerWith starts a server with other options.
func newCustomerWith(t *testing.T, edit func(*api.Options)) *customer {
	t.Helper()
	url, directory := startServer(t, edit)
	client := smsvoice.New(smsvoice.Options{
		Region: customerRegion, BaseEndpoint: &url, Retryer: aws.NopRetryer{}, HTTPClient: whole{&http.Transport{}},
		Credentials: credentials.NewStaticCredentialsProvider(rootAccessKey, rootSecret, ""),
	})
	return &customer{Client: client, t: t, directory: directory}
}

// whole reads an answer to its end before the SDK gets it. The SDK closes a request's
// body as soon as it has the answer's header: where the transport is not done with that
// body by then, it closes the connection, and with it what is left of a long answer.
type whole struct{ *http.Transport }

func (w whole) Do(r *http.Request) (*http.Response, error) {
	response, err := w.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	response.Body = io.NopCloser(bytes.NewReader(body))
	return response, err
}

// tickingClock moves by a millisecond whenever it is looked at, so that what is
// created later is younger too.
func tickingClock() func() time.Time {
	began, ticks := time.Now(), atomic.Int64{}
	return func() time.Time { return began.Add(time.Duration(ticks.Add(1)) * time.Millisecond) }
}

const (
	rootAccessKey = "AKIAIOSFODNN7EXAMPLE"
	rootSecret    = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
)

// rootKey is the one access key there is.
type rootKey struct{}

func (rootKey) Lookup(_ context.Context, accessKeyID, sessionToken string) (sigv4.Credential, error) {
	if accessKeyID != rootAccessKey || sessionToken != "" {
		return sigv4.Credential{}, sigv4.ErrUnknownKey
	}
	return sigv4.Credential{AccessKeyID: rootAccessKey, SecretAccessKey: rootSecret, Account: customerAccount,
		Principal: "arn:aws:iam::" + customerAccount + ":root",
		Identity:  &iam.Identity{Principal: iam.Principal{Type: iam.Root, ARN: "arn:aws:iam::" + customerAccount + ":root", Account: customerAccount}}}, nil
}

// arn is the ARN of one of the customer's resources.
func (c *customer) arn(t sms.ResourceType, id string) string {
	return "arn:aws:sms-voice:" + customerRegion + ":" + customerAccount + ":" + string(t) + "/" + id
}

// change makes a change that no operation of the API makes.
func (c *customer) change(fn func(*resources.Tx)) {
	c.t.Helper()
	err := c.directory.Change(c.t.Context(), customerAccount, func(tx *resources.Tx) error {
		fn(tx)
		return nil
	})
	if err != nil {
		c.t.Fatal(err)
	}
}

// number leases a phone number that takes messages, with the settings that edits
// give it, and answers its id.
func (c *customer) number(edits ...func(*sms.PhoneNumber)) string {
	c.t.Helper()
	c.numbers++
	n := sms.PhoneNumber{
		ID: fmt.Sprintf("phone-%032x", c.numbers), Number: fmt.Sprintf("+4479460%05d", c.numbers), Country: "GB", Type: sms.LongCode,
		Capabilities: []sms.Capability{sms.CapabilitySMS, sms.CapabilityVoice}, MessageType: sms.Transactional, Status: sms.NumberActive,
		MonthlyLeasingPrice: "1.00", OptOutList: sms.DefaultOptOutList, Carrier: "sim", PartsPerSecond: 10, TwoWayOffered: true,
	}
	for _, edit := range edits {
		edit(&n)
	}
	c.change(func(tx *resources.Tx) { tx.PhoneNumbers.Put(n.ID, n) })
	return n.ID
}

// senderID holds a sender ID for transactional messages to a country.
func (c *customer) senderID(name, country string) {
	c.t.Helper()
	s := sms.SenderID{SenderID: name, Country: country, MessageTypes: []sms.MessageType{sms.Transactional}, MonthlyLeasingPrice: "0.00", PartsPerSecond: 10}
	c.change(func(tx *resources.Tx) { tx.SenderIDs.Put(s.Key(), s) })
}

func (c *customer) optOutList(name string) {
	c.t.Helper()
	c.change(func(tx *resources.Tx) { tx.OptOutLists.Put(name, sms.OptOutList{Name: name}) })
}

// phoneNumber is a leased phone number as it is kept.
func (c *customer) phoneNumber(id string) sms.PhoneNumber {
	c.t.Helper()
	item := c.directory.Account(customerAccount).PhoneNumbers.Get(id)
	if item == nil {
		c.t.Fatalf("there is no phone number %s", id)
	}
	return item.Value
}

// must gives the output of a call that has to succeed: must(client.Op(ctx, in))(t).
func must[T any](out T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
}

// refusal is what a refused call was answered.
type refusal struct {
	Exception, Reason, ResourceType, ResourceID string
	Fields                                      []string // names
}

// refused reads an error of the SDK, whatever its exception.
func refused(t *testing.T, err error) refusal {
	t.Helper()
	var known interface {
		error
		ErrorCode() string
		ErrorMessage() string
	}
	if !errors.As(err, &known) {
		t.Fatalf("the call was not refused: %v", err)
	}
	if known.ErrorMessage() == "" {
		t.Errorf("%s has no message", known.ErrorCode())
	}
	r := refusal{Exception: known.ErrorCode()}
	v := reflect.Indirect(reflect.ValueOf(known))
	for name, to := range map[string]*string{"Reason": &r.Reason, "ResourceType": &r.ResourceType, "ResourceId": &r.ResourceID} {
		if f := v.FieldByName(name); f.IsValid() {
			if f.Kind() == reflect.Pointer && !f.IsNil() {
				f = f.Elem()
			}
			if f.Kind() == reflect.String {
				*to = f.String()
			}
		}
	}
	if fields := v.FieldByName("Fields"); fields.IsValid() {
		for i := range fields.Len() {
			r.Fields = append(r.Fields, *fields.Index(i).FieldByName("Name").Interface().(*string))
		}
	}
	return r
}
