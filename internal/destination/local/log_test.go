package local

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"heliograph/internal/destination"
	"heliograph/internal/store/storetest"
)

func item(at int64, text string) destination.Item {
	return destination.Item{JSON: fmt.Appendf(nil, `{"eventTimestamp":%d,"text":%q}`, at, text), At: time.UnixMilli(at)}
}

func publisher(t *testing.T, l *Log, set, name string) *Publisher {
	t.Helper()
	p, err := l.Publisher("111122223333", set, name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func publish(t *testing.T, p *Publisher, items ...destination.Item) {
	t.Helper()
	if err := p.Publish(t.Context(), items); err != nil {
		t.Fatal(err)
	}
}

// readAll gives the texts of the events that Read gives.
func readAll(t *testing.T, directory string, o ReadOptions) []string {
	t.Helper()
	var texts []string
	if err := Read(t.Context(), directory, o, func(line []byte) error {
		texts = append(texts, textOf(line))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return texts
}

func textOf(line []byte) string {
	_, rest, _ := bytes.Cut(line, []byte(`"text":"`))
	return strings.TrimSuffix(string(rest), `"}`)
}

func expect(t *testing.T, got []string, want string) {
	t.Helper()
	if joined := strings.Join(got, " "); joined != want {
		t.Fatalf("got  %s\nwant %s", joined, want)
	}
}

func TestFilesAndMerge(t *testing.T) {
	directory := filepath.Join(t.TempDir(), "data", "events")
	l := New(directory, Options{})
	all, failures, other := publisher(t, l, "cs", "all"), publisher(t, l, "cs", "failures"), publisher(t, l, "other", "all")
	publish(t, all, item(1, "a"), item(2, "b"), item(5, "e"))
	publish(t, failures, item(2, "b"), item(3, "c"), item(5, "e"))
	publish(t, other, item(4, "d"))
	publish(t, all, item(6, "f"))

	text, err := os.ReadFile(filepath.Join(directory, "111122223333", "cs", "all.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"eventTimestamp":1,"text":"a"}
{"eventTimestamp":2,"text":"b"}
{"eventTimestamp":5,"text":"e"}
{"eventTimestamp":6,"text":"f"}
`
	if string(text) != want {
		t.Errorf("file has:\n%s", text)
	}
	expect(t, readAll(t, directory, ReadOptions{}), "a b c d e f")
	expect(t, readAll(t, directory, ReadOptions{ConfigurationSet: "cs"}), "a b c e f")
	expect(t, readAll(t, directory, ReadOptions{Account: "444455556666"}), "")
	expect(t, readAll(t, filepath.Join(directory, "none"), ReadOptions{}), "")
}

// A batch is written whole and in order, however long it is and its lines are.
func TestLongBatches(t *testing.T) {
	directory := t.TempDir()
	p := publisher(t, New(directory, Options{}), "cs", "all")
	var want bytes.Buffer
	for _, lengths := range [][]int{{10, bufferSize, 10}, {bufferSize - 1, 1}, {3 * bufferSize}, {bufferSize / 2, bufferSize/2 - 2, 5, 6}} {
		var batch []destination.Item
		for i, n := range lengths {
			line := bytes.Repeat([]byte{'a' + byte(i)}, n)
			want.Write(append(line, '\n'))
			batch = append(batch, destination.Item{JSON: line[:n:n]})
		}
		publish(t, p, batch...)
	}
	got, err := os.ReadFile(filepath.Join(directory, "111122223333", "cs", "all.jsonl"))
	if err != nil || !bytes.Equal(got, want.Bytes()) {
		t.Errorf("%d octets, %d were published: %v", len(got), want.Len(), err)
	}
}

func TestNamesStayInside(t *testing.T) {
	l := New(t.TempDir(), Options{})
	for _, name := range []string{"", "..", "a/b", "a.b", "a\x00", strings.Repeat("a", 129)} {
		if _, err := l.Publisher("111122223333", "cs", name); err == nil {
			t.Errorf("%q was taken", name)
		}
		if _, err := l.Publisher(name, "cs", "all"); err == nil {
			t.Errorf("account %q was taken", name)
		}
		if _, err := l.Publisher("111122223333", name, "all"); err == nil {
			t.Errorf("set %q was taken", name)
		}
	}
	for _, set := range []string{":", "two-way:", ":phone-1", "a:b:c", "../x:y", "two-way:../x"} {
		if _, err := l.Publisher("111122223333", set, "all"); err == nil {
			t.Errorf("set %q was taken", set)
		}
	}
	if _, err := l.Publisher("111122223333", "cs", "two-way:all"); err == nil {
		t.Error("a name with a colon was taken")
	}
}

// TestTwoWay: messages from handsets stand among the events by the time in their ids.
func TestTwoWay(t *testing.T) {
	directory := t.TempDir()
	l := New(directory, Options{})
	message := func(id, text string) destination.Item {
		return destination.Item{JSON: fmt.Appendf(nil, `{"inboundMessageId":%q,"text":%q}`, id, text)}
	}
	publish(t, publisher(t, l, "two-way:phone-1", "two-way"), message("00000000-0002-7000-8000-000000000000", "b"),
		message("00000000-0004-7000-8000-000000000000", "d"), message("00", "e"))
	publish(t, publisher(t, l, "cs", "all"), item(1, "a"), item(3, "c"))
	expect(t, readAll(t, directory, ReadOptions{ConfigurationSet: "two-way:phone-1"}), "b d e")
	got := readAll(t, directory, ReadOptions{})
	if len(got) != 5 || slices.Index(got, "d") < slices.Index(got, "c") {
		t.Errorf("read %v", got)
	}
}

// Messages from handsets are not in clear in the files, and Read gives them back.
func TestSealedLines(t *testing.T) {
	directory := t.TempDir()
	sealer := storetest.NewSealer(t, 1)
	l := New(directory, Options{Sealer: sealer})
	publish(t, publisher(t, l, "two-way:phone-1", "two-way"), item(2, "secret"), item(4, "private"))
	publish(t, publisher(t, l, "cs", "all"), item(1, "a"), item(3, "c"))
	all := storetest.DumpFiles(t, directory)
	for _, text := range []string{"secret", "private", "eventTimestamp\":2"} {
		if bytes.Contains(all, []byte(text)) {
			t.Errorf("%s is in clear", text)
		}
	}
	expect(t, readAll(t, directory, ReadOptions{Sealer: sealer}), "a secret c private")
	if err := Read(t.Context(), directory, ReadOptions{}, func([]byte) error { return nil }); err == nil {
		t.Error("read without a key")
	}
	expect(t, readAll(t, directory, ReadOptions{ConfigurationSet: "cs"}), "a c")
	if err := Read(t.Context(), directory, ReadOptions{Sealer: storetest.NewSealer(t, 2)}, func([]byte) error { return nil }); err == nil {
		t.Error("read with another key")
	}
}

func TestRotationKeepsTheNewest(t *testing.T) {
	directory := t.TempDir()
	l := New(directory, Options{FileBytes: 70, Files: 3})
	p := publisher(t, l, "cs", "all")
	for i := range 9 {
		publish(t, p, item(int64(i), fmt.Sprint(i)))
	}
	entries, err := os.ReadDir(filepath.Join(directory, "111122223333", "cs"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	expect(t, names, "all.000003.jsonl all.000004.jsonl all.jsonl")
	expect(t, readAll(t, directory, ReadOptions{}), "4 5 6 7 8")
}

// TestTornLine: what a crash left unfinished is not given, and is gone once the
// next batch is there.
func TestTornLine(t *testing.T) {
	for _, torn := range []string{`{"eventTimestamp":2,"te`, strings.Repeat("x", 200_000)} {
		directory := t.TempDir()
		p := publisher(t, New(directory, Options{}), "cs", "all")
		publish(t, p, item(1, "a"))
		path := filepath.Join(directory, "111122223333", "cs", "all.jsonl")
		file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := file.WriteString(torn); err != nil {
			t.Fatal(err)
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
		expect(t, readAll(t, directory, ReadOptions{}), "a")
		publish(t, p, item(2, "b"), item(3, "c"))
		expect(t, readAll(t, directory, ReadOptions{}), "a b c")
	}
}

func TestFailures(t *testing.T) {
	directory := t.TempDir()
	if err := os.WriteFile(filepath.Join(directory, "111122223333"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p := publisher(t, New(directory, Options{}), "cs", "all")
	if err := p.Publish(t.Context(), []destination.Item{item(1, "a")}); err == nil {
		t.Error("a file in the place of the directory went unnoticed")
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	p = publisher(t, New(t.TempDir(), Options{}), "cs", "all")
	if err := p.Publish(ended, []destination.Item{item(1, "a")}); err == nil {
		t.Error("published after the context ended")
	}
}

// TestFollow: a reader that starts before the first event gives every event once
// while files are rotated under it, also by a writer that is well ahead of it.
func TestFollow(t *testing.T) {
	directory := t.TempDir()
	l := New(directory, Options{FileBytes: 400, Files: 200})
	ctx, cancel := context.WithCancel(t.Context())
	const events = 600
	seen := map[string]int{}
	var order []string
	done := make(chan error)
	go func() {
		done <- Read(ctx, directory, ReadOptions{Follow: true, Poll: time.Millisecond}, func(line []byte) error {
			text := textOf(line)
			order = append(order, text)
			if seen[text]++; len(seen) == events {
				cancel()
			}
			return nil
		})
	}()
	all, some := publisher(t, l, "cs", "all"), publisher(t, l, "cs", "some")
	for i := 0; i < events; i += 3 {
		batch := []destination.Item{item(int64(i), fmt.Sprint(i)), item(int64(i+1), fmt.Sprint(i+1)), item(int64(i+2), fmt.Sprint(i+2))}
		publish(t, all, batch...)
		publish(t, some, batch[1])
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if len(order) != events {
		t.Errorf("%d events were given, %d of them different, want %d", len(order), len(seen), events)
	}
}

// TestFollowFallsBehind: a reader whose file was deleted goes on with the oldest
// one that is left.
func TestFollowFallsBehind(t *testing.T) {
	directory := t.TempDir()
	l := New(directory, Options{FileBytes: 40, Files: 2})
	p := publisher(t, l, "cs", "all")
	publish(t, p, item(1, "a"))
	ctx, cancel := context.WithCancel(t.Context())
	var got []string
	if err := Read(ctx, directory, ReadOptions{Follow: true, Poll: time.Millisecond}, func(line []byte) error {
		got = append(got, textOf(line))
		switch len(got) {
		case 1:
			publish(t, p, item(2, "b"))
			publish(t, p, item(3, "c"))
			publish(t, p, item(4, "d"))
		case 3:
			cancel()
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	expect(t, got, "a c d")
}

func TestLongLineIsAnError(t *testing.T) {
	directory := t.TempDir()
	p := publisher(t, New(directory, Options{}), "cs", "all")
	publish(t, p, item(1, strings.Repeat("x", 2*maxLine)))
	err := Read(t.Context(), directory, ReadOptions{}, func([]byte) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "all.jsonl") {
		t.Errorf("got %v", err)
	}
}

func TestRecentForgetsOnlyTheOld(t *testing.T) {
	var r recent
	for i := range 2 * recentLines {
		if !r.add(fmt.Append(nil, i)) {
			t.Fatalf("%d is taken for a copy", i)
		}
	}
	for _, i := range []int{recentLines, 2*recentLines - 1} {
		if r.add(fmt.Append(nil, i)) {
			t.Errorf("copy %d is not known", i)
		}
	}
	r.add([]byte("x"))
	if len(r.young)+len(r.old) > 2*recentLines {
		t.Errorf("%d lines are remembered", len(r.young)+len(r.old))
	}
}

// FuzzRead: whatever is in a file, reading ends, gives whole lines and no line
// twice.
func FuzzRead(f *testing.F) {
	f.Add([]byte("{\"eventTimestamp\":1}\n{\"eventTimestamp\":99999999999999999999}\n{\"eventTim"))
	f.Add([]byte("\n\n\x00\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		directory := t.TempDir()
		inner := filepath.Join(directory, "1", "cs")
		if err := os.MkdirAll(inner, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(inner, "a.jsonl"), text, 0o600); err != nil {
			t.Fatal(err)
		}
		distinct := map[string]bool{}
		for line := range bytes.Lines(text) {
			if whole, ok := bytes.CutSuffix(line, []byte("\n")); ok {
				distinct[string(whole)] = true
			}
		}
		given := map[string]bool{}
		if err := Read(t.Context(), directory, ReadOptions{}, func(line []byte) error {
			if given[string(line)] || !distinct[string(line)] {
				t.Errorf("%q is given twice or is not there", line)
			}
			given[string(line)] = true
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if len(given) != len(distinct) {
			t.Errorf("%d lines of %d", len(given), len(distinct))
		}
	})
}
