package rig

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"heliograph/internal/credentials"
)

// Server is the program, running.
type Server struct {
	Address string // host:port of the API
	Command *exec.Cmd

	data  string
	ready chan struct{} // closed when it said so
	done  chan struct{} // closed when the process is gone
	exit  error
}

// Launch is how to run the program.
type Launch struct {
	Command []string // the program, and what runs it where that is something else
	Dir     string   // where heliograph.yaml and data are put
	Config  string   // without data_dir and api.listen
	Listen  string   // host:port
	Env     []string // beside that of this process
	Stderr  io.Writer
}

// Start writes the configuration file and starts the program, whose web hooks may be on
// this machine.
func (l Launch) Start() (*Server, error) {
	file := filepath.Join(l.Dir, "heliograph.yaml")
	s := &Server{Address: l.Listen, data: filepath.Join(l.Dir, "data"), ready: make(chan struct{}), done: make(chan struct{})}
	if err := os.WriteFile(file, []byte(l.Config), 0o600); err != nil {
		return nil, err
	}
	args := append(l.Command[1:len(l.Command):len(l.Command)], "serve", "--config", file)
	s.Command = exec.Command(l.Command[0], args...)
	s.Command.Env = append(append(os.Environ(), "HELIOGRAPH_API_LISTEN="+l.Listen, "HELIOGRAPH_DATA_DIR="+s.data,
		"HELIOGRAPH_EGRESS_ALLOW_NETWORKS=127.0.0.0/8"), l.Env...)
	s.Command.Stderr = l.Stderr
	out, err := s.Command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.Command.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(s.done)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if strings.HasPrefix(lines.Text(), "heliograph: ready") {
				close(s.ready)
			}
		}
		s.exit = s.Command.Wait()
	}()
	return s, nil
}

// ErrEnded is why a server did not become ready: its process ended.
var ErrEnded = errors.New("the server ended before it was ready")

// AwaitReady waits until the server says that it is ready.
func (s *Server) AwaitReady(limit time.Duration) error {
	select {
	case <-s.ready:
		return nil
	case <-s.done:
		return fmt.Errorf("%w: %w", ErrEnded, s.exit)
	case <-time.After(limit):
		return fmt.Errorf("the server was not ready within %s", limit)
	}
}

// Done is closed when the process is gone.
func (s *Server) Done() <-chan struct{} { return s.done }

// Exit is how the process ended: nil for status 0. It waits for that.
func (s *Server) Exit() error {
	<-s.done
	return s.exit
}

// Kill ends the process as a power cut would, and waits until it is gone.
func (s *Server) Kill() {
	s.Command.Process.Kill()
	<-s.done
}

// Signal sends the process a signal.
func (s *Server) Signal(number syscall.Signal) error { return s.Command.Process.Signal(number) }

// Stop ends the process as an operator does.
func (s *Server) Stop() error {
	s.Signal(syscall.SIGTERM)
	return s.Exit()
}

// Key reads the root access key that the server has made. A restart keeps it.
func (s *Server) Key() (Key, error) {
	root, err := credentials.Read(s.data)
	return Key{ID: root.AccessKeyID, Secret: root.SecretAccessKey}, err
}

// Dial connects a client with the server's own credentials.
func (s *Server) Dial() (*Client, error) {
	key, err := s.Key()
	if err != nil {
		return nil, err
	}
	return key.Dial(s.Address)
}

// Metrics reads /metrics: the samples of each metric added up over all labels.
func (s *Server) Metrics() (map[string]float64, error) {
	client := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get("http://" + s.Address + "/metrics")
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	sums := map[string]float64{}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Fields(line)
		value, err := strconv.ParseFloat(fields[len(fields)-1], 64)
		if err != nil {
			return nil, fmt.Errorf("metrics: %q: %w", line, err)
		}
		name, _, _ := strings.Cut(fields[0], "{")
		sums[name] += value
	}
	return sums, nil
}

// Usage is what the process has taken of the machine so far.
type Usage struct {
	CPU     time.Duration
	Memory  int64 // bytes in memory now
	Peak    int64 // bytes in memory, the most that there were
	Written int64 // bytes handed to storage
}

// Usage asks the kernel.
func (s *Server) Usage() Usage { return UsageOf(s.Command.Process.Pid) }

// Listen takes a port that no outgoing connection is given: with such a port a
// listener can go away and come back, and nobody connects to itself meanwhile.
func Listen() (net.Listener, error) {
	var err error
	for range 100 {
		var l net.Listener
		if l, err = net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(10_000+rand.IntN(20_000))); err == nil {
			return l, nil
		}
	}
	return nil, fmt.Errorf("no port to listen on: %w", err)
}

// FreeAddress is an address of this machine that nobody listens on.
func FreeAddress() (string, error) {
	l, err := Listen()
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}
