package trace

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	collectorpb "go.opentelemetry.io/proto/slim/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"
)

// How a collector that does not answer is waited for.
const (
	sendTime   = 10 * time.Second // one attempt
	firstPause = time.Second
	maxPause   = 30 * time.Second
	maxTries   = 5
	maxAnswer  = 64 << 10 // octets that are read of an answer
)

// client posts spans by OTLP over HTTP, in protobuf.
type client struct {
	url     string
	headers http.Header
	http    *http.Client
	stop    <-chan struct{} // from then on nothing is tried twice
}

func newClient(u *url.URL, headers map[string]string, stop <-chan struct{}) *client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	return &client{url: u.String(), headers: defaultHeaders(headers), stop: stop, http: &http.Client{
		Transport: transport, Timeout: sendTime,
		// The headers may hold a secret, which is the collector's alone.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func (c *client) close() { c.http.CloseIdleConnections() }

// answerError is an answer other than 200.
type answerError struct {
	status int
	again  bool          // it may be taken another time
	after  time.Duration // as the collector asks; 0: it does not
	text   string
}

func (e *answerError) Error() string {
	if e.text == "" {
		return fmt.Sprintf("the collector answers %d", e.status)
	}
	return fmt.Sprintf("the collector answers %d: %s", e.status, e.text)
}

// isRefusal tells answers that would be the same another time.
func isRefusal(err error) bool {
	var answer *answerError
	return errors.As(err, &answer) && !answer.again
}

// send posts a request until it is taken, refused, or was tried often enough. It
// answers how many of its spans were not wanted.
func (c *client) send(ctx context.Context, request *collectorpb.ExportTraceServiceRequest) (rejected int, err error) {
	body, err := packed(request)
	if err != nil {
		return 0, err
	}
	pause := firstPause
	for try := 1; ; try++ {
		if rejected, err = c.post(ctx, body); err == nil || isRefusal(err) || try == maxTries {
			return rejected, err
		}
		wait := pause/2 + rand.N(pause/2)
		var answer *answerError
		if errors.As(err, &answer) && answer.after > 0 {
			wait = min(answer.after, maxPause)
		}
		if !c.sleep(ctx, wait) {
			return 0, err
		}
		pause = min(2*pause, maxPause)
	}
}

// sleep reports whether there is time for another try.
func (c *client) sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-c.stop:
	case <-ctx.Done():
	}
	return false
}

func packed(request *collectorpb.ExportTraceServiceRequest) ([]byte, error) {
	plain, err := proto.Marshal(request)
	if err != nil {
		return nil, fmt.Errorf("encode spans: %w", err)
	}
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write(plain); err != nil {
		return nil, fmt.Errorf("compress spans: %w", err)
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("compress spans: %w", err)
	}
	return out.Bytes(), nil
}

// post makes one attempt. Which answers are worth another one is in the OTLP
// specification ("OTLP/HTTP Response", Retryable Response Codes).
func (c *client) post(ctx context.Context, body []byte) (rejected int, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	r.Header = c.headers.Clone()
	answer, err := c.http.Do(r)
	if err != nil {
		var outer *url.Error // repeats the URL, which may hold a secret
		if errors.As(err, &outer) {
			err = outer.Err
		}
		return 0, fmt.Errorf("reach the collector: %w", err)
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return 0, fmt.Errorf("read the collector's answer: %w", err)
	}
	if answer.StatusCode/100 == 2 {
		var said collectorpb.ExportTraceServiceResponse
		if !strings.HasPrefix(answer.Header.Get("Content-Type"), "application/x-protobuf") || proto.Unmarshal(content, &said) != nil {
			return 0, nil
		}
		return int(said.PartialSuccess.GetRejectedSpans()), nil
	}
	failure := &answerError{status: answer.StatusCode}
	switch answer.StatusCode {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		failure.again = true
		failure.after = retryAfter(answer.Header.Get("Retry-After"))
	}
	if strings.HasPrefix(answer.Header.Get("Content-Type"), "text/plain") {
		failure.text = strings.ToValidUTF8(strings.TrimSpace(string(content[:min(len(content), 200)])), "?")
	}
	return 0, failure
}

// retryAfter reads a number of seconds (RFC 9110, section 10.2.3); a date is not
// looked at.
func retryAfter(text string) time.Duration {
	seconds, err := strconv.Atoi(text)
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(min(seconds, int(maxPause/time.Second))) * time.Second
}
