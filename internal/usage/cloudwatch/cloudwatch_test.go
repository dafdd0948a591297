package cloudwatch

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"

	"heliograph/internal/sms"
	"heliograph/internal/usage"
)

const first = "111122223333"

func config() aws.Config {
	return aws.Config{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", "")}
}

func TestPut(t *testing.T) {
	var got []url.Values
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		v, err := url.ParseQuery(string(body))
		if auth := r.Header.Get("Authorization"); err != nil || r.Method != http.MethodPost || !strings.Contains(auth, "/us-east-1/monitoring/aws4_request") {
			t.Errorf("%s, authorization %q, %v", r.Method, auth, err)
		}
		got = append(got, v)
		w.WriteHeader(status)
		io.WriteString(w, "<answer/>")
	}))
	defer server.Close()
	m, err := New(t.Context(), config(), server.URL, first)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	spent := []usage.Spend{{Account: first, Channel: usage.ChannelText, Amount: 1_234_500}, {Account: first, Channel: usage.ChannelVoice, Amount: 7},
		{Account: "444455556666", Channel: usage.ChannelText}}
	if err := m.Put(t.Context(), spent, at); err != nil {
		t.Fatal(err)
	}
	want := url.Values{}
	for name, value := range map[string]string{
		"Action": "PutMetricData", "Version": "2010-08-01", "Namespace": "AWS/SMSVoice",
		"MetricData.member.1.MetricName": TextSpend, "MetricData.member.1.Value": "1.2345", "MetricData.member.1.Unit": "None", "MetricData.member.1.Timestamp": "2026-11-23T12:00:00Z",
		"MetricData.member.2.MetricName": VoiceSpend, "MetricData.member.2.Value": "0.000007", "MetricData.member.2.Unit": "None", "MetricData.member.2.Timestamp": "2026-11-23T12:00:00Z",
		"MetricData.member.3.MetricName": TextSpend, "MetricData.member.3.Value": "0", "MetricData.member.3.Unit": "None", "MetricData.member.3.Timestamp": "2026-11-23T12:00:00Z",
		"MetricData.member.3.Dimensions.member.1.Name": "AccountId", "MetricData.member.3.Dimensions.member.1.Value": "444455556666",
	} {
		want.Set(name, value)
	}
	if len(got) != 1 {
		t.Fatalf("%d requests", len(got))
	}
	if diff := cmp.Diff(want, got[0]); diff != "" {
		t.Error(diff)
	}
	// Many accounts are several requests, and none is no request.
	got = nil
	many := make([]usage.Spend, mostData+1)
	for i := range many {
		many[i] = usage.Spend{Account: first, Channel: usage.ChannelText, Amount: sms.Money(i)}
	}
	for _, spent := range [][]usage.Spend{many, nil} {
		if err := m.Put(t.Context(), spent, at); err != nil {
			t.Fatal(err)
		}
	}
	if len(got) != 2 || got[1].Get("MetricData.member.1.Value") != "0.0005" || got[1].Has("MetricData.member.2.Value") {
		t.Errorf("%d requests, the last %v", len(got), got[len(got)-1])
	}
	status = http.StatusForbidden
	if err := m.Put(t.Context(), spent, at); err == nil || !strings.Contains(err.Error(), "HTTP 403: <answer/>") {
		t.Errorf("%v", err)
	}
	server.Close()
	if err := m.Put(t.Context(), spent, at); err == nil {
		t.Error("put into a server that is away")
	}
}

// AWS refuses other people's data in its own namespaces.
func TestEndpoints(t *testing.T) {
	for endpoint, want := range map[string][2]string{
		"aws":                        {"https://monitoring.us-east-1.amazonaws.com", OwnNamespace},
		"https://monitoring.example": {"https://monitoring.example", Namespace},
	} {
		if m, err := New(t.Context(), config(), endpoint, first); err != nil || [2]string{m.url, m.namespace} != want {
			t.Errorf("%s: %+v, %v", endpoint, m, err)
		}
	}
	for _, endpoint := range []string{"", "monitoring.example", "ftp://monitoring.example", "http://"} {
		if m, err := New(t.Context(), config(), endpoint, first); err == nil {
			t.Errorf("%q: %+v", endpoint, m)
		}
	}
	if m, err := New(t.Context(), aws.Config{Region: "us-east-1"}, "aws", first); err == nil {
		t.Errorf("without credentials: %+v", m)
	}
}
