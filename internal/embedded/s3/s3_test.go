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

// Clients fetch large objects range by range (RFC 9110, section 14).
func TestRanges(t *testing.T) {
	s := newBucket(t)
	const whole = "+12065550100\n+12065550101\n"
	get := func(header, value string) (service.Answer, string) {
		t.Helper()
		r := &service.Request{Method: http.MethodGet, Host: "127.0.0.1", Path: "/" + bucket + "/sms-deact-reports/us/2026-11-22-deact-report.csv", Header: http.Header{}}
		r.Header.Set(header, value)
		a, err := s.Answer(t.Context(), &service.Caller{}, r)
		if err != nil {
			return a, service.ExceptionOf(err).Code
		}
		var body bytes.Buffer
		if a.Write != nil {
			if err := a.Write(&body); err != nil || int64(body.Len()) != a.Length {
				t.Errorf("%s %s: %d bytes, announced as %d, %v", header, value, body.Len(), a.Length, err)
			}
		}
		return a, body.String()
	}
	for value, want := range map[string]string{
		"bytes=0-0": whole[:1], "bytes=5-15": whole[5:16], "bytes=20-": whole[20:], "bytes=20-99": whole[20:], "bytes=-3": whole[23:],
		"bytes=0-25": whole, "bytes=0-1,4-5": whole, "lines=1-2": whole, "bytes=4-2": whole, "bytes=26-": "InvalidRange", "bytes=-0": "InvalidRange",
	} {
		a, got := get("Range", value)
		partial := got != whole && got != "InvalidRange"
		if got != want || partial != (a.Status == http.StatusPartialContent) || partial != (a.Header.Get("Content-Range") != "") {
			t.Errorf("%s: %q, status %d, %q; want %q", value, got, a.Status, a.Header.Get("Content-Range"), want)
		}
	}
	a, _ := get("Range", "bytes=1-2")
	tag := a.Header.Get("Etag")
	if a.Header.Get("Content-Range") != "bytes 1-2/26" {
		t.Errorf("%q", a.Header.Get("Content-Range"))
	}
	if a, got := get("If-Match", tag); got != whole || a.Status != 0 {
		t.Errorf("If-Match of what is there: %q", got)
	}
	if _, got := get("If-Match", `"other"`); got != "PreconditionFailed" {
		t.Errorf("If-Match of another: %q", got)
	}
	if a, got := get("If-None-Match", tag); got != "" || a.Status != http.StatusNotModified {
		t.Errorf("If-None-Match of what is there: %q", got)
	}
}

func FuzzReadRange(f *testing.F) {
	for _, seed := range []string{"bytes=0-0", "bytes=-3", "bytes=5-", "bytes=1-2,3-4", "bytes=9223372036854775807-", "bytes=--1"} {
		f.Add(seed, int64(26))
	}
	f.Fuzz(func(t *testing.T, header string, size int64) {
		if size < 0 {
			return
		}
		if s, ok := readRange(header, size); ok && (s.from < 0 || s.from > s.to || s.to > size) {
			t.Errorf("%q of %d bytes: %+v", header, size, s)
		}
	})
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
