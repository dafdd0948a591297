package trail

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"heliograph/internal/audit"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// bucket is what the trail needs of an S3-compatible service.
type bucket struct {
	mu      sync.Mutex
	objects map[string][]byte
	puts    []string // keys, in order
	fails   int      // requests that it stores and answers with an error
}

func (b *bucket) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.objects[r.URL.Path] = body
	b.puts = append(b.puts, r.URL.Path)
	if b.fails > 0 {
		b.fails--
		w.WriteHeader(http.StatusForbidden)
	}
}

func (b *bucket) names(t *testing.T) (all []string) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for key, body := range b.objects {
		z, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			t.Fatalf("%s: %v", key, err)
		}
		var content struct{ Records []audit.Record }
		if err := json.NewDecoder(z).Decode(&content); err != nil {
			t.Fatalf("%s: %v", key, err)
		}
		for _, r := range content.Records {
			all = append(all, r.RecipientAccountID+" "+r.EventName)
		}
	}
	slices.Sort(all)
	return all
}

// Every record comes into the bucket once, however often a put fails after it was done
// and the process begins anew.
func TestDelivery(t *testing.T) {
	b := &bucket{objects: map[string][]byte{}}
	server := httptest.NewServer(b)
	defer server.Close()
	directory := t.TempDir()
	at := noon
	var want []string
	for process := range 3 {
		log, err := audit.Open(audit.Options{Directory: directory, FileBytes: 2000, Keep: time.Hour, Account: "111122223333", Region: "us-east-1",
			Now: func() time.Time { return at }, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		for n := range 5 {
			account := []string{"111122223333", "444455556666"}[n%2]
			name := fmt.Sprintf("Call%d%d", process, n)
			want = append(want, account+" "+name)
			if err := log.Record(&audit.Call{Account: account, At: at, Source: audit.SourceService, Name: name}); err != nil {
				t.Fatal(err)
			}
		}
		if err := log.Flush(); err != nil {
			t.Fatal(err)
		}
		trail := New(Options{Log: log, Bucket: "trail", Prefix: "p/", Region: "us-east-1", Every: time.Second, Now: func() time.Time { return at }, Logger: slog.New(slog.DiscardHandler),
			AWS: aws.Config{Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
				RetryMaxAttempts: 1}})
		b.mu.Lock()
		b.fails = 1 - process%2
		b.mu.Unlock()
		once := func() error {
			var failed error
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			log.Batches(ctx, Target, time.Hour, func(ctx context.Context, batch audit.Batch) error {
				failed = trail.deliver(ctx, batch)
				cancel()
				return failed
			})
			return failed
		}
		if err := once(); (err != nil) != (process%2 == 0) {
			t.Errorf("process %d: %v", process, err)
		}
		if s := trail.Status(); (s.Error != "") != (process%2 == 0) || s.Attempted != at {
			t.Errorf("process %d: %+v", process, s)
		}
		if err := log.Close(); err != nil {
			t.Fatal(err)
		}
		at = at.Add(10 * time.Minute)
	}
	log, err := audit.Open(audit.Options{Directory: directory, FileBytes: 2000, Keep: time.Hour, Account: "111122223333", Region: "us-east-1",
		Now: func() time.Time { return at }, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	last := New(Options{Log: log, Bucket: "trail", Prefix: "p/", Region: "us-east-1", Every: time.Millisecond, Now: func() time.Time { return at }, Logger: slog.New(slog.DiscardHandler),
		AWS: aws.Config{Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", "")}})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); last.Run(ctx) }()
	for deadline := time.Now().Add(30 * time.Second); log.Delivered(Target) < uint64(len(want)) && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	cancel()
	<-done
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(want)
	if got := b.names(t); !slices.Equal(got, want) {
		t.Errorf("delivered:\n%q\nwant:\n%q", got, want)
	}
	form := regexp.MustCompile(`^/trail/p/AWSLogs/(\d{12})/CloudTrail/us-east-1/2026/03/01/(\d{12})_CloudTrail_us-east-1_20260301T12\d\dZ_[A-Z2-7]{16}\.json\.gz$`)
	for key := range b.objects {
		if part := form.FindStringSubmatch(key); part == nil || part[1] != part[2] {
			t.Errorf("key %s", key)
		}
	}
	if len(b.puts) <= len(b.objects) {
		t.Errorf("nothing was put again: %q", b.puts)
	}
}
