package firehose

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A directory that cannot be synced, because there is no room for an open file more,
// makes a record fail; the next one is taken.
func TestAddAfterFailure(t *testing.T) {
	d := newDesk(t)
	d.make(events)
	b, err := openBuffer(filepath.Join(t.TempDir(), "b"), kept{definition: definition{Account: customer, Stream: events}}, d.at)
	if err != nil {
		t.Fatal(err)
	}
	// What a failed sync leaves: the file, and a buffer that has not got it.
	if err := os.WriteFile(filepath.Join(b.directory, openName), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := b.add([][]byte{[]byte("one")}, d.at); err != nil {
		t.Fatal(err)
	}
	// What a failed write leaves: a part of a record behind the others.
	if _, err := b.file.WriteString("a part of a rec"); err != nil {
		t.Fatal(err)
	}
	b.excess = true
	if _, err := b.add([][]byte{[]byte("two")}, d.at); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(filepath.Join(b.directory, openName)); err != nil || string(text) != "one\ntwo\n" {
		t.Errorf("%q, %v", text, err)
	}
}

func TestFullFileIsClosedAtOnce(t *testing.T) {
	d := newDesk(t)
	d.make(events)
	for range 5 {
		d.put(strings.Repeat("x", 60))
	}
	if got := len(d.only().closed()); got != 2 {
		t.Errorf("%d files are closed", got)
	}
}

func TestWholeLines(t *testing.T) {
	for _, c := range []struct {
		text string
		want int64
	}{{"", 0}, {"cut", 0}, {"a\n", 2}, {"a\nb", 2}, {"a\n" + strings.Repeat("x", 200<<10), 2},
		{strings.Repeat("x", 64<<10-1) + "\n" + strings.Repeat("y", 64<<10), 64 << 10}} {
		if got, err := wholeLines(strings.NewReader(c.text), int64(len(c.text))); err != nil || got != c.want {
			t.Errorf("%d bytes: %d, %v, want %d", len(c.text), got, err, c.want)
		}
	}
}

// Names that a pattern would stumble over, and what does not belong there.
func TestDirectoryOfBuffers(t *testing.T) {
	d := newDesk(t)
	d.options.Buffers = filepath.Join(t.TempDir(), "a[b]*", "firehose")
	d.open()
	d.make(events)
	d.put("one")
	account := filepath.Join(d.options.Buffers, customer)
	for _, path := range []string{filepath.Join(d.options.Buffers, "stray"), filepath.Join(account, "stray")} {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(account, "events@1-00000000"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(d.only().directory+".copy", os.DirFS(d.only().directory)); err != nil {
		t.Fatal(err)
	}
	d.open()
	if err := d.streams.Flush(t.Context(), customer, "events"); err != nil {
		t.Fatal(err)
	}
	if got := values(d.delivered()); len(got) != 1 || got[0] != "one\n" {
		t.Errorf("delivered %q", got)
	}
}

func TestMakeDirectories(t *testing.T) {
	dir := t.TempDir()
	for range 2 {
		if err := makeDirectories(filepath.Join(dir, "a", "b", "c")); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := makeDirectories(filepath.Join(dir, "file", "b")); err == nil {
		t.Error("a directory in a file")
	}
}

func text(s string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, s)
		return err
	}
}

func TestFolder(t *testing.T) {
	dir := t.TempDir()
	f := Folder(dir)
	if err := f.Put(t.Context(), Object{customer, "bucket", "../../elsewhere"}, text("x")); err == nil {
		t.Error("a key that leaves the bucket was taken")
	}
	interrupted := errors.New("interrupted")
	for _, c := range []struct {
		account string
		write   func(io.Writer) error
		err     error
	}{{customer, text("one"), nil}, {customer, text("other"), nil}, {"444455556666", text("theirs"), nil},
		{customer, func(io.Writer) error { return interrupted }, interrupted}} {
		if err := f.Put(t.Context(), Object{c.account, "bucket", "a/b"}, c.write); !errors.Is(err, c.err) {
			t.Errorf("%v, want %v", err, c.err)
		}
	}
	for account, want := range map[string]string{customer: "other", "444455556666": "theirs"} {
		if got, err := os.ReadFile(filepath.Join(dir, account, "bucket", "a", "b")); err != nil || string(got) != want {
			t.Errorf("%s has %q, %v", account, got, err)
		}
	}
	if left, err := os.ReadDir(filepath.Join(dir, customer, "bucket", "a")); err != nil || len(left) != 1 {
		t.Errorf("there are %v, %v", left, err)
	}
}

// A large file goes to its target in pieces.
func TestLargeFileInPieces(t *testing.T) {
	d := newDesk(t)
	path := filepath.Join(d.folder, "large")
	line := strings.Repeat("x", 1<<20-1) + "\n"
	if err := os.WriteFile(path, []byte(strings.Repeat(line, 8)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, compression := range []string{compressionGzip, compressionNone} {
		r, w := io.Pipe()
		go func() { w.CloseWithError(content(t.Context(), path, compression, pieces{w})) }()
		var got io.Reader = r
		if compression == compressionGzip {
			var err error
			if got, err = gzip.NewReader(r); err != nil {
				t.Fatal(err)
			}
		}
		if n, err := io.Copy(io.Discard, got); err != nil || n != 8<<20 {
			t.Errorf("%s: %d bytes, %v", compression, n, err)
		}
	}
}

// pieces refuses what is not in pieces.
type pieces struct{ io.Writer }

func (p pieces) Write(b []byte) (int, error) {
	if len(b) > 256<<10 {
		return 0, fmt.Errorf("%d bytes at once", len(b))
	}
	return p.Writer.Write(b)
}
