package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"heliograph/test/rig"
)

// server is the built binary, running with a data directory of its own.
type server struct {
	*rig.Server
	dir      string
	operator string // address of the operator's port, empty for none
}

const configuration = `account: "111122223333"
tier: production
%sapi: {request_rates: unlimited}
carriers:
  - name: sink
    smpp: {address: "%s", system_id: load, password: load, window: 1000, sessions: %d, profile: {receipts: %t}}
numbers:
%sevents: {local_files: 1000}
log: {level: warn}
`

// lanes is how many origination identities send.
const lanes = 8

func lane(i int) string { return fmt.Sprintf("+4915550000%02d", i) }

// settings are what a run asks of our server.
type settings struct {
	binary   string
	database string // postgres:// URL of an empty database; empty for SQLite
	sessions int    // SMPP connections
	profile  string // files that profiles of the run are written to begin with this; empty for none
}

// startServer runs it in dir, bound to the sink, with numbers leased and a
// configuration set whose events are published.
func startServer(o settings, dir, sink string, receipts bool) (*server, error) {
	address, err := rig.FreeAddress()
	if err != nil {
		return nil, err
	}
	var numbers strings.Builder
	for i := range lanes {
		fmt.Fprintf(&numbers, "  - {number: %q, country: DE, type: LONG_CODE, capabilities: [SMS], carrier: sink, parts_per_second: 100000}\n", lane(i))
	}
	database := ""
	if o.database != "" {
		database = fmt.Sprintf("database: %q\n", o.database)
	}
	launch := rig.Launch{Command: []string{o.binary}, Dir: dir, Listen: address, Stderr: os.Stderr,
		Config: fmt.Sprintf(configuration, database, sink, o.sessions, receipts, numbers.String())}
	operator := ""
	if o.profile != "" {
		if operator, err = rig.FreeAddress(); err != nil {
			return nil, err
		}
		launch.Env = append(launch.Env, "HELIOGRAPH_OPERATOR_LISTEN="+operator)
	}
	s, err := launch.Start()
	if err != nil {
		return nil, err
	}
	if err = s.AwaitReady(time.Minute); err == nil {
		err = prepare(s)
	}
	if err != nil {
		s.Kill()
		return nil, err
	}
	return &server{s, dir, operator}, nil
}

// prepare leases the numbers and makes the configuration set.
func prepare(s *rig.Server) error {
	c, err := s.Dial()
	if err != nil {
		return err
	}
	defer c.Close()
	for range lanes {
		if err := call(c, "RequestPhoneNumber", map[string]any{"IsoCountryCode": "DE", "MessageType": "TRANSACTIONAL",
			"NumberCapabilities": []string{"SMS"}, "NumberType": "LONG_CODE"}); err != nil {
			return err
		}
	}
	if err := call(c, "CreateConfigurationSet", map[string]any{"ConfigurationSetName": "load"}); err != nil {
		return err
	}
	return call(c, "CreateEventDestination", map[string]any{"ConfigurationSetName": "load", "EventDestinationName": "all",
		"MatchingEventTypes": []string{"ALL"}, "CloudWatchLogsDestination": map[string]any{
			"IamRoleArn": "arn:aws:iam::111122223333:role/HeliographEvents", "LogGroupArn": "arn:aws:logs:us-east-1:111122223333:log-group:load"}})
}

func (s *server) dial(events bool) (client, error) {
	c, err := s.Dial()
	if err != nil {
		return nil, err
	}
	one := apiClient{Client: c}
	if events {
		one.suffix = `,"ConfigurationSetName":"load"`
	}
	return one, nil
}

// eventsOfMessage are QUEUED, SUCCESSFUL and DELIVERED.
const eventsOfMessage = 3

func (s *server) told(messages int64) bool {
	m, err := s.Metrics()
	return err == nil && int64(m["heliograph_events_published_total"]) >= messages*eventsOfMessage
}

func (s *server) usage() rig.Usage { return s.Usage() }
func (s *server) stop() error      { return s.Stop() }
func (s *server) kill()            { s.Kill() }

// save asks the operator's port for a profile and writes it to a file.
func (s *server) save(query, file string) error {
	response, err := http.Get("http://" + s.operator + "/debug/pprof/" + query)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", query, response.Status)
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, response.Body)
	return errors.Join(err, f.Close())
}

// published counts the lines of events that the built-in log holds, which is what
// whoever reads it gets.
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
