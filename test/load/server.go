package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// server is the built binary, running with a data directory of its own.
type server struct {
	cmd               *exec.Cmd
	dir               string
	address           string
	accessKey, secret string
}

const configuration = `data_dir: %s
account: "111122223333"
tier: production
api:
  listen: %s
  request_rates: unlimited
carriers:
  - name: sink
    smpp: {address: "%s", system_id: load, password: load, window: 1000, sessions: 2, profile: {receipts: %t}}
numbers:
%srecipient_interval: %s
log: {level: warn}
`

// lanes is how many origination identities send.
const lanes = 8

func lane(i int) string { return fmt.Sprintf("+4915550000%02d", i) }

func startServer(binary, dir, sink string, receipts bool, recipientInterval time.Duration) (*server, error) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &server{dir: dir, address: free.Addr().String()}
	free.Close()
	var numbers strings.Builder
	for i := range lanes {
		fmt.Fprintf(&numbers, "  - {number: %q, country: DE, type: LONG_CODE, capabilities: [SMS], carrier: sink, parts_per_second: 100000}\n", lane(i))
	}
	file := filepath.Join(dir, "heliograph.yaml")
	text := fmt.Sprintf(configuration, filepath.Join(dir, "data"), s.address, sink, receipts, numbers.String(), recipientInterval)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, err
	}
	s.cmd = exec.Command(binary, "serve", "--config", file)
	s.cmd.Stderr = os.Stderr
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "heliograph: ready") {
			return s, s.readCredentials()
		}
	}
	return nil, fmt.Errorf("the server did not become ready: %v", s.cmd.Wait())
}

func (s *server) readCredentials() error {
	text, err := os.ReadFile(filepath.Join(s.dir, "data", "credentials"))
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, "=")
		switch strings.TrimSpace(name) {
		case "aws_access_key_id":
			s.accessKey = strings.TrimSpace(value)
		case "aws_secret_access_key":
			s.secret = strings.TrimSpace(value)
		}
	}
	return nil
}

func (s *server) stop() error {
	s.cmd.Process.Signal(syscall.SIGTERM)
	return s.cmd.Wait()
}

// usage is what the server has taken of the machine so far.
type usage struct {
	cpu  time.Duration
	peak int64 // bytes of memory
}

func (s *server) usage() (u usage) {
	pid := strconv.Itoa(s.cmd.Process.Pid)
	if stat, err := os.ReadFile("/proc/" + pid + "/stat"); err == nil {
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		user, _ := strconv.Atoi(fields[11])
		system, _ := strconv.Atoi(fields[12])
		u.cpu = time.Duration(user+system) * (time.Second / 100) // clock ticks are 10 ms on Linux
	}
	if status, err := os.ReadFile("/proc/" + pid + "/status"); err == nil {
		for line := range strings.Lines(string(status)) {
			if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
				kilobytes, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
				u.peak = kilobytes * 1024
			}
		}
	}
	return u
}

// published counts the lines of events that the embedded destinations hold.
func (s *server) published() (lines int64) {
	files, _ := filepath.Glob(filepath.Join(s.dir, "data", "events", "*", "*", "*.jsonl"))
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			continue
		}
		buffer := make([]byte, 1<<20)
		for {
			n, err := f.Read(buffer)
			for _, b := range buffer[:n] {
				if b == '\n' {
					lines++
				}
			}
			if err != nil {
				break
			}
		}
		f.Close()
	}
	return lines
}
