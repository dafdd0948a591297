package app

import (
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awscredentials "github.com/aws/aws-sdk-go-v2/credentials"
	smsvoice "github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
	"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2/types"
	"go.uber.org/goleak"

	"heliograph/internal/config"
	"heliograph/internal/credentials"
	"heliograph/internal/destination/local"
	"heliograph/internal/store"
	"heliograph/internal/store/sqlite"
)

// The guide's destinations in the United States.
const (
	success = "+14254147755"
	failure = "+14254147167"
)

// configured is a configuration of a data directory, with lines of YAML.
func configured(t *testing.T, directory, lines string) config.Config {
	t.Helper()
	file := filepath.Join(t.TempDir(), "heliograph.yaml")
	if err := os.WriteFile(file, []byte("data_dir: "+directory+"\n"+lines), 0o600); err != nil {
		t.Fatal(err)
	}
	none := func(string) (string, bool) { return "", false }
	cfg, err := config.Load(file, none)
	if err != nil {
		t.Fatal(err)
	}
	cfg.API.Listen = "127.0.0.1:0"
	return cfg
}

// running is a service between ready and the end of Run.
type running struct {
	*smsvoice.Client
	t         *testing.T
	url       string
	directory string
	stop      func()
}

func start(t *testing.T, directory, lines string) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ready, ended := make(chan string, 1), make(chan error, 1)
	cfg := configured(t, directory, lines)
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	go func() { ended <- Run(ctx, cfg, log, func(url string) { ready <- url }) }()
	r := &running{t: t, directory: directory}
	select {
	case r.url = <-ready:
	case err := <-ended:
		t.Fatalf("Run ended before it was ready: %v", err)
	case <-time.After(30 * time.Second):
		t.Fatal("Run is not ready after 30 s")
	}
	transport := &http.Transport{}
	stopped := false
	r.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("Run ended with %v", err)
			}
		case <-time.After(30 * time.Second):
			t.Error("Run does not end")
		}
		transport.CloseIdleConnections()
	}
	t.Cleanup(r.stop)
	key, err := credentials.Read(directory)
	if err != nil {
		t.Fatal(err)
	}
	r.Client = smsvoice.New(smsvoice.Options{Region: "us-east-1", BaseEndpoint: &r.url, Retryer: aws.NopRetryer{},
		HTTPClient:  &http.Client{Transport: transport, Timeout: 20 * time.Second},
		Credentials: awscredentials.NewStaticCredentialsProvider(key.AccessKeyID, key.SecretAccessKey, "")})
	return r
}

// simulator leases a simulator number of the United States and makes a
// configuration set whose events go to the local log. It answers the number's id.
func (r *running) simulator() string {
	r.t.Helper()
	ctx := r.t.Context()
	number, err := r.RequestPhoneNumber(ctx, &smsvoice.RequestPhoneNumberInput{IsoCountryCode: aws.String("US"),
		MessageType: types.MessageTypeTransactional, NumberType: types.RequestableNumberTypeSimulator,
		NumberCapabilities: []types.NumberCapability{types.NumberCapabilitySms}})
	if err != nil {
		r.t.Fatal(err)
	}
	if _, err := r.CreateConfigurationSet(ctx, &smsvoice.CreateConfigurationSetInput{ConfigurationSetName: aws.String("set")}); err != nil {
		r.t.Fatal(err)
	}
	if _, err := r.CreateEventDestination(ctx, &smsvoice.CreateEventDestinationInput{ConfigurationSetName: aws.String("set"),
		EventDestinationName: aws.String("log"), MatchingEventTypes: []types.EventType{types.EventTypeTextAll},
		CloudWatchLogsDestination: &types.CloudWatchLogsDestination{IamRoleArn: aws.String("arn:aws:iam::111122223333:role/HeliographEvents"),
			LogGroupArn: aws.String("arn:aws:logs:us-east-1:111122223333:log-group:sms")}}); err != nil {
		r.t.Fatal(err)
	}
	return *number.PhoneNumberId
}

func (r *running) send(to string) string {
	r.t.Helper()
	out, err := r.SendTextMessage(r.t.Context(), &smsvoice.SendTextMessageInput{DestinationPhoneNumber: &to,
		MessageBody: aws.String("Your code is 123456"), ConfigurationSetName: aws.String("set")})
	if err != nil {
		r.t.Fatal(err)
	}
	return *out.MessageId
}

// events are a message's events in the local log, in order; the final one has a
// dot.
func (r *running) events(message string) []string {
	r.t.Helper()
	var out []string
	err := local.Read(context.Background(), filepath.Join(r.directory, "events"), local.ReadOptions{}, func(line []byte) error {
		var e struct {
			EventType, MessageID string
			IsFinal              bool
		}
		if err := json.Unmarshal(line, &e); err != nil {
			return err
		}
		if e.MessageID != message {
			return nil
		}
		if e.IsFinal {
			e.EventType += "."
		}
		out = append(out, e.EventType)
		return nil
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return out
}

func (r *running) want(message string, events ...string) {
	r.t.Helper()
	var got []string
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if got = r.events(message); slices.Equal(got, events) {
			return
		}
	}
	r.t.Fatalf("events of %s are %v, want %v", message, got, events)
}

// open counts what is open in the store of a service that has ended.
func open(t *testing.T, directory string) store.Counts {
	t.Helper()
	e, err := sqlite.Open(t.Context(), filepath.Join(directory, "heliograph.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	counts, err := e.Counts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return counts
}

func TestFirstMessage(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	directory := filepath.Join(t.TempDir(), "data")
	r := start(t, directory, "")
	r.simulator()
	delivered, unreachable := r.send(success), r.send(failure)
	r.want(delivered, "TEXT_QUEUED", "TEXT_SUCCESSFUL", "TEXT_DELIVERED.")
	r.want(unreachable, "TEXT_QUEUED", "TEXT_SUCCESSFUL", "TEXT_UNREACHABLE.")
	r.stop()
	if counts := open(t, directory); counts != (store.Counts{}) {
		t.Errorf("left open: %+v", counts)
	}
	for _, name := range []string{"credentials", "keys", "heliograph.db", "lock"} {
		info, err := os.Stat(filepath.Join(directory, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", name, info, err)
		}
	}
	if info, err := os.Stat(directory); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("data directory: %v %v", info, err)
	}
}

// The end may come at any time, also before everything has begun.
func TestEndAtOnce(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	cfg := configured(t, t.TempDir(), "")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Run(ended, cfg, slog.New(slog.DiscardHandler), func(string) { t.Error("it is ready") }); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		ctx, cancel := context.WithCancel(t.Context())
		if err := Run(ctx, cfg, slog.New(slog.DiscardHandler), func(string) { cancel() }); err != nil {
			t.Fatal(err)
		}
		cancel()
	}
}

// What is in flight when the end comes is finished: no hand-over is without its
// outcome. What waits goes on after the next start, no event is lost or twice.
func TestEndUnderLoad(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	directory := t.TempDir()
	r := start(t, directory, "api: {request_rates: unlimited}\nrecipient_interval: 0s\ncarriers: [{name: sim, sim: {receipt_delay: 20ms}}]\n")
	r.simulator()
	var sent []string
	for range 60 {
		sent = append(sent, r.send(success))
	}
	r.stop()
	if counts := open(t, directory); counts.Dispatches != 0 {
		t.Errorf("left open: %+v", counts)
	}
	r = start(t, directory, "recipient_interval: 0s\n")
	for _, message := range sent {
		r.want(message, "TEXT_QUEUED", "TEXT_SUCCESSFUL", "TEXT_DELIVERED.")
	}
	r.stop()
}

func TestRestartKeepsResourcesAndFinishesMessages(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	directory := t.TempDir()
	r := start(t, directory, "carriers: [{name: sim, sim: {faults: {down: true}}}]\n")
	number := r.simulator()
	message := r.send(success)
	r.want(message, "TEXT_QUEUED")
	r.stop()
	if counts := open(t, directory); counts != (store.Counts{Queued: 1}) {
		t.Fatalf("left open: %+v, want one message queued", counts)
	}

	r = start(t, directory, "carriers: [{name: sim, sim: {receipt_delay: 2s}}]\n")
	r.want(message, "TEXT_QUEUED", "TEXT_SUCCESSFUL")
	r.stop()
	if counts := open(t, directory); counts != (store.Counts{Awaiting: 1}) {
		t.Fatalf("left open: %+v, want one message that waits for its receipt", counts)
	}

	r = start(t, directory, "")
	r.want(message, "TEXT_QUEUED", "TEXT_SUCCESSFUL", "TEXT_DELIVERED.")
	out, err := r.DescribePhoneNumbers(t.Context(), &smsvoice.DescribePhoneNumbersInput{PhoneNumberIds: []string{number}})
	if err != nil || len(out.PhoneNumbers) != 1 || out.PhoneNumbers[0].Status != types.NumberStatusActive {
		t.Errorf("after the restart: %+v %v", out, err)
	}
	r.want(r.send(success), "TEXT_QUEUED", "TEXT_SUCCESSFUL", "TEXT_DELIVERED.")
	r.stop()
}

func TestDataDirectoryIsForOneProcess(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	directory := t.TempDir()
	r := start(t, directory, "")
	err := Run(t.Context(), configured(t, directory, ""), slog.New(slog.DiscardHandler), func(string) { t.Error("the second is ready") })
	if err == nil || !strings.Contains(err.Error(), "in use by another process") || !strings.Contains(err.Error(), directory) {
		t.Errorf("the second ended with %v", err)
	}
	r.simulator() // the first is as it was
	r.stop()
	start(t, directory, "").stop()
}

// A start that fails says why, and leaves nothing behind.
func TestStartFails(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	address := taken.Addr().String()
	for name, c := range map[string]struct {
		spoil func(t *testing.T, directory string, cfg *config.Config)
		want  string
	}{
		"the port is taken": {func(_ *testing.T, _ string, cfg *config.Config) { cfg.API.Listen = address }, "api.listen: "},
		"the operator's port is taken": {func(_ *testing.T, _ string, cfg *config.Config) { cfg.Operator.Listen = address },
			"operator.listen: "},
		"there is no certificate": {func(_ *testing.T, directory string, cfg *config.Config) {
			cfg.API.TLS = config.TLS{CertFile: directory + "/none", KeyFile: directory + "/none"}
		}, "api.tls: "},
		"there is no price book": {func(_ *testing.T, directory string, cfg *config.Config) { cfg.Prices = directory + "/none" }, "prices: "},
		"the price book is none": {func(t *testing.T, directory string, cfg *config.Config) {
			cfg.Prices = write(t, directory, "prices.csv", "x,y\n1\n")
		}, "prices.csv"},
		"the credentials cannot be read": {func(t *testing.T, directory string, _ *config.Config) {
			write(t, directory, "credentials", "[default]\n")
		}, "credentials"},
		"the database is none": {func(t *testing.T, directory string, _ *config.Config) {
			write(t, directory, "heliograph.db", strings.Repeat("no database ", 1000))
		}, "open the database"},
		"the data directory is a file": {func(t *testing.T, directory string, cfg *config.Config) {
			cfg.DataDir = write(t, directory, "data", "")
		}, "make the data directory"},
	} {
		t.Run(name, func(t *testing.T) {
			defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
			directory := t.TempDir()
			cfg := configured(t, directory, "")
			c.spoil(t, directory, &cfg)
			err := Run(t.Context(), cfg, slog.New(slog.DiscardHandler), func(string) { t.Error("it is ready") })
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Run ended with %v, want %q", err, c.want)
			}
		})
	}
}

func write(t *testing.T, directory, name, text string) string {
	t.Helper()
	path := filepath.Join(directory, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Another process took the node's place: this one must not go on. It runs in a
// process of its own, since nothing is put away then.
func TestLostFenceEndsTheProcess(t *testing.T) {
	if directory := os.Getenv("HELIOGRAPH_TEST_LOST_FENCE"); directory != "" {
		r := start(t, directory, "")
		other, err := sqlite.Open(t.Context(), filepath.Join(directory, "heliograph.db"), sqlite.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := other.Join(t.Context(), "other"); err != nil {
			t.Fatal(err)
		}
		_, err = r.CreateConfigurationSet(t.Context(), &smsvoice.CreateConfigurationSetInput{ConfigurationSetName: aws.String("set")})
		if err == nil {
			t.Error("the change was answered as if it were made")
		}
		r.stop() // tells the error of Run
		return
	}
	command := exec.Command(os.Args[0], "-test.run=^TestLostFenceEndsTheProcess$", "-test.v")
	command.Env = append(os.Environ(), "HELIOGRAPH_TEST_LOST_FENCE="+t.TempDir())
	out, err := command.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "Run ended with the store failed: ") || !strings.Contains(string(out), store.ErrFenced.Error()) {
		t.Errorf("%v\n%s", err, out)
	}
	if strings.Contains(string(out), "as if it were made") {
		t.Errorf("%s", out)
	}
}
