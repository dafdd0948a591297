//go:build python

package cloudwatch

import (
	"bytes"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"heliograph/internal/usage"
)

// moto starts a moto_server and gives its URL.
func moto(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	var output bytes.Buffer
	command := exec.CommandContext(t.Context(), "moto_server", "-H", "127.0.0.1", "-p", port)
	command.Stdout, command.Stderr = &output, &output
	command.WaitDelay = 5 * time.Second
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	t.Cleanup(func() {
		_ = command.Process.Kill()
		<-ended
	})
	address := "http://127.0.0.1:" + port
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		response, err := http.Get(address + "/moto-api/data.json")
		if err == nil {
			_ = response.Body.Close()
			return address
		}
		select {
		case err := <-ended:
			t.Fatalf("moto_server ended: %v\n%s", err, output.String())
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("moto_server does not answer: %v", err)
		}
	}
}

// TestMoto puts metrics into a service that was written elsewhere, and reads back what it
// has.
func TestMoto(t *testing.T) {
	address := moto(t)
	config := aws.Config{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", "")}
	m, err := New(t.Context(), config, address, first)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Now().UTC().Truncate(time.Second)
	const other = "444455556666"
	if err := m.Put(t.Context(), []usage.Spend{{Account: first, Channel: usage.ChannelText, Amount: 1_234_500},
		{Account: first, Channel: usage.ChannelVoice, Amount: 250_000}, {Account: other, Channel: usage.ChannelText, Amount: 10_000}}, at); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		metric, account, want string
	}{{TextSpend, "", "1.2345"}, {VoiceSpend, "", "0.25"}, {TextSpend, other, "0.01"}} {
		v := url.Values{"MetricName": {c.metric}, "Period": {"60"}, "Statistics.member.1": {"Maximum"},
			"StartTime": {at.Add(-time.Hour).Format(time.RFC3339)}, "EndTime": {at.Add(time.Hour).Format(time.RFC3339)}}
		if c.account != "" {
			v.Set("Dimensions.member.1.Name", dimension)
			v.Set("Dimensions.member.1.Value", c.account)
		}
		answer, err := m.call(t.Context(), "GetMetricStatistics", v)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(answer), "<Maximum>"+c.want+"</Maximum>") {
			t.Errorf("%s of %q: %s", c.metric, c.account, answer)
		}
	}
	m.region, m.first = "us-east-1", ""
	if _, err := m.call(t.Context(), "NoSuchAction", url.Values{}); err == nil {
		t.Error("an unknown action is answered")
	}
}
