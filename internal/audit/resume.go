package audit

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// tail is what a file has of the log.
type tail struct {
	end    end
	size   int64  // of the lines that follow one from another
	behind []byte // the last of them, which are behind the head
	torn   int64  // bytes behind them
}

// resume finds where the log ends and goes on there.
func (l *Log) resume() error {
	head, headed, err := readPlace(filepath.Join(l.o.Directory, headFile))
	if err != nil {
		l.o.Log.Error("the head of the audit log cannot be read", "error", err)
	}
	if err := l.tidy(); err != nil {
		return err
	}
	files, err := logFiles(l.o.Directory)
	if err != nil {
		return err
	}
	if len(files) == 0 && !headed {
		anchor, _, err := readPlace(filepath.Join(l.o.Directory, anchorFile))
		if err != nil {
			return err
		}
		return l.begin(anchor)
	}
	found := tail{end: head}
	if len(files) > 0 {
		if found, err = readTail(l.o.Directory, files[len(files)-1], head); err != nil {
			return err
		}
	}
	switch {
	case len(files) == 0 || !headed || found.end.sequence < head.sequence:
		return l.resumeDamaged(head, found, files)
	case files[len(files)-1].zipped():
		return l.begin(found.end)
	}
	return l.continued(files[len(files)-1], head, found)
}

// begin begins a file behind a place.
func (l *Log) begin(at end) error {
	l.last, l.written, l.synced = at, at, at
	if err := writeJSON(filepath.Join(l.o.Directory, headFile), at.place(l.o.Now())); err != nil {
		return err
	}
	return l.create()
}

// continued goes on in the last file, without what a crash left of a line. What is behind
// the head can be read, but need not be on disk: a sync may have failed. It is written again.
func (l *Log) continued(f logFile, head end, found tail) error {
	file, err := os.OpenFile(filepath.Join(l.o.Directory, f.name), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	l.file, l.of, l.durable, l.pending = file, f, found.size-int64(len(found.behind)), found.behind
	l.synced, l.written, l.last = head, head, found.end
	if found.torn > 0 {
		if err := l.file.Truncate(found.size); err != nil {
			return err
		}
		l.o.Log.Warn("the audit log had a last line that was not whole, which was cut off", "file", f.name, "bytes", found.torn)
	}
	if err := l.write(); err != nil {
		return err
	}
	if err := l.sync(); err != nil || found.torn == 0 {
		return err
	}
	return l.note("AuditLogRecovered", map[string]any{"file": f.name, "tornBytes": found.torn})
}

// damaged is the event of a log that is not what was written, when it is opened.
const damaged = "AuditLogDamaged"

// resumeDamaged goes on in a new file where the log is not what was written. What there is
// stays as it is, and Verify goes on finding it.
func (l *Log) resumeDamaged(head end, found tail, files []logFile) error {
	at := head
	if found.end.sequence > at.sequence {
		at = found.end
	}
	if n := len(files); n > 0 && files[n-1].first > at.sequence {
		at.sequence = files[n-1].first // no two files begin with the same number
	}
	l.o.Log.Error("the audit log is not what was written: lines were removed or changed; heliograph audit verify says which",
		"found", found.end.sequence, "expected", head.sequence)
	if err := l.begin(at); err != nil {
		return err
	}
	return l.note(damaged, map[string]any{"lastLineFound": found.end.sequence, "lastLineExpected": head.sequence})
}

// readTail reads the last file up to the first line that does not follow. What is
// behind the head may be left over from a crash; what is before it may not.
func readTail(directory string, f logFile, head end) (t tail, err error) {
	content, err := f.open(directory)
	if err != nil {
		return tail{}, err
	}
	defer func() { err = errors.Join(err, content.Close()) }()
	stop := errors.New("stop")
	whole := int64(0)
	err = lines(content, func(n int, text []byte, bad error) error {
		if n == 1 && bad == nil {
			line, err := parseLine(text)
			if err != nil {
				return stop
			}
			if t.end, err = (place{Sequence: line.Sequence - 1, Hash: line.Previous}).end(); err != nil {
				return stop
			}
		}
		if bad != nil {
			return stop
		}
		_, next, err := t.end.follow(text)
		if err != nil || next.sequence == head.sequence && next.hash != head.hash {
			return stop
		}
		t.end, whole = next, whole+int64(len(text))+1
		if next.sequence > head.sequence {
			t.behind = append(append(t.behind, text...), '\n')
		}
		return nil
	})
	if err != nil && !errors.Is(err, stop) {
		return tail{}, fmt.Errorf("%s: %w", f.name, err)
	}
	if whole == 0 && f.first == head.sequence+1 {
		t.end = head // it has none of its own yet
	}
	if f.zipped() {
		return t, nil
	}
	info, err := os.Stat(filepath.Join(directory, f.name))
	if err != nil {
		return tail{}, err
	}
	t.size, t.torn = whole, info.Size()-whole
	return t, nil
}

// tidy removes what an interruption left: files that were not finished, and originals of
// those that were compressed.
func (l *Log) tidy() error {
	entries, err := os.ReadDir(l.o.Directory)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := e.Name()
		gone := strings.HasSuffix(name, unfinished)
		if !gone && strings.HasSuffix(name, plain) && fileName.MatchString(name) {
			_, err := os.Stat(filepath.Join(l.o.Directory, name+".gz"))
			gone = err == nil
		}
		if gone {
			if err := os.Remove(filepath.Join(l.o.Directory, name)); err != nil {
				return err
			}
		}
	}
	return nil
}
