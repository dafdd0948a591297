package audit

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Names in the directory of a log.
const (
	headFile   = "head.json"
	anchorFile = "anchor.json"
	plain      = ".jsonl"
	zipped     = ".jsonl.gz"
	unfinished = ".new"
)

// fileName is audit-BEGIN-SEQUENCE, of the time at which the file was begun (UTC) and
// the number of its first line.
var fileName = regexp.MustCompile(`^audit-([0-9]{8}T[0-9]{6}Z)-([0-9]{12,20})(\.jsonl|\.jsonl\.gz)$`)

const fileTime = "20060102T150405Z"

// logFile is a file of the log.
type logFile struct {
	name  string
	began time.Time
	first uint64 // number of its first line
}

func (f logFile) zipped() bool { return strings.HasSuffix(f.name, zipped) }

func nameOf(began time.Time, first uint64) string {
	return fmt.Sprintf("audit-%s-%012d%s", began.UTC().Format(fileTime), first, plain)
}

// logFiles are the files of a log in their order. Of a file that is there twice, because
// its compression was interrupted before the original went, the compressed one counts,
// which is whole.
func logFiles(directory string) ([]logFile, error) {
	entries, err := os.ReadDir(directory)
	if err != nil {
		return nil, err
	}
	var all []logFile
	for _, e := range entries {
		part := fileName.FindStringSubmatch(e.Name())
		if part == nil {
			continue
		}
		began, err := time.Parse(fileTime, part[1])
		if err != nil {
			continue
		}
		first, err := strconv.ParseUint(part[2], 10, 64)
		if err != nil {
			continue
		}
		all = append(all, logFile{e.Name(), began, first})
	}
	slices.SortFunc(all, func(a, b logFile) int {
		return cmp.Or(cmp.Compare(a.first, b.first), a.began.Compare(b.began), strings.Compare(b.name, a.name)) // .gz first
	})
	return slices.CompactFunc(all, func(a, b logFile) bool { return strings.TrimSuffix(a.name, ".gz") == strings.TrimSuffix(b.name, ".gz") }), nil
}

// filesFrom lists the files of a log again from one on that is not there any more under
// its name: it is compressed then, or was deleted.
func filesFrom(directory string, f logFile) ([]logFile, error) {
	files, err := logFiles(directory)
	if err != nil {
		return nil, err
	}
	for len(files) > 0 && files[0].first < f.first {
		files = files[1:]
	}
	if len(files) > 0 && files[0].name == f.name {
		return nil, errors.New("it is there and cannot be opened")
	}
	return files, nil
}

// open opens a file for reading, whether it is compressed or not.
func (f logFile) open(directory string) (io.ReadCloser, error) {
	file, err := os.Open(filepath.Join(directory, f.name))
	if err != nil || !f.zipped() {
		return file, err
	}
	content, err := gzip.NewReader(bufio.NewReader(file))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", f.name, err), file.Close())
	}
	return struct {
		io.Reader
		io.Closer
	}{content, file}, nil
}

// errTorn is what a line that has no end is.
var errTorn = errors.New("it is not whole: its end is missing")

const (
	// maxLine is the longest line of a log.
	maxLine = maxRecord + 1<<10
	// lineBuffer is how much is read at once.
	lineBuffer = 64 << 10
)

// lines reads lines, without their ends. each is told the number of a line, from 1, and
// of a last one without an end with err set. A *bufio.Reader of lineBuffer octets is read
// as far as each was told, and can be read on.
func lines(r io.Reader, each func(n int, text []byte, err error) error) error {
	in := bufio.NewReaderSize(r, lineBuffer)
	var long []byte
	for n := 1; ; {
		part, err := in.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			if long = append(long, part...); len(long) > maxLine {
				return each(n, nil, errors.New("it is longer than lines of the log are"))
			}
		case errors.Is(err, io.EOF):
			if text := append(long, part...); len(text) > 0 {
				return each(n, text, errTorn)
			}
			return nil
		case err != nil:
			return each(n, nil, err)
		default:
			text := part
			if len(long) > 0 {
				text = append(long, part...)
			}
			if err := each(n, bytes.TrimSuffix(text, []byte("\n")), nil); err != nil {
				return err
			}
			n, long = n+1, long[:0]
		}
	}
}

// readPlace reads a file with a place. ok is false where there is none.
func readPlace(path string) (e end, ok bool, err error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return end{}, false, nil
	}
	if err != nil {
		return end{}, false, err
	}
	var p place
	if err = json.Unmarshal(text, &p); err == nil {
		e, err = p.end()
	}
	if err != nil {
		return end{}, false, fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	return e, true, nil
}

// replaceFile writes a file that is there when it is whole and on disk.
func replaceFile(path string, write func(io.Writer) error) (err error) {
	file, err := os.OpenFile(path+unfinished, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	err = write(file)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(path+unfinished, path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(path+unfinished))
	}
	return syncDirectory(filepath.Dir(path))
}

func writeJSON(path string, v any) error {
	return replaceFile(path, func(w io.Writer) error {
		_, err := w.Write(append(encodeLine(v), '\n'))
		return err
	})
}

func syncDirectory(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
