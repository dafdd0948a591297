package sns

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"heliograph/internal/egress"
)

const (
	// postTime is how long an endpoint may take for its answer (Amazon SNS has the
	// same).
	postTime = 15 * time.Second
	// maxAnswer is what is read of it, and thrown away, so that the connection can be
	// used again.
	maxAnswer = 64 << 10
)

// NewClient makes the one HTTP client that endpoints are reached with, where guard lets it.
// It follows no redirects: what is signed for one endpoint goes to no other.
func NewClient(guard *egress.Guard) *http.Client {
	transport := guard.Transport()
	transport.MaxIdleConnsPerHost = parallel
	return &http.Client{Transport: transport, Timeout: postTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// post is what an endpoint gets.
type post struct {
	endpoint, kind                       string
	messageID, topicARN, subscriptionARN string
	raw                                  bool
	body                                 []byte
}

// answered is the error of an endpoint whose answer was none of success.
type answered struct{ status int }

func (a answered) Error() string {
	return fmt.Sprintf("the endpoint answered %d %s", a.status, http.StatusText(a.status))
}

// final reports that the endpoint will not take it later either: errors of the client,
// but for too many requests.
func (a answered) final() bool {
	return a.status >= 400 && a.status < 500 && a.status != http.StatusTooManyRequests
}

// unreached is the error of an endpoint that gave no answer, without its URL, which may
// have secrets.
func unreached(err error) error {
	if of := (*url.Error)(nil); errors.As(err, &of) {
		err = of.Err
	}
	return fmt.Errorf("the endpoint was not reached: %w", err)
}

// send posts it. A status from 200 to 299 is success.
func (p *post) send(ctx context.Context, client *http.Client) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.endpoint, bytes.NewReader(p.body))
	if err != nil {
		return errors.New("the endpoint's URL cannot be used")
	}
	header := request.Header
	header.Set("User-Agent", "Heliograph SNS")
	header.Set("Content-Type", "text/plain; charset=UTF-8")
	header.Set("x-amz-sns-message-type", p.kind)
	header.Set("x-amz-sns-message-id", p.messageID)
	header.Set("x-amz-sns-topic-arn", p.topicARN)
	if p.subscriptionARN != "" {
		header.Set("x-amz-sns-subscription-arn", p.subscriptionARN)
	}
	if p.raw {
		header.Set("x-amz-sns-rawdelivery", "true")
	}
	response, err := client.Do(request)
	if err != nil {
		return unreached(err)
	}
	defer response.Body.Close()
	io.Copy(io.Discard, io.LimitReader(response.Body, maxAnswer))
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return answered{response.StatusCode}
	}
	return nil
}
