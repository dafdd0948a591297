package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awscredentials "github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
	"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2/types"

	"heliograph/internal/admin"
	"heliograph/internal/credentials"
)

// command runs the program with these arguments and gives what it printed.
func command(t *testing.T, stdin string, args ...string) (out, problems string, code int) {
	t.Helper()
	var o, e bytes.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	code = run(args, &session{ctx: ctx, in: strings.NewReader(stdin), out: &o, err: &e, env: os.LookupEnv})
	return o.String(), e.String(), code
}

// succeed runs a command that has to succeed.
func succeed(t *testing.T, args ...string) string {
	t.Helper()
	out, problems, code := command(t, "", args...)
	if code != 0 {
		t.Fatalf("%v: exit %d: %s", args, code, problems)
	}
	return out
}

func TestPreview(t *testing.T) {
	out := succeed(t, "preview", "Grüße €")
	for _, want := range []string{"encoding    GSM\n", "characters  7\n", "septets     8\n", "parts       1\n", `part 1 of 1 (8 septets): "Grüße €"`} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	text := strings.Repeat("ж", 71)
	var p preview
	if err := json.Unmarshal([]byte(succeed(t, "preview", "--json", text)), &p); err != nil {
		t.Fatal(err)
	}
	if p.Encoding != "Unicode" || p.Characters != 71 || p.PartCount != 2 || p.Parts[0].Units != 67 || p.Parts[0].Text+p.Parts[1].Text != text {
		t.Errorf("%+v", p)
	}
	if out, _, code := command(t, "from a pipe\n", "preview", "-"); code != 0 || !strings.Contains(out, `"from a pipe"`) {
		t.Errorf("%d: %s", code, out)
	}
	for text, want := range map[string]string{strings.Repeat("a", 1531): "message is too long: 11 parts", "\xff": "the text is not UTF-8"} {
		if _, problems, code := command(t, text, "preview", "-"); code != exitFailed || !strings.Contains(problems, want) {
			t.Errorf("%d: %s", code, problems)
		}
	}
}

func TestUsage(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"frobnicate"}, exitUsage, "unexpected argument frobnicate"},
		{[]string{"preview"}, exitUsage, `expected "<text>"`},
		{[]string{"numbers", "list", "--colour"}, exitUsage, "unknown flag --colour"},
		{[]string{"serve", "--config", "missing.yaml"}, exitFailed, "missing.yaml: no such file"},
		{[]string{"numbers", "list"}, exitFailed, "there is no data/credentials: the server makes it when it first starts"},
		{[]string{"numbers", "import", "missing.csv"}, exitFailed, "missing.csv: no such file"},
		{[]string{"messages", "list", "--limit", "0"}, exitFailed, "--limit is 0; a number above 0 is needed"},
	} {
		if _, problems, code := command(t, "", c.args...); code != c.code || !strings.Contains(problems, c.want) {
			t.Errorf("%v: %d: %s", c.args, code, problems)
		}
	}
	if out := succeed(t, "version"); !strings.HasPrefix(out, "heliograph ") || !strings.Contains(out, "go1.") {
		t.Errorf("version: %s", out)
	}
	if out := succeed(t, "events"); out != "" {
		t.Errorf("events of a directory that is not there: %s", out)
	}
}

func TestServerIsNotRunning(t *testing.T) {
	t.Chdir(t.TempDir())
	if _, err := credentials.Ensure(credentials.Options{Directory: "data", Account: "111122223333", Partition: "aws", Region: "us-east-1", Log: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HELIOGRAPH_API_LISTEN", "127.0.0.1:1")
	if _, problems, code := command(t, "", "carriers", "list"); code != exitFailed || !strings.Contains(problems, "cannot reach the server at http://127.0.0.1:1, is it running?") {
		t.Errorf("%d: %s", code, problems)
	}
}

// server runs serve in a directory of its own, which becomes the working
// directory, until the test ends. It gives the URL that is printed.
func server(t *testing.T, configuration string) string {
	t.Helper()
	t.Chdir(t.TempDir())
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("HELIOGRAPH_API_LISTEN", l.Addr().String())
	l.Close()
	if err := os.WriteFile("heliograph.yaml", []byte(configuration), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	read, write := io.Pipe()
	var problems bytes.Buffer
	ended := make(chan int, 1)
	go func() {
		code := run([]string{"serve"}, &session{ctx: ctx, out: write, err: &problems, env: os.LookupEnv})
		write.Close()
		ended <- code
	}()
	t.Cleanup(func() {
		stop()
		if code := <-ended; code != 0 {
			t.Errorf("serve ended with %d: %s", code, problems.String())
		}
	})
	line, err := bufio.NewReader(read).ReadString('\n')
	url, ready := strings.CutPrefix(strings.TrimSpace(line), "heliograph: ready on ")
	if err != nil || !ready {
		t.Fatalf("serve printed %q: %v", line, err)
	}
	return url
}

// until runs a command again until it is done, for what the server does by itself.
func until(t *testing.T, done func(out string) bool, args ...string) string {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		out := succeed(t, args...)
		if done(out) {
			return out
		}
		if time.Now().After(deadline) {
			t.Fatalf("%v still prints\n%s", args, out)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestOperatorsDay(t *testing.T) {
	url := server(t, "carriers: [{name: sim, sim: {receipt_delay: 1ms}}]\nsimulated_inventory: true\n")

	out, problems, code := command(t, "number,country,type\n+12065550183,US,TEN_DLC\n+442079460100,GB,LONG_CODE\n", "numbers", "import", "-")
	if code != 0 || out != "2 added, 0 changed, 0 unchanged, 0 retired and left alone\n" {
		t.Fatalf("%d: %s%s", code, out, problems)
	}
	if _, problems, code := command(t, "number,country,type\n+1,US,TEN_DLC\n", "numbers", "import", "-"); code != exitFailed || !strings.Contains(problems, "numbers[0].number") || !strings.Contains(problems, "nothing is imported") {
		t.Errorf("%d: %s", code, problems)
	}
	if out := succeed(t, "numbers", "assign", "+12065550183"); !strings.Contains(out, "status            PENDING") {
		t.Errorf("assigned:\n%s", out)
	}
	var n admin.Number
	if err := json.Unmarshal([]byte(succeed(t, "numbers", "activate", "+12065550183", "--json")), &n); err != nil || n.Lease.Status != "ACTIVE" {
		t.Errorf("%+v %v", n, err)
	}
	if out := succeed(t, "numbers", "list"); strings.Count(out, "\n") != 3 || !strings.Contains(out, n.Lease.PhoneNumberID) {
		t.Errorf("list:\n%s", out)
	}
	if out := succeed(t, "numbers", "list", "--state", "free", "--json"); strings.Count(out, "\n") != 1 || !strings.HasPrefix(out, `{"number":"+442079460100"`) {
		t.Errorf("free:\n%s", out)
	}

	id := sendOne(t, url)
	story := until(t, func(out string) bool { return strings.Contains(out, "(final)") }, "messages", "show", id)
	for _, want := range []string{"DELIVERED (final)", "chosen because", "carrier's id", "TEXT_QUEUED", "TEXT_SUCCESSFUL", "TEXT_DELIVERED", `"Hello"`} {
		if !strings.Contains(story, want) {
			t.Errorf("%q is not in the story:\n%s", want, story)
		}
	}
	var whole admin.Story
	if err := json.Unmarshal([]byte(succeed(t, "messages", "show", id, "--json")), &whole); err != nil || whole.Status != "DELIVERED" || len(whole.Events) != 3 {
		t.Errorf("%+v %v", whole, err)
	}
	if out := succeed(t, "messages", "list", "--json"); !strings.Contains(out, id) || strings.Count(out, "\n") != 1 {
		t.Errorf("messages:\n%s", out)
	}
	events := until(t, func(out string) bool { return strings.Count(out, "\n") == 3 }, "events", "--configuration-set", "first")
	if !strings.Contains(events, `"eventType":"TEXT_DELIVERED"`) || !strings.Contains(events, id) {
		t.Errorf("events:\n%s", events)
	}
	if out := succeed(t, "events", "--configuration-set", "other"); out != "" {
		t.Errorf("events of another set:\n%s", out)
	}

	if out := succeed(t, "carriers", "list"); !strings.Contains(out, "sim") || !strings.Contains(out, "up") {
		t.Errorf("carriers:\n%s", out)
	}
	succeed(t, "carriers", "faults", "sim", "--refuse-rate", "0.5", "--receipt-delay", "2s", "--down")
	var f admin.FaultsOutput
	if err := json.Unmarshal([]byte(succeed(t, "carriers", "faults", "sim", "--no-down", "--json")), &f); err != nil || f.Faults != (admin.Faults{RefuseRate: 0.5, ReceiptDelay: "2s"}) {
		t.Errorf("%+v %v", f, err)
	}
	f = admin.FaultsOutput{}
	if err := json.Unmarshal([]byte(succeed(t, "carriers", "faults", "sim", "--off", "--json")), &f); err != nil || f.Faults != (admin.Faults{}) {
		t.Errorf("%+v %v", f, err)
	}
	if _, problems, code := command(t, "", "carriers", "faults", "acme"); code != exitFailed || !strings.Contains(problems, `There is no carrier "acme".`) {
		t.Errorf("%d: %s", code, problems)
	}
}

// sendOne sends a message between simulator numbers, with a configuration set
// named first whose events are kept.
func sendOne(t *testing.T, url string) string {
	t.Helper()
	root, err := credentials.Read("data")
	if err != nil {
		t.Fatal(err)
	}
	client := pinpointsmsvoicev2.New(pinpointsmsvoicev2.Options{BaseEndpoint: &url, Region: root.Region,
		Credentials: awscredentials.NewStaticCredentialsProvider(root.AccessKeyID, root.SecretAccessKey, "")})
	number, err := client.RequestPhoneNumber(t.Context(), &pinpointsmsvoicev2.RequestPhoneNumberInput{IsoCountryCode: aws.String("US"),
		MessageType: types.MessageTypeTransactional, NumberCapabilities: []types.NumberCapability{types.NumberCapabilitySms}, NumberType: types.RequestableNumberTypeSimulator})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.CreateConfigurationSet(t.Context(), &pinpointsmsvoicev2.CreateConfigurationSetInput{ConfigurationSetName: aws.String("first")}); err != nil {
		t.Fatal(err)
	}
	_, err = client.CreateEventDestination(t.Context(), &pinpointsmsvoicev2.CreateEventDestinationInput{ConfigurationSetName: aws.String("first"), EventDestinationName: aws.String("log"),
		MatchingEventTypes: []types.EventType{types.EventTypeAll}, CloudWatchLogsDestination: &types.CloudWatchLogsDestination{
			IamRoleArn:  aws.String("arn:aws:iam::111122223333:role/HeliographEvents"),
			LogGroupArn: aws.String("arn:aws:logs:us-east-1:111122223333:log-group:sms")}})
	if err != nil {
		t.Fatal(err)
	}
	sent, err := client.SendTextMessage(t.Context(), &pinpointsmsvoicev2.SendTextMessageInput{DestinationPhoneNumber: aws.String("+14254147755"),
		OriginationIdentity: number.PhoneNumberId, ConfigurationSetName: aws.String("first"), MessageBody: aws.String("Hello")})
	if err != nil {
		t.Fatal(err)
	}
	return *sent.MessageId
}

func TestSecondServerInTheSameDirectory(t *testing.T) {
	server(t, "")
	t.Setenv("HELIOGRAPH_API_LISTEN", "127.0.0.1:0")
	if _, problems, code := command(t, "", "serve"); code != exitFailed || !strings.Contains(problems, "in use by another process") {
		t.Errorf("%d: %s", code, problems)
	}
}

func TestTLS(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	certificate(t, cert, key)
	url := server(t, fmt.Sprintf("api: {tls: {cert_file: %q, key_file: %q}}\n", cert, key))
	if !strings.HasPrefix(url, "https://") {
		t.Errorf("ready on %s", url)
	}
	if out := succeed(t, "carriers", "list", "--json"); !strings.Contains(out, `"name":"sim"`) {
		t.Errorf("%s", out)
	}
	other := filepath.Join(dir, "other.pem")
	certificate(t, other, key)
	t.Setenv("HELIOGRAPH_API_TLS_CERT_FILE", other)
	if _, problems, code := command(t, "", "carriers", "list"); code != exitFailed || !strings.Contains(problems, "certificate is not the one in api.tls.cert_file") {
		t.Errorf("%d: %s", code, problems)
	}
}
