package audit

import (
	"fmt"
	"io"
	"path/filepath"
)

// logWriter is a file that is written: an *os.File.
type logWriter interface {
	io.WriterAt
	io.Closer
	Truncate(size int64) error
	Sync() error
}

// settle writes what is pending, and brings it to disk where it has to be there. A log
// that has failed is taken for good again where both could be done.
func (l *Log) settle(sync bool) error {
	err := l.write()
	if err == nil && sync {
		err = l.sync()
	}
	switch {
	case err != nil:
		if l.failed == nil {
			l.o.Log.Error("the audit log cannot be written: calls that change something are refused", "file", l.of.name, "error", err)
		}
		l.failed = err
	case sync && l.failed != nil:
		l.o.Log.Info("the audit log can be written again", "file", l.of.name)
		l.failed = nil
	}
	return err
}

// write writes what is pending. What a try that failed has left of it in the file is
// written over by the next.
func (l *Log) write() error {
	if l.doubtful {
		if err := l.renew(); err != nil {
			return err
		}
	}
	if l.wrote == len(l.pending) {
		return nil
	}
	if _, err := l.file.WriteAt(l.pending[l.wrote:], l.durable+int64(l.wrote)); err != nil {
		return err
	}
	l.wrote, l.written = len(l.pending), l.last
	return nil
}

// sync brings what is written to disk, and says in head.json how far that is.
func (l *Log) sync() error {
	if l.synced == l.written {
		return nil
	}
	if err := l.file.Sync(); err != nil {
		l.doubtful = true
		return err
	}
	if err := writeJSON(filepath.Join(l.o.Directory, headFile), l.written.place(l.o.Now())); err != nil {
		return err
	}
	l.durable, l.synced = l.durable+int64(l.wrote), l.written
	l.pending, l.wrote = l.pending[:copy(l.pending, l.pending[l.wrote:])], 0
	if len(l.pending) == 0 && cap(l.pending) > 2*bufferedBytes {
		l.pending = nil
	}
	close(l.more)
	l.more = make(chan struct{})
	return nil
}

// renew goes on after a sync that failed. The system may have dropped what it could not
// write, and the next sync that succeeds says nothing of that (fsync(2)): all that is not
// known to be on disk is written again from memory, to a new file. The old one keeps what
// was on disk before.
func (l *Log) renew() error {
	l.wrote, l.written = 0, l.synced
	if err := l.file.Truncate(l.durable); err != nil {
		return err
	}
	if err := l.file.Sync(); err != nil {
		return err
	}
	if l.durable > 0 { // else the file is as good as new
		old := l.file
		if err := l.create(); err != nil {
			return err
		}
		if err := old.Close(); err != nil {
			l.o.Log.Warn("a file of the audit log did not close in order", "error", err)
		}
		l.busy.Go(l.compress)
	}
	l.doubtful = false
	return nil
}

// Flush writes what waits and brings it to disk.
func (l *Log) Flush() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.settle(true); err != nil {
		l.metrics.failures.Inc()
		return fmt.Errorf("audit log: %w", err)
	}
	return nil
}
