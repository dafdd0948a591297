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
	engine   engine
	database string // its URL, empty for SQLite
}

const configuration = `account: "111122223333"
tier: production
api: {request_rates: unlimited}
carriers:
  - name: sink
    smpp: {address: "%s", system_id: load, password: load, window: 1000, sessions: %d, profile: {receipts: %t}}
numbers:
%sevents: {local_files: %d}
log: {level: warn}
%s`

// eventFiles is how many files of 64 MiB the log of events keeps, more than a run
// fills: what is in it is counted.
const eventFiles = 1000

// lanes is how many origination identities send.
const lanes = 8

func lane(i int) string { return fmt.Sprintf("+4915550000%02d", i) }

// settings are what a run asks of our server.
type settings struct {
	binary   string
	sessions int    // SMPP connections
	profile  string // files that profiles of the run are written to begin with this; empty for none
	files    int    // of the log of events; 0 is eventFiles
	operator bool   // open the operator's port although nothing is profiled
	more     string // lines of the configuration
}

// startServer runs it in dir, bound to the sink, with numbers leased and a
// configuration set whose events are published.
func startServer(o settings, e engine, dir, sink string, receipts bool) (*server, error) {
	s := &server{dir: dir, engine: e, database: e.database()}
	if err := s.start(o, sink, receipts); err != nil {
		return nil, err
	}
	if err := prepare(s.Server); err != nil {
		s.kill()
		return nil, err
	}
	return s, nil
}

// start runs the program over what is in the directory and the database.
func (s *server) start(o settings, sink string, receipts bool) error {
	address, err := rig.FreeAddress()
	if err != nil {
		return err
	}
	var numbers strings.Builder
	for i := range lanes {
		fmt.Fprintf(&numbers, "  - {number: %q, country: DE, type: LONG_CODE, capabilities: [SMS], carrier: sink, parts_per_second: 100000}\n", lane(i))
	}
	files, more := o.files, o.more
	if files == 0 {
		files = eventFiles
	}
	if s.database != "" {
		more += fmt.Sprintf("database: %q\n", s.database)
	}
	launch := rig.Launch{Command: []string{o.binary}, Dir: s.dir, Listen: address, Stderr: os.Stderr,
		Config: fmt.Sprintf(configuration, sink, o.sessions, receipts, numbers.String(), files, more)}
	if o.profile != "" || o.operator {
		if s.operator, err = rig.FreeAddress(); err != nil {
			return err
		}
		launch.Env = append(launch.Env, "HELIOGRAPH_OPERATOR_LISTEN="+s.operator)
	}
	if s.Server, err = launch.Start(); err != nil {
		return err
	}
	if err = s.AwaitReady(5 * time.Minute); err != nil {
		s.Kill()
	}
	return err
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

// setSuffix asks for events of a message.
const setSuffix = `,"ConfigurationSetName":"load"`

func (s *server) dial(events bool) (client, error) {
	c, err := s.Dial()
	if err != nil {
		return nil, err
	}
	one := apiClient{Client: c}
	if events {
		one.suffix = setSuffix
	}
	return one, nil
}

// eventsOfMessage are QUEUED, SUCCESSFUL and DELIVERED.
const eventsOfMessage = 3

func (s *server) told(messages int64) bool {
	m, err := s.Metrics()
	return err == nil && int64(m["heliograph_events_published_total"]) >= messages*eventsOfMessage
}

func (s *server) usage() rig.Usage { return s.engine.usage(s.Usage()) }

func (s *server) stop() error {
	err := s.Stop()
	s.engine.drop(s.database)
	return err
}

func (s *server) kill() {
	s.Kill()
	s.engine.drop(s.database)
}

// counted is what the server has counted: the times that it waited for the disk, which
// are transactions of the store and publications to the log of events, and the rows of
// opt-out lists that it has read.
func (s *server) counted() (a account, err error) {
	m, err := s.Metrics()
	a.durable = int64(m["heliograph_store_commit_seconds_count"] + m["heliograph_event_publish_seconds_count"])
	a.optOutRows = int64(m["heliograph_opt_out_rows_read_total"])
	return a, err
}

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
