// Package endpoint chooses the Publisher of an event destination by the
// configuration key aws.endpoint_url: the embedded local log, the real services,
// or another endpoint that speaks their protocols.
package endpoint

import (
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"

	"heliograph/internal/destination"
	"heliograph/internal/destination/cloudwatchlogs"
	"heliograph/internal/destination/connect"
	"heliograph/internal/destination/firehose"
	"heliograph/internal/destination/local"
	"heliograph/internal/destination/sns"
	"heliograph/internal/sms"
)

// AWS is the URL that stands for the real services.
const AWS = "aws"

// Options say where events go.
type Options struct {
	URL string // aws.endpoint_url: empty for the local log, AWS, or http(s)://HOST
	// ConnectURL is aws.connect_endpoint_url: where Amazon Connect is instead, AWS or
	// http(s)://HOST; empty for none.
	ConnectURL string
	AWS        aws.Config // its Credentials are needed unless both URLs are empty; its Region is not used
	Local      *local.Log // needed where URL is empty
	Slot       int        // node slot whose events are published
	// Embedded makes the publishers of destinations in embedded services.
	Embedded func(account string, d sms.EmbeddedDestination) (destination.Publisher, error)
}

// Clients try a request again while a publication's time lasts; longer outages
// are the Router's business.
const (
	attempts   = 3
	maxBackoff = 300 * time.Millisecond
)

// New makes the Factory. Its error names the key of the configuration that is wrong.
func New(o Options) (destination.Factory, error) {
	others, err := newOthers(o)
	if err != nil || o.ConnectURL == "" {
		return others, err
	}
	config, err := clientConfig(o.AWS, "aws.connect_endpoint_url", o.ConnectURL)
	if err != nil {
		return nil, err
	}
	return func(account, configurationSet string, d sms.EventDestination) (destination.Publisher, error) {
		if d.Connect != nil {
			return connect.New(config, d.Connect.Channel, d.Connect.PhoneNumber)
		}
		return others(account, configurationSet, d)
	}, nil
}

// newOthers makes the Factory of all but Amazon Connect of its own endpoint.
func newOthers(o Options) (destination.Factory, error) {
	if o.URL == "" {
		if o.Local == nil {
			return nil, fmt.Errorf("aws.endpoint_url is empty, but there is no local event log")
		}
		return func(account, configurationSet string, d sms.EventDestination) (destination.Publisher, error) {
			if d.Embedded != nil {
				return o.Embedded(account, *d.Embedded)
			}
			return o.Local.Publisher(account, configurationSet, d.Name)
		}, nil
	}
	config, err := clientConfig(o.AWS, "aws.endpoint_url", o.URL)
	if err != nil {
		return nil, err
	}
	return func(_, _ string, d sms.EventDestination) (destination.Publisher, error) {
		switch {
		case d.CloudWatchLogs != nil:
			return cloudwatchlogs.New(config, d.CloudWatchLogs.LogGroupARN, o.Slot)
		case d.Firehose != nil:
			return firehose.New(config, d.Firehose.DeliveryStreamARN)
		case d.SNS != nil:
			return sns.New(config, d.SNS.TopicARN)
		case d.Connect != nil:
			return connect.New(config, d.Connect.Channel, d.Connect.PhoneNumber)
		}
		return nil, fmt.Errorf("event destination %s has no log group, stream, topic or instance of Amazon Connect", d.Name)
	}, nil
}

// clientConfig is the configuration of clients of the endpoint that a key of the
// configuration has.
func clientConfig(from aws.Config, key, address string) (aws.Config, error) {
	config := from.Copy()
	if address != AWS {
		u, err := url.Parse(address)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return aws.Config{}, fmt.Errorf("%s is %q: it has to be empty, %q, or a URL with http or https", key, address, AWS)
		}
		config.BaseEndpoint = &address
	}
	if config.Credentials == nil {
		return aws.Config{}, fmt.Errorf("%s is %q, but there are no AWS credentials", key, address)
	}
	if config.HTTPClient == nil {
		config.HTTPClient = awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
			t.MaxIdleConnsPerHost = 64
		})
	}
	config.Retryer = func() aws.Retryer {
		return retry.NewStandard(func(r *retry.StandardOptions) {
			r.MaxAttempts = attempts
			r.MaxBackoff = maxBackoff
		})
	}
	return config, nil
}
