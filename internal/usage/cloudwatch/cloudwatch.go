// Package cloudwatch puts what accounts have spent into Amazon CloudWatch, as the metrics
// that the guide's chapter 15 names.
//
// It speaks CloudWatch's query protocol (API version 2010-08-01), which every service
// that stands in for CloudWatch understands; newer clients speak another one that many of
// these do not.
package cloudwatch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"

	"heliograph/internal/usage"
)

// The metrics and their namespace (guide chapter 15, "Monitoring with CloudWatch"). AWS
// itself keeps namespaces that begin with AWS/ for its own services and refuses such
// data, so there the namespace is OwnNamespace.
const (
	Namespace    = "AWS/SMSVoice"
	OwnNamespace = "SMSVoice"
	TextSpend    = "TextMessageMonthlySpend"
	VoiceSpend   = "VoiceMessageMonthlySpend"
)

// dimension tells the accounts of the installation apart, but for the first: its metrics
// have none, as the guide's.
const dimension = "AccountId"

// realAWS is the aws.endpoint_url that stands for the real services.
const realAWS = "aws"

const (
	service = "monitoring" // as signatures name it
	version = "2010-08-01"
	timeout = 10 * time.Second // of a request
)

// Metrics is where the metrics are put.
type Metrics struct {
	url         string
	namespace   string
	region      string
	first       string
	credentials aws.CredentialsProvider
	signer      *v4.Signer
	client      *http.Client
}

// New makes Metrics at an endpoint: "aws", or a URL. first is the installation's first
// account. The credentials and the region are config's.
func New(ctx context.Context, config aws.Config, endpoint, first string) (*Metrics, error) {
	m := &Metrics{url: endpoint, namespace: Namespace, region: config.Region, first: first, credentials: config.Credentials,
		signer: v4.NewSigner(), client: &http.Client{Timeout: timeout}}
	if endpoint == realAWS {
		found, err := cloudwatch.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, cloudwatch.EndpointParameters{Region: &config.Region})
		if err != nil {
			return nil, fmt.Errorf("find CloudWatch in region %q: %w", config.Region, err)
		}
		m.url, m.namespace = found.URI.String(), OwnNamespace
	}
	u, err := url.Parse(m.url)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("aws.endpoint_url is %q: it has to be %q, or a URL with http or https", endpoint, realAWS)
	}
	if m.credentials == nil {
		return nil, fmt.Errorf("aws.endpoint_url is %q, but there are no AWS credentials", endpoint)
	}
	return m, nil
}

// mostData is how many metrics one request has: CloudWatch takes a thousand.
const mostData = 500

// Put puts what was spent until a time.
func (m *Metrics) Put(ctx context.Context, spent []usage.Spend, at time.Time) error {
	for some := range slices.Chunk(spent, mostData) {
		if _, err := m.call(ctx, "PutMetricData", m.data(some, at)); err != nil {
			return fmt.Errorf("put the monthly spend: %w", err)
		}
	}
	return nil
}

// data are the parameters of PutMetricData.
func (m *Metrics) data(spent []usage.Spend, at time.Time) url.Values {
	v := url.Values{}
	for i, s := range spent {
		name := TextSpend
		if s.Channel == usage.ChannelVoice {
			name = VoiceSpend
		}
		datum := "MetricData.member." + strconv.Itoa(i+1) + "."
		v.Set(datum+"MetricName", name)
		v.Set(datum+"Value", strconv.FormatFloat(s.Amount.Dollars(), 'f', -1, 64))
		v.Set(datum+"Unit", "None") // CloudWatch has no unit of money
		v.Set(datum+"Timestamp", at.UTC().Format(time.RFC3339))
		if s.Account != m.first {
			v.Set(datum+"Dimensions.member.1.Name", dimension)
			v.Set(datum+"Dimensions.member.1.Value", s.Account)
		}
	}
	return v
}

// mostAnswer bounds what is read of an answer.
const mostAnswer = 64 << 10

// call makes a signed request about the namespace.
func (m *Metrics) call(ctx context.Context, action string, v url.Values) (answer []byte, err error) {
	v.Set("Action", action)
	v.Set("Version", version)
	v.Set("Namespace", m.namespace)
	body := v.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, m.url, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	key, err := m.credentials.Retrieve(ctx)
	if err != nil {
		return nil, fmt.Errorf("AWS credentials: %w", err)
	}
	sum := sha256.Sum256([]byte(body))
	if err := m.signer.SignHTTP(ctx, key, request, hex.EncodeToString(sum[:]), service, m.region, time.Now()); err != nil {
		return nil, fmt.Errorf("sign the request: %w", err)
	}
	response, err := m.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if answer, err = io.ReadAll(io.LimitReader(response.Body, mostAnswer)); err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("CloudWatch answered HTTP %d: %s", response.StatusCode, answer[:min(len(answer), 300)])
	}
	return answer, nil
}
