package audit

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func replace(from, to string) func([]byte) []byte {
	return func(b []byte) []byte { return bytes.Replace(b, []byte(from), []byte(to), 1) }
}

func breaks(t *testing.T, directory string, want int) (Report, Breaks) {
	t.Helper()
	report, err := Verify(directory)
	all, ok := errors.AsType[Breaks](err)
	if !ok || len(all) != want {
		t.Fatalf("%+v: %v; %d breaks are expected", report, err, want)
	}
	return report, all
}

// Every break is named, and what is between them is checked.
func TestTwoBreaks(t *testing.T) {
	directory := many(t)
	files, err := logFiles(directory)
	if err != nil {
		t.Fatal(err)
	}
	change(t, directory, files[0], replace("Call0", "Call9"))
	change(t, directory, files[3], func(b []byte) []byte { return append(b[len(b)/3:], "no line\nneither\n"...) })
	report, all := breaks(t, directory, 3)
	for i, want := range []Broken{{File: files[0].name, Line: 2}, {File: files[3].name, Line: 1}} {
		if all[i].File != want.File || all[i].Line != want.Line {
			t.Errorf("%v, not %+v", all[i], want)
		}
	}
	if last := all[2]; last.File != files[3].name || !strings.Contains(last.Why, "no line of the log") {
		t.Errorf("%v", last)
	}
	if report.Files != len(files) || report.First != 1 || report.Last != 30 || report.Lines < 20 || report.Lines > 27 {
		t.Errorf("%+v", report)
	}
	if text := all.Error(); strings.Count(text, "\n") != 2 || !strings.Contains(text, files[0].name+", line 2: ") {
		t.Error(text)
	}
}

// A file without one good line does not fill memory with what is wrong in it.
func TestBreaksAreBounded(t *testing.T) {
	directory := many(t)
	files, err := logFiles(directory)
	if err != nil {
		t.Fatal(err)
	}
	change(t, directory, files[1], func(b []byte) []byte {
		first, _, _ := bytes.Cut(b, []byte("\n"))
		return bytes.Repeat(append(first, '\n'), 1000)
	})
	if _, all := breaks(t, directory, maxBroken+1); !strings.Contains(all[maxBroken].Why, "left out") {
		t.Errorf("%v", all[maxBroken])
	}
}

// After a damage that the log has a record of, the rest is checked like any other.
func TestDamageAndAfter(t *testing.T) {
	directory := many(t)
	files, err := logFiles(directory)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(directory, files[len(files)-1].name)); err != nil {
		t.Fatal(err)
	}
	now := noon.Add(48 * time.Hour)
	l := open(t, options(directory, &now))
	record(t, l, call(40, false), call(41, false), call(42, false))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	report, all := breaks(t, directory, 1)
	if all[0].File != l.of.name || !strings.Contains(all[0].Why, "a file is missing") || !strings.Contains(all[0].Why, damaged) || report.Last != 34 {
		t.Errorf("%+v: %v", report, all)
	}
	change(t, directory, l.of, replace("Call41", "Call14"))
	if _, all = breaks(t, directory, 2); all[1].File != l.of.name || all[1].Line != 4 {
		t.Errorf("%v", all)
	}
	change(t, directory, l.of, func(b []byte) []byte { return b[:bytes.LastIndexByte(b[:len(b)-1], '\n')+1] })
	if _, all = breaks(t, directory, 2); !strings.Contains(all[1].Why, "34 are missing") {
		t.Errorf("%v", all)
	}
}

// Files that are compressed or deleted between their listing and their opening are no
// damage, and those that are removed are.
func TestVerifyBesideService(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*testing.T, *Log, []logFile) error
		lines  uint64
		breaks int
	}{
		"compressed": {func(_ *testing.T, l *Log, files []logFile) error {
			return compress(filepath.Join(l.o.Directory, files[5].name))
		}, 30, 0},
		"deleted": {func(_ *testing.T, l *Log, files []logFile) error {
			return errors.Join(l.forget(files[0], files[1]), l.forget(files[1], files[2]))
		}, 0, 0},
		"being deleted": {func(t *testing.T, l *Log, files []logFile) error {
			second := filepath.Join(l.o.Directory, files[1].name)
			text, err := os.ReadFile(second)
			return errors.Join(err, l.forget(files[0], files[1]), l.forget(files[1], files[2]), os.WriteFile(second, text, 0o600))
		}, 0, 0},
		"removed": {func(_ *testing.T, l *Log, files []logFile) error {
			return os.Remove(filepath.Join(l.o.Directory, files[1].name))
		}, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			directory, now := many(t), noon
			l := open(t, options(directory, &now))
			files, err := logFiles(directory)
			if err != nil || len(files) != 6 {
				t.Fatalf("%v, %v", files, err)
			}
			head, _, err := readPlace(filepath.Join(directory, headFile))
			if err != nil {
				t.Fatal(err)
			}
			if err := c.change(t, l, files); err != nil {
				t.Fatal(err)
			}
			v := &verifier{directory: directory, head: head}
			v.all(files)
			if len(v.breaks) != c.breaks || v.report.Last != 30 || c.lines != 0 && v.report.Lines != c.lines {
				t.Errorf("%+v: %v", v.report, v.breaks)
			}
			given := 0
			if err := readFiles(directory, files, func(Line) error { given++; return nil }); err != nil || given < int(v.report.Lines) {
				t.Errorf("%d lines are read: %v", given, err)
			}
		})
	}
}
