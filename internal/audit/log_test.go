package audit

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"heliograph/internal/iam"
)

const customer = "111122223333"

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func options(directory string, now *time.Time) Options {
	return Options{Directory: directory, FileBytes: 1 << 20, Keep: 400 * 24 * time.Hour, Account: customer, Region: "us-east-1",
		Now: func() time.Time { return *now }, Log: slog.New(slog.DiscardHandler)}
}

func open(t *testing.T, o Options) *Log {
	t.Helper()
	l, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.busy.Wait() })
	return l
}

func call(n int, readOnly bool) *Call {
	return &Call{Identity: &iam.Identity{Principal: iam.Principal{Type: iam.UserType, ARN: "arn:aws:iam::111122223333:user/SampleUser",
		Account: customer, ID: "AIDAIHTHRCDA62EXAMPLE", Name: "SampleUser"}, AccessKeyID: "AKIAIOSFODNN7EXAMPLE"},
		Account: customer, At: noon.Add(time.Duration(n) * time.Second), Source: SourceService, Name: fmt.Sprintf("Call%d", n), ReadOnly: readOnly}
}

func record(t *testing.T, l *Log, calls ...*Call) {
	t.Helper()
	for _, c := range calls {
		if err := l.Record(c); err != nil {
			t.Fatal(err)
		}
	}
}

func flush(t *testing.T, l *Log) {
	t.Helper()
	if err := l.Flush(); err != nil {
		t.Fatal(err)
	}
}

// names are those of the events in a log, in their order.
func names(t *testing.T, directory string) (all []string) {
	t.Helper()
	if err := Read(directory, func(l Line) error {
		var r Record
		if err := json.Unmarshal(l.Record, &r); err != nil {
			return err
		}
		all = append(all, r.EventName)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

func verified(t *testing.T, directory string, want uint64) Report {
	t.Helper()
	report, err := Verify(directory)
	if err != nil || report.Lines != want {
		t.Fatalf("%+v: %v; %d lines are expected", report, err, want)
	}
	return report
}

// What changes something is in the file when Record comes back; what does not, when it
// is flushed or something behind it is written.
func TestRecord(t *testing.T) {
	directory, now := t.TempDir(), noon
	l := open(t, options(directory, &now))
	record(t, l, call(1, true))
	if got := names(t, directory); len(got) != 0 {
		t.Errorf("written at once: %v", got)
	}
	record(t, l, call(2, false))
	if got := fmt.Sprint(names(t, directory)); got != "[Call1 Call2]" {
		t.Errorf("written: %s", got)
	}
	record(t, l, call(3, true))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(names(t, directory)); got != "[Call1 Call2 Call3]" {
		t.Errorf("written: %s", got)
	}
	verified(t, directory, 3)

	l = open(t, options(directory, &now))
	record(t, l, call(4, false))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if r := verified(t, directory, 4); r.Files != 1 || r.Last != 4 {
		t.Errorf("%+v", r)
	}
}

// A line that a crash left unfinished is cut off, and the log says so.
func TestTorn(t *testing.T) {
	directory, now := t.TempDir(), noon
	l := open(t, options(directory, &now))
	record(t, l, call(1, false))
	if err := l.Flush(); err != nil {
		t.Fatal(err)
	}
	record(t, l, call(2, false)) // not on disk yet, as far as the head says
	record(t, l, call(3, false))
	path := filepath.Join(directory, l.of.name)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text[:len(text)-20], 0o600); err != nil {
		t.Fatal(err)
	}
	l = open(t, options(directory, &now))
	record(t, l, call(4, false))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	verified(t, directory, 4)
	if got := fmt.Sprint(names(t, directory)); got != "[Call1 Call2 AuditLogRecovered Call4]" {
		t.Error(got)
	}
}

// What cannot be written is refused or waits, and nothing of it is lost or doubled.
func TestWriteFails(t *testing.T) {
	directory, now := t.TempDir(), noon
	l := open(t, options(directory, &now))
	record(t, l, call(1, false))
	whole := l.file
	broken, err := os.Open(filepath.Join(directory, l.of.name)) // for reading alone
	if err != nil {
		t.Fatal(err)
	}
	l.file = broken
	if err := l.Record(call(2, false)); err == nil {
		t.Error("a change is recorded that cannot be")
	}
	if err := l.Ready(); err == nil {
		t.Error("it is ready")
	}
	if err := l.Record(call(3, true)); err != nil {
		t.Errorf("what changes nothing: %v", err)
	}
	l.file = whole
	if err := l.Ready(); err != nil {
		t.Errorf("it is not ready again: %v", err)
	}
	record(t, l, call(4, false))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	verified(t, directory, 4)
	if got := fmt.Sprint(names(t, directory)); got != "[Call1 Call2 Call3 Call4]" {
		t.Error(got)
	}
}

// While nothing can be written for long, what is lost is bounded in memory and told of.
func TestLost(t *testing.T) {
	directory, now := t.TempDir(), noon
	l := open(t, options(directory, &now))
	whole := l.file
	broken, err := os.Open(filepath.Join(directory, l.of.name))
	if err != nil {
		t.Fatal(err)
	}
	l.file = broken
	large := call(1, true)
	large.Parameters = json.RawMessage(`{"a":"` + strings.Repeat("x", 100_000) + `"}`)
	for range 60 {
		if err := l.Record(large); err != nil {
			t.Fatal(err)
		}
	}
	if len(l.pending) > pendingBytes || l.lost == 0 {
		t.Errorf("%d bytes wait, %d are lost", len(l.pending), l.lost)
	}
	l.file = whole
	if err := l.Ready(); err != nil {
		t.Fatal(err)
	}
	record(t, l, call(2, false))
	if got := names(t, directory); got[len(got)-2] != "AuditRecordsLost" || got[len(got)-1] != "Call2" {
		t.Errorf("%v", got)
	}
}

func TestRotation(t *testing.T) {
	directory := many(t)
	files, err := logFiles(directory)
	if err != nil || len(files) < 4 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	for i, f := range files {
		if f.zipped() != (i < len(files)-1) {
			t.Errorf("%s of %d files", f.name, len(files))
		}
	}
	verified(t, directory, 30)
	if got := names(t, directory); len(got) != 30 || got[0] != "Call0" || got[29] != "Call29" {
		t.Errorf("%v", got)
	}
}
