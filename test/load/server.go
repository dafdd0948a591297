package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"heliograph/test/rig"
)

// server is the built binary, running with a data directory of its own.
type server struct {
	*rig.Server
	dir string
}

const configuration = `account: "111122223333"
tier: production
api: {request_rates: unlimited}
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
	address, err := rig.FreeAddress()
	if err != nil {
		return nil, err
	}
	var numbers strings.Builder
	for i := range lanes {
		fmt.Fprintf(&numbers, "  - {number: %q, country: DE, type: LONG_CODE, capabilities: [SMS], carrier: sink, parts_per_second: 100000}\n", lane(i))
	}
	s, err := rig.Launch{Command: []string{binary}, Dir: dir, Listen: address, Stderr: os.Stderr,
		Config: fmt.Sprintf(configuration, sink, receipts, numbers.String(), recipientInterval)}.Start()
	if err != nil {
		return nil, err
	}
	if err := s.AwaitReady(time.Minute); err != nil {
		s.Kill()
		return nil, err
	}
	return &server{s, dir}, nil
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
