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
