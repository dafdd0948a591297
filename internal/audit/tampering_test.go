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
