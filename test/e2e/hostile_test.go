package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2/types"

	api "github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
)

// raw is a request as no SDK would make it.
type raw struct {
	operation string
	body      string
	signedAt  time.Time // zero is now
	secret    string    // empty is the right one
	unsigned  bool
	change    func(*http.Request) // after it was signed
}

// answer is what a raw request got.
type answer struct {
	status    int
	exception string
	message   string
}

// post makes a raw request.
func (s *server) post(ctx context.Context, c *http.Client, accessKey, secret string, r raw) (answer, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/", strings.NewReader(r.body))
	if err != nil {
		return answer{}, err
	}
	request.Header.Set("Content-Type", "application/x-amz-json-1.0")
	request.Header.Set("X-Amz-Target", "PinpointSMSVoiceV2."+r.operation)
	if !r.unsigned {
		if r.signedAt.IsZero() {
			r.signedAt = time.Now()
		}
		if r.secret != "" {
			secret = r.secret
		}
		hash := sha256.Sum256([]byte(r.body))
		who := aws.Credentials{AccessKeyID: accessKey, SecretAccessKey: secret}
		if err := v4.NewSigner().SignHTTP(ctx, who, request, hex.EncodeToString(hash[:]), "sms-voice", region, r.signedAt); err != nil {
			return answer{}, err
		}
	}
	if r.change != nil {
		r.change(request)
	}
	response, err := c.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return answer{}, err
	}
	var told struct {
		Type    string `json:"__type"`
		Message string
	}
	if err := json.Unmarshal(body, &told); err != nil {
		return answer{}, fmt.Errorf("%s with the body %q: %w", response.Status, body, err)
	}
	if response.Header.Get("X-Amzn-Requestid") == "" {
		return answer{}, fmt.Errorf("%s without a request id", response.Status)
	}
	exception := told.Type[strings.LastIndexByte(told.Type, '#')+1:]
	return answer{response.StatusCode, exception, told.Message}, nil
}

// refused is a raw request with what it has to be answered.
type refused struct {
	raw
	status    int
	exception string
}

// hostile are requests that have to be refused, by what is wrong with them.
func hostile() map[string]refused {
	text := func(body string) string {
		return `{"DestinationPhoneNumber":"` + successUS + `","MessageBody":` + body + `}`
	}
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	const operation = "SendTextMessage"
	good := text(`"Hello"`)
	return map[string]refused{
		"a body of 10 MB":             {raw{operation: operation, body: text(`"` + strings.Repeat("x", 10<<20) + `"`)}, 413, "SerializationException"},
		"a body of 10 MB, not signed": {raw{operation: operation, body: strings.Repeat("[", 10<<20), unsigned: true}, 413, "SerializationException"},
		"deep arrays":                 {raw{operation: operation, body: `{"Other":` + strings.Repeat("[", 400_000) + strings.Repeat("]", 400_000) + `}`}, 400, "SerializationException"},
		"deep objects":                {raw{operation: operation, body: strings.Repeat(`{"a":`, 150_000) + "1" + strings.Repeat("}", 150_000)}, 400, "SerializationException"},
		"arrays without an end":       {raw{operation: operation, body: strings.Repeat("[", 1<<20)}, 400, "SerializationException"},
		"invalid UTF-8":               {raw{operation: operation, body: text("\"\xff\xfe\xc0\x80\"")}, 400, "SerializationException"},
		"half a surrogate pair":       {raw{operation: operation, body: text(`"\ud800"`)}, 400, "SerializationException"},
		"no JSON":                     {raw{operation: operation, body: "DestinationPhoneNumber=+1"}, 400, "SerializationException"},
		"half of an object":           {raw{operation: operation, body: good[:len(good)-1]}, 400, "SerializationException"},
		"a number for a text":         {raw{operation: operation, body: text("1")}, 400, "SerializationException"},
		"an enormous number":          {raw{operation: operation, body: `{"DestinationPhoneNumber":"+1","TimeToLive":1e999999999}`}, 400, "SerializationException"},
		"an unknown operation":        {raw{operation: "SendEverything", body: "{}"}, 400, "UnknownOperationException"},
		"not signed":                  {raw{operation: operation, body: good, unsigned: true}, 400, "MissingAuthenticationTokenException"},
		"signed with another secret":  {raw{operation: operation, body: good, secret: "another secret"}, 400, "InvalidSignatureException"},
		"a body that was not signed": {raw{operation: operation, body: good, change: func(r *http.Request) {
			other := strings.Replace(good, "Hello", "Jello", 1)
			r.Body = io.NopCloser(strings.NewReader(other))
		}}, 400, "InvalidSignatureException"},
		"a request of ten minutes ago": {raw{operation: operation, body: good, signedAt: time.Now().Add(-10 * time.Minute)}, 400, "InvalidSignatureException"},
		"a request of next week":       {raw{operation: operation, body: good, signedAt: time.Now().Add(7 * 24 * time.Hour)}, 400, "InvalidSignatureException"},
		"an unknown access key": {raw{operation: operation, body: good, change: func(r *http.Request) {
			value := r.Header.Get("Authorization")
			at := strings.Index(value, "Credential=") + len("Credential=")
			r.Header.Set("Authorization", value[:at]+"AKIAIOSFODNN7EXAMPLE"+value[at+strings.IndexByte(value[at:], '/'):])
		}}, 400, "UnrecognizedClientException"},
		"half of an Authorization": {raw{operation: operation, body: good, change: header("Authorization", "AWS4-HMAC-SHA256 Credential=x")}, 400, "IncompleteSignatureException"},
		"an enormous header":       {raw{operation: operation, body: good, change: header("Authorization", strings.Repeat("AWS4-HMAC-SHA256 ", 500))}, 400, "IncompleteSignatureException"},
	}
}

// TestHostile sends what no client should, beside ten thousand connections that
// say nothing or half of something, and a good client in between: all of it is
// refused clearly, the server stays small, and the good client is served.
func TestHostile(t *testing.T) {
	s := start(t, "tier: production\nlog: {level: error}\n")
	c := s.client()
	lease(t, c, "US", types.RequestableNumberTypeSimulator)
	accessKey, secret := s.keys()
	cases := hostile()
	transport := &http.Transport{MaxIdleConnsPerHost: 16}
	defer transport.CloseIdleConnections()
	bad := &http.Client{Transport: transport, Timeout: patience}
	for name, r := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := s.post(t.Context(), bad, accessKey, secret, r.raw)
			if err != nil {
				t.Fatal(err)
			}
			if got.status != r.status || got.exception != r.exception || got.message == "" {
				t.Errorf("answered %+v, want %d %s", got, r.status, r.exception)
			}
		})
	}

	idle := idleConnections(t, s.address)
	defer func() {
		for _, connection := range idle {
			connection.Close()
		}
	}()
	lasting := 2 * time.Second
	if full {
		lasting = 30 * time.Second
	}
	var refused, broken atomic.Int64
	ctx, end := context.WithTimeout(t.Context(), lasting)
	defer end()
	var attackers sync.WaitGroup
	for range 4 {
		attackers.Go(func() {
			for ctx.Err() == nil {
				for _, r := range cases {
					got, err := s.post(ctx, bad, accessKey, secret, r.raw)
					switch {
					case ctx.Err() != nil:
						return
					case err != nil || got.exception != r.exception:
						broken.Add(1)
					default:
						refused.Add(1)
					}
				}
			}
		})
	}
	took := goodClient(ctx, t, c)
	attackers.Wait()
	slices.Sort(took)
	peak := s.peakMemory()
	t.Logf("%d idle connections, %d refusals in %s; a good client's %d calls: p50 %s, p99 %s; peak memory %.1f MB",
		len(idle), refused.Load(), lasting, len(took), took[len(took)/2], took[len(took)*99/100], float64(peak)/1e6)
	if broken.Load() > 0 {
		t.Errorf("%d bad requests were not refused as they should", broken.Load())
	}
	if peak >= 200e6 {
		t.Errorf("the server took %d bytes of memory", peak)
	}
}

// goodClient sends messages one after the other until ctx ends, and gives how long
// each took. The pauses make it a client that sends now and then.
func goodClient(ctx context.Context, t *testing.T, c *api.Client) (took []time.Duration) {
	t.Helper()
	for ctx.Err() == nil || len(took) < 10 {
		began := time.Now()
		send(t, c, &api.SendTextMessageInput{DestinationPhoneNumber: aws.String(successUS), MessageBody: aws.String("Hello")})
		took = append(took, time.Since(began))
		time.Sleep(5 * time.Millisecond)
	}
	return took
}

// idleConnections opens ten thousand connections, or as many as the machine lets
// two processes have. Every other one has sent half of a request.
func idleConnections(t *testing.T, address string) []net.Conn {
	t.Helper()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	count := min(10_000, int(limit.Cur)-1000)
	half := []byte("POST / HTTP/1.1\r\nHost: " + address + "\r\nX-Amz-Target: PinpointSMSVoiceV2.DescribePools\r\n")
	var open []net.Conn
	for i := range count {
		connection, err := net.DialTimeout("tcp", address, patience)
		if err != nil {
			t.Fatalf("connection %d: %v", i+1, err)
		}
		open = append(open, connection)
		if i%2 == 1 {
			if _, err := io.Copy(connection, bytes.NewReader(half)); err != nil {
				t.Fatalf("connection %d: %v", i+1, err)
			}
		}
	}
	return open
}

// TestUnfinishedBodies has clients that nobody knows send most of a long body each,
// and no more: the server does not fill its memory with them, and serves others.
func TestUnfinishedBodies(t *testing.T) {
	t.Parallel()
	s := start(t, "tier: production\nlog: {level: error}\n")
	c := s.client()
	lease(t, c, "US", types.RequestableNumberTypeSimulator)
	body := bytes.Repeat([]byte(" "), 1_000_000)
	request := append([]byte("POST / HTTP/1.1\r\nHost: "+s.address+"\r\nX-Amz-Target: PinpointSMSVoiceV2.DescribePools\r\nContent-Length: 1000001\r\n\r\n"), body...)
	for range 500 {
		connection, err := net.DialTimeout("tcp", s.address, patience)
		if err != nil {
			t.Fatal(err)
		}
		defer connection.Close()
		// What the server does not read is for the kernel to keep.
		connection.SetWriteDeadline(time.Now().Add(20 * time.Millisecond))
		connection.Write(request)
	}
	ctx, end := context.WithTimeout(t.Context(), time.Second)
	defer end()
	took := goodClient(ctx, t, c)
	slices.Sort(took)
	peak := s.peakMemory()
	t.Logf("a good client's %d calls: p50 %s, p99 %s; peak memory %.1f MB", len(took), took[len(took)/2], took[len(took)*99/100], float64(peak)/1e6)
	if peak >= 200e6 {
		t.Errorf("the server took %d bytes of memory", peak)
	}
}
