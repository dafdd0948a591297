package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"heliograph/internal/credentials"
)

// patience is how long a test waits for what has to happen. It is long so that a
// busy machine fails no test.
const patience = 60 * time.Second

// server is the program, running. It is stopped at the end of its test, which
// fails where it does not stop in order.
type server struct {
	t       *testing.T
	dir     string // working directory, with heliograph.yaml and data
	env     []string
	url     string
	address string // host:port
	command *exec.Cmd
	stderr  *os.File
	ended   chan struct{} // closed when the process is gone
	exit    error
}

// start runs the program with a configuration file. Its data directory and
// address come from the environment, and so do the request rates where the file
// does not name them: unlimited. Web hooks may be on this machine.
func start(t *testing.T, configuration string, env ...string) *server {
	t.Helper()
	s := &server{t: t, dir: t.TempDir()}
	s.env = append(os.Environ(), "HELIOGRAPH_API_LISTEN=127.0.0.1:0", "HELIOGRAPH_DATA_DIR=data", "HELIOGRAPH_EGRESS_ALLOW_NETWORKS=127.0.0.0/8")
	if !strings.Contains(configuration, "request_rates:") {
		s.env = append(s.env, "HELIOGRAPH_API_REQUEST_RATES=unlimited")
	}
	s.env = append(s.env, env...)
	if err := os.WriteFile(filepath.Join(s.dir, "heliograph.yaml"), []byte(configuration), 0o600); err != nil {
		t.Fatal(err)
	}
	s.launch()
	t.Cleanup(func() {
		s.stop()
		s.stderr.Close()
		if t.Failed() {
			s.logTail()
		}
	})
	return s
}

// launch starts the process on the data directory and waits until it is ready.
func (s *server) launch() {
	s.t.Helper()
	if err := watch(); err != nil {
		s.t.Fatal(err)
	}
	if s.stderr == nil {
		file, err := os.Create(filepath.Join(s.dir, "stderr.log"))
		if err != nil {
			s.t.Fatal(err)
		}
		s.stderr = file
	}
	s.command = exec.Command(binary, "serve", "--config", "heliograph.yaml")
	s.command.Dir, s.command.Env, s.command.Stderr = s.dir, s.env, s.stderr
	out, err := s.command.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.command.Start(); err != nil {
		s.t.Fatal(err)
	}
	ready, ended := make(chan string, 1), make(chan struct{})
	s.ended = ended
	go func() {
		defer close(ended)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if url, ok := strings.CutPrefix(lines.Text(), "heliograph: ready on "); ok {
				ready <- url
			}
		}
		s.exit = s.command.Wait()
	}()
	select {
	case s.url = <-ready:
		s.address = strings.TrimPrefix(s.url, "http://")
	case <-ended:
		s.logTail()
		s.t.Fatalf("the server ended before it was ready: %v", s.exit)
	case <-time.After(patience):
		s.command.Process.Kill()
		s.t.Fatal("the server was not ready in time")
	}
}

// stop ends the process as an operator does.
func (s *server) stop() {
	select {
	case <-s.ended:
		return
	default:
	}
	s.command.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.ended:
		if s.exit != nil {
			s.t.Errorf("the server ended with %v", s.exit)
		}
	case <-time.After(patience):
		s.command.Process.Signal(syscall.SIGQUIT)
		<-s.ended
		s.t.Error("the server did not stop in time")
	}
}

// kill ends the process as a power cut does.
func (s *server) kill() {
	s.command.Process.Kill()
	<-s.ended
}

func (s *server) logTail() {
	text, err := os.ReadFile(filepath.Join(s.dir, "stderr.log"))
	if err != nil {
		return
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	s.t.Logf("server:\n%s", strings.Join(lines[max(0, len(lines)-60):], "\n"))
}

// try runs a command of the program beside the server.
func (s *server) try(args ...string) (stdout, stderr string, err error) {
	c := exec.Command(binary, append(args, "--config", "heliograph.yaml")...)
	c.Dir, c.Env = s.dir, append(s.env, "HELIOGRAPH_API_LISTEN="+s.address)
	var out, errOut bytes.Buffer
	c.Stdout, c.Stderr = &out, &errOut
	err = c.Run()
	return out.String(), errOut.String(), err
}

// run runs a command that has to succeed.
func (s *server) run(args ...string) string {
	s.t.Helper()
	out, errOut, err := s.try(args...)
	if err != nil {
		s.t.Fatalf("heliograph %s: %v\n%s", strings.Join(args, " "), err, errOut)
	}
	return out
}

// file writes a file into the working directory of server and commands.
func (s *server) file(name, content string) string {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(content), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return name
}

// credentials is the path of the AWS shared credentials file.
func (s *server) credentials() string { return filepath.Join(s.dir, "data", "credentials") }

// keys reads the credentials file.
func (s *server) keys() (accessKey, secret string) {
	s.t.Helper()
	root, err := credentials.Read(filepath.Join(s.dir, "data"))
	if err != nil {
		s.t.Fatal(err)
	}
	return root.AccessKeyID, root.SecretAccessKey
}

// metric adds up the samples of a metric, over all labels.
func (s *server) metric(name string) (sum float64) {
	s.t.Helper()
	response, err := http.Get(s.url + "/metrics")
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		s.t.Fatalf("metrics: %s, %v", response.Status, err)
	}
	for line := range strings.Lines(string(text)) {
		rest, ok := strings.CutPrefix(line, name)
		if !ok || rest[0] != ' ' && rest[0] != '{' {
			continue
		}
		fields := strings.Fields(rest)
		v, err := strconv.ParseFloat(fields[len(fields)-1], 64)
		if err != nil {
			s.t.Fatalf("metrics: %q: %v", line, err)
		}
		sum += v
	}
	return sum
}

// peakMemory is the most memory in bytes that the process has had resident.
func (s *server) peakMemory() int64 {
	s.t.Helper()
	text, err := os.ReadFile("/proc/" + strconv.Itoa(s.command.Process.Pid) + "/status")
	if err != nil {
		s.t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kilobytes, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			if err != nil {
				s.t.Fatal(err)
			}
			return kilobytes * 1024
		}
	}
	s.t.Fatal("the kernel does not tell the peak of resident memory")
	return 0
}

// event is what tests read of an event.
type event struct {
	Type        string            `json:"eventType"`
	Version     string            `json:"eventVersion"`
	At          int64             `json:"eventTimestamp"`
	Final       bool              `json:"isFinal"`
	Origination string            `json:"originationPhoneNumber"`
	Destination string            `json:"destinationPhoneNumber"`
	Country     string            `json:"isoCountryCode"`
	MessageID   string            `json:"messageId"`
	Encoding    string            `json:"messageEncoding"`
	MessageType string            `json:"messageType"`
	Status      string            `json:"messageStatus"`
	Context     map[string]string `json:"context"`
	Parts       int               `json:"totalMessageParts"`
	Price       float64           `json:"totalMessagePrice"`
	Fee         float64           `json:"totalCarrierFee"`
}

// events reads the embedded log by the command.
func (s *server) events(args ...string) (all []event) {
	s.t.Helper()
	return parseEvents(s.t, s.run(append([]string{"events"}, args...)...))
}

func parseEvents(t *testing.T, lines string) (all []event) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(lines))
	for {
		var e event
		err := d.Decode(&e)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, lines)
		}
		all = append(all, e)
	}
}

// byMessage sorts events by the message they tell of.
func byMessage(events []event) map[string][]event {
	of := map[string][]event{}
	for _, e := range events {
		of[e.MessageID] = append(of[e.MessageID], e)
	}
	return of
}

// finals counts the final events.
func finals(events []event) (n int) {
	for _, e := range events {
		if e.Final {
			n++
		}
	}
	return n
}

// untilFinal waits until as many messages have ended, and gives all events.
func (s *server) untilFinal(messages int, args ...string) (all []event) {
	s.t.Helper()
	eventually(s.t, strconv.Itoa(messages)+" final events", func() bool {
		all = s.events(args...)
		return finals(all) >= messages
	})
	return all
}

// eventually waits for what has to happen.
func eventually(t *testing.T, what string, happened func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !happened(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited %s in vain for %s", patience, what)
		}
	}
}
