package audit

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// keepEvery is how often it is looked for files that are old enough to be deleted.
const keepEvery = time.Hour

// turn begins a new file where the one that is written is full or of another day (UTC).
func (l *Log) turn() {
	now := l.o.Now().UTC()
	empty := l.durable == 0 && len(l.pending) == 0
	same := now.Format(time.DateOnly) == l.of.began.Format(time.DateOnly)
	if empty || same && l.durable+int64(len(l.pending)) < l.o.FileBytes || l.failed != nil {
		return
	}
	if l.settle(true) != nil {
		return // what waits stays in the file that it is for
	}
	full := l.file
	if err := l.create(); err != nil {
		l.o.Log.Error("the audit log goes on in a file that is full", "file", l.of.name, "error", err)
		return
	}
	if err := full.Close(); err != nil {
		l.o.Log.Warn("a file of the audit log did not close in order", "error", err)
	}
	l.busy.Go(l.compress)
}

// create begins a file, for what follows what is written.
func (l *Log) create() error {
	began := l.o.Now().UTC().Truncate(time.Second)
	first := l.written.sequence + 1
	of := logFile{nameOf(began, first), began, first}
	file, err := os.OpenFile(filepath.Join(l.o.Directory, of.name), os.O_CREATE|os.O_RDWR|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err := syncDirectory(l.o.Directory); err != nil {
		return errors.Join(err, file.Close())
	}
	l.file, l.of, l.durable = file, of, 0
	return nil
}

// current is the name of the file that is being written.
func (l *Log) current() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.of.name
}

// compress compresses all files but the one that is being written.
func (l *Log) compress() {
	l.kept.Lock()
	defer l.kept.Unlock()
	files, err := logFiles(l.o.Directory)
	if err != nil {
		l.o.Log.Warn("files of the audit log are not compressed", "error", err)
		return
	}
	for _, f := range files {
		if f.zipped() || f.name == l.current() {
			continue
		}
		if err := compress(filepath.Join(l.o.Directory, f.name)); err != nil {
			l.o.Log.Warn("a file of the audit log is not compressed", "file", f.name, "error", err)
		}
	}
}

func compress(path string) error {
	if err := replaceFile(path+".gz", func(w io.Writer) (err error) {
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, file.Close()) }()
		z := gzip.NewWriter(w)
		if _, err := io.Copy(z, file); err != nil {
			return err
		}
		return z.Close()
	}); err != nil {
		return err
	}
	return os.Remove(path)
}

// Expire deletes the files all of whose records are older than they are kept, but for
// those with lines behind needed, which are still to be delivered. What the last of them
// ends with is kept in anchor.json, before.
func (l *Log) Expire(needed uint64) error {
	l.kept.Lock()
	defer l.kept.Unlock()
	files, err := logFiles(l.o.Directory)
	if err != nil {
		return fmt.Errorf("audit log: %w", err)
	}
	before := l.o.Now().Add(-l.o.Keep)
	for i := range files {
		// A file ends before the next one begins.
		if i == len(files)-1 || !files[i+1].began.Before(before) {
			return nil
		}
		if files[i+1].first > needed+1 {
			l.o.Log.Error("audit records that are old enough to be deleted are kept: they are not delivered yet", "file", files[i].name, "delivered", needed)
			return nil
		}
		if err := l.forget(files[i], files[i+1]); err != nil {
			return fmt.Errorf("audit log: %s: %w", files[i].name, err)
		}
		l.o.Log.Info("old audit records deleted", "file", files[i].name)
	}
	return nil
}

func (l *Log) forget(old, next logFile) error {
	last := end{}
	if err := readFile(l.o.Directory, next, func(line Line) (err error) {
		if last, err = (place{Sequence: line.Sequence - 1, Hash: line.Previous}).end(); err != nil {
			return err
		}
		return io.EOF // the first line says it
	}); err != nil {
		return err
	}
	if last == (end{}) {
		return errors.New("what follows it cannot be read")
	}
	if err := writeJSON(filepath.Join(l.o.Directory, anchorFile), last.place(l.o.Now())); err != nil {
		return err
	}
	return os.Remove(filepath.Join(l.o.Directory, old.name))
}

// Run brings the log to disk every second, and deletes what is old; until ctx ends.
// needed says up to which line the log was delivered.
func (l *Log) Run(ctx context.Context, needed func() uint64) {
	l.busy.Go(l.compress) // what an earlier process did not
	tick := time.NewTicker(syncEvery)
	defer tick.Stop()
	expired := time.Time{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		// A failure is logged where it begins, and counted.
		_ = l.Flush()
		if now := l.o.Now(); now.Sub(expired) >= keepEvery {
			expired = now
			if err := l.Expire(needed()); err != nil {
				l.o.Log.Error("old audit records are still there", "error", strings.TrimPrefix(err.Error(), "audit log: "))
			}
		}
	}
}
