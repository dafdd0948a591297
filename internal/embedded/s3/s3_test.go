package s3

import (
	"bytes"
	"encoding/xml"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"heliograph/internal/api/service"
	"heliograph/internal/deactivation"
	"heliograph/internal/resources"
	"heliograph/internal/store"
	"heliograph/internal/store/sqlite"
)

// newBucket is a bucket with reports of two days.
func newBucket(t *testing.T) *Service {
	t.Helper()
	engine, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "test.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	fence, err := engine.Join(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	committer := store.NewCommitter(engine, fence, store.CommitterOptions{})
	t.Cleanup(func() {
		committer.Close()
		engine.Close()
	})
	now := func() time.Time { return time.Date(2026, 11, 23, 18, 0, 0, 0, time.UTC) }
	directory, err := resources.Open(t.Context(), engine, committer, "aws", "us-east-1", now)
	if err != nil {
		t.Fatal(err)
	}
	reports := deactivation.New(directory, engine, now)
	for day, numbers := range map[string][]string{
		"2026-11-22": {"+12065550101", "+12065550100", "+447700900123"},
		"2026-11-23": {"+12065550102"},
	} {
		if _, err := reports.Add(t.Context(), day, numbers); err != nil {
			t.Fatal(err)
		}
	}
	return New("us-east-1", reports)
}

const bucket = "us-east-1-pinpoint-sms-voice"

func (s *Service) do(t *testing.T, method, host, address string) (service.Answer, string) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	r := &service.Request{Method: method, Host: host, Path: u.Path, Query: u.Query(), Header: http.Header{}}
	a, err := s.Answer(t.Context(), &service.Caller{}, r)
	if err != nil {
		return a, service.ExceptionOf(err).Code
	}
	if a.Write == nil {
		return a, string(a.Body)
	}
	var body bytes.Buffer
	if err := a.Write(&body); err != nil {
		t.Fatal(err)
	}
	if int64(body.Len()) != a.Length {
		t.Errorf("%s: %d bytes, announced as %d", address, body.Len(), a.Length)
	}
	return a, body.String()
}

func TestObjects(t *testing.T) {
	s := newBucket(t)
	for address, want := range map[string]string{
		"/" + bucket + "/sms-deact-reports/us/latest-deact-report.csv":     "+12065550102\n",
		"/" + bucket + "/sms-deact-reports/US/2026-11-22-deact-report.csv": "+12065550100\n+12065550101\n",
		"/" + bucket + "/sms-deact-reports/gb/latest-deact-report.csv":     "+447700900123\n",
		"/" + bucket + "/sms-deact-reports/us/2026-11-21-deact-report.csv": "NoSuchKey",
		"/" + bucket + "/sms-deact-reports/uS/latest-deact-report.csv":     "NoSuchKey",
		"/" + bucket + "/sms-deact-reports/fr/latest-deact-report.csv":     "NoSuchKey",
		"/" + bucket + "/elsewhere":                                        "NoSuchKey",
		"/another/sms-deact-reports/us/latest-deact-report.csv":            "NoSuchBucket",
		"/" + bucket: "NotImplemented",
	} {
		if _, got := s.do(t, http.MethodGet, "127.0.0.1:7670", address); got != want {
			t.Errorf("%s: %q, want %q", address, got, want)
		}
	}
	if _, got := s.do(t, http.MethodGet, bucket+".localhost:7670", "/sms-deact-reports/us/latest-deact-report.csv"); got != "+12065550102\n" {
		t.Errorf("by the host's name: %q", got)
	}
	if _, got := s.do(t, http.MethodPut, "127.0.0.1:7670", "/"+bucket+"/x"); got != "MethodNotAllowed" {
		t.Errorf("written: %q", got)
	}
	a, body := s.do(t, http.MethodHead, "127.0.0.1:7670", "/"+bucket+"/sms-deact-reports/us/latest-deact-report.csv")
	if body != "" || a.Length != 13 || a.Header.Get("Etag") == "" || a.Header.Get("Last-Modified") != "Mon, 23 Nov 2026 18:00:00 GMT" {
		t.Errorf("its head: %+v", a)
	}
}

func TestList(t *testing.T) {
	s := newBucket(t)
	const us, capitals = "sms-deact-reports/us/", "sms-deact-reports/US/"
	list := func(query string) (keys []string, out listResult) {
		t.Helper()
		_, body := s.do(t, http.MethodGet, "127.0.0.1:7670", "/"+bucket+"?list-type=2&"+query)
		if err := xml.Unmarshal([]byte(body), &out); err != nil {
			t.Fatalf("%s: %v in %s", query, err, body)
		}
		for _, o := range out.Contents {
			keys = append(keys, o.Key)
		}
		return keys, out
	}
	all := []string{"2026-11-22-deact-report.csv", "2026-11-23-deact-report.csv", "latest-deact-report.csv"}
	under := func(folder string) (keys []string) {
		for _, name := range all {
			keys = append(keys, folder+name)
		}
		return keys
	}
	if got, out := list("prefix=" + us); !slices.Equal(got, under(us)) || out.KeyCount != 3 || out.IsTruncated || out.Contents[0].Size != 26 {
		t.Errorf("small letters: %q, %+v", got, out)
	}
	if got, _ := list("prefix=" + capitals); !slices.Equal(got, under(capitals)) {
		t.Errorf("capitals: %q", got)
	}
	if got, _ := list(""); len(got) != 5 {
		t.Errorf("everything: %q", got)
	}
	if _, out := list("delimiter=/&prefix=sms-deact-reports/"); len(out.Contents) != 0 || len(out.CommonPrefixes) != 2 {
		t.Errorf("folders: %+v", out)
	}
	var paged []string
	for token := ""; ; {
		got, out := list("max-keys=2&prefix=" + us + "&continuation-token=" + token)
		if paged = append(paged, got...); !out.IsTruncated {
			break
		}
		token = out.NextContinuationToken
	}
	if !slices.Equal(paged, under(us)) {
		t.Errorf("page by page: %q", paged)
	}
	if _, body := s.do(t, http.MethodGet, "127.0.0.1:7670", "/"+bucket+"?list-type=2&max-keys=x"); body != "InvalidArgument" {
		t.Errorf("a bad argument: %s", body)
	}
	if a := s.Fault(fault(http.StatusNotFound, "NoSuchKey", "There is no report <x>."), "id"); !strings.Contains(string(a.Body), "<Code>NoSuchKey</Code><Message>There is no report &lt;x&gt;.</Message>") {
		t.Errorf("an error: %s", a.Body)
	}
}
