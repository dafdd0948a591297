package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
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

// many makes a log of several files, of two days.
func many(t *testing.T) (directory string) {
	t.Helper()
	directory, now := t.TempDir(), noon
	o := options(directory, &now)
	o.FileBytes = 4000
	l := open(t, o)
	for n := range 30 {
		if n == 15 {
			now = now.Add(24 * time.Hour)
		}
		record(t, l, call(n, false))
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return directory
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

// change rewrites a file of a log, whether it is compressed or not.
func change(t *testing.T, directory string, f logFile, by func([]byte) []byte) {
	t.Helper()
	content, err := f.open(directory)
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if _, err := text.ReadFrom(content); err != nil {
		t.Fatal(err)
	}
	content.Close()
	path := strings.TrimSuffix(filepath.Join(directory, f.name), ".gz")
	if err := os.WriteFile(path, by(text.Bytes()), 0o600); err != nil {
		t.Fatal(err)
	}
	if f.zipped() {
		if err := compress(path); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTampering(t *testing.T) {
	at := func(i int, by func([]byte) []byte) func(*testing.T, string, []logFile) {
		return func(t *testing.T, directory string, files []logFile) {
			change(t, directory, files[(i+len(files))%len(files)], by)
		}
	}
	remove := func(i int) func(*testing.T, string, []logFile) {
		return func(t *testing.T, directory string, files []logFile) {
			if err := os.Remove(filepath.Join(directory, files[(i+len(files))%len(files)].name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	split := func(text []byte) [][]byte {
		return bytes.SplitAfter(bytes.TrimSuffix(text, []byte("\n")), []byte("\n"))
	}
	swap := func(text []byte) []byte {
		l := split(text)
		l[0], l[1] = l[1], l[0]
		return bytes.Join(l, nil)
	}
	for name, tamper := range map[string]func(*testing.T, string, []logFile){
		"changed byte":        at(1, func(b []byte) []byte { return bytes.Replace(b, []byte("SampleUser"), []byte("SimpleUser"), 1) }),
		"changed byte at end": at(-1, func(b []byte) []byte { return bytes.Replace(b, []byte("Call29"), []byte("Call92"), 1) }),
		"space":               at(1, func(b []byte) []byte { return bytes.Replace(b, []byte(`,"previous"`), []byte(`, "previous"`), 1) }),
		"deleted line":        at(1, func(b []byte) []byte { return bytes.Join(split(b)[1:], nil) }),
		"deleted line inside": at(0, func(b []byte) []byte { l := split(b); return bytes.Join(append(l[:1:1], l[2:]...), nil) }),
		"deleted last line":   at(0, func(b []byte) []byte { l := split(b); return bytes.Join(l[:len(l)-1], nil) }),
		"swapped lines":       at(0, swap),
		"doubled line":        at(1, func(b []byte) []byte { l := split(b); return bytes.Join(append(l[:1:1], l...), nil) }),
		"appended line":       at(0, func(b []byte) []byte { return append(b, "{}\n"...) }),
		"truncated":           at(-1, func(b []byte) []byte { return b[:len(b)-10] }),
		"truncated at a line": at(-1, func(b []byte) []byte { l := split(b); return bytes.Join(l[:len(l)-1], nil) }),
		"emptied":             at(-1, func([]byte) []byte { return nil }),
		"missing file":        remove(1),
		"missing first file":  remove(0),
		"missing last file":   remove(-1),
		"broken compression": func(t *testing.T, directory string, files []logFile) {
			path := filepath.Join(directory, files[0].name)
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			text[len(text)/2] ^= 1
			if err := os.WriteFile(path, text, 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"missing head": func(t *testing.T, directory string, _ []logFile) { os.Remove(filepath.Join(directory, headFile)) },
		"all files": func(t *testing.T, directory string, files []logFile) {
			for i := range files {
				remove(i)(t, directory, files)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			directory := many(t)
			files, err := logFiles(directory)
			if err != nil {
				t.Fatal(err)
			}
			tamper(t, directory, files)
			report, err := Verify(directory)
			broken, ok := errors.AsType[*Broken](err)
			if !ok {
				t.Fatalf("%+v: %v", report, err)
			}
			t.Logf("%v", broken)
			// The service goes on, and what is wrong is found all the same.
			now := noon.Add(48 * time.Hour)
			l := open(t, options(directory, &now))
			record(t, l, call(99, false))
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			if _, err = Verify(directory); err != nil {
				return
			}
			// What is behind the head cannot be told from what a crash left: the log says so itself.
			said := names(t, directory)
			if told := len(said) > 1 && strings.HasPrefix(said[len(said)-2], "AuditLog"); !told {
				t.Errorf("after a restart nothing is found or said: %v", said)
			}
		})
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

// Old files are deleted, but for those that are still needed, and the chain holds from
// the oldest that is left.
func TestExpire(t *testing.T) {
	directory := many(t)
	now := noon.Add(400*24*time.Hour + time.Hour)
	l := open(t, options(directory, &now))
	before, _ := logFiles(directory)
	if err := l.Expire(before[2].first - 1); err != nil {
		t.Fatal(err)
	}
	after, _ := logFiles(directory)
	if len(after) != len(before)-2 || after[0].first != before[2].first {
		t.Fatalf("%v of %v", after, before)
	}
	report, err := Verify(directory)
	if err != nil || report.First != before[2].first {
		t.Fatalf("%+v, %v", report, err)
	}
	now = now.Add(48 * time.Hour)
	if err := l.Expire(1000); err != nil {
		t.Fatal(err)
	}
	if report, err = Verify(directory); err != nil || report.First <= before[2].first {
		t.Fatalf("%+v, %v", report, err)
	}
	// A deletion that was interrupted before the file went.
	if err := os.Remove(filepath.Join(directory, anchorFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := Verify(directory); err == nil {
		t.Error("a log whose beginning is gone is taken")
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestInterruptedDeletion(t *testing.T) {
	directory := many(t)
	now := noon
	l := open(t, options(directory, &now))
	files, _ := logFiles(directory)
	old, err := os.ReadFile(filepath.Join(directory, files[0].name))
	if err != nil {
		t.Fatal(err)
	}
	if err := l.forget(files[0], files[1]); err != nil {
		t.Fatal(err)
	}
	verified(t, directory, 31-files[1].first)
	if err := os.WriteFile(filepath.Join(directory, files[0].name), old, 0o600); err != nil {
		t.Fatal(err)
	}
	verified(t, directory, 30)
}

// A follower is given all lines once, across files, restarts and what fails.
func TestFollow(t *testing.T) {
	directory := many(t)
	synctest.Test(t, func(t *testing.T) {
		now := noon.Add(25 * time.Hour)
		l := open(t, options(directory, &now))
		var got []uint64
		fails := 2
		run := func() (stop func()) {
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan struct{})
			go func() {
				defer close(done)
				l.follow(ctx, "test", func(_ context.Context, batch []Line) error {
					if fails > 0 {
						fails--
						return errors.New("away")
					}
					for _, line := range batch {
						got = append(got, line.Sequence)
					}
					return nil
				})
			}()
			return func() { cancel(); <-done }
		}
		stop := run()
		time.Sleep(time.Minute)
		record(t, l, call(30, false))
		time.Sleep(time.Minute)
		stop()
		stop = run()
		record(t, l, call(31, true), call(32, false))
		time.Sleep(time.Minute)
		stop()
		for i, n := range got {
			if n != uint64(i+1) {
				t.Fatalf("given: %v", got)
			}
		}
		if len(got) != 33 {
			t.Errorf("given: %v", got)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	})
}
