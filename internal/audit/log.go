package audit

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	// bufferedBytes is from how much on records that may wait are written, and
	// pendingBytes how much is kept that is not known to be on disk. While nothing can be
	// written, of calls that change nothing what is more is lost, and told of once it can be.
	bufferedBytes = 64 << 10
	pendingBytes  = 4 << 20
	// syncEvery is how long records are not on disk at most.
	syncEvery = time.Second
)

// Options are what a Log is made of. All are needed but Metrics and Log.
type Options struct {
	Directory string
	FileBytes int64         // from which a file is full
	Keep      time.Duration // after which files are deleted
	SyncEach  bool          // a record of a change is on disk before the call is answered
	Account   string        // of records about the log itself
	Region    string
	Now       func() time.Time
	Metrics   prometheus.Registerer
	Log       *slog.Logger
}

// Log is the audit log of a node. It may be used by several goroutines at once. One
// process writes a directory.
type Log struct {
	o       Options
	metrics *metrics

	mu       sync.Mutex
	file     logWriter
	of       logFile
	durable  int64         // octets of the file that are on disk
	pending  []byte        // lines behind them, which are not known to be on disk
	wrote    int           // octets of pending that are in the file
	last     end           // behind pending
	written  end           // behind what is written
	synced   end           // behind what is on disk, as head.json says
	failed   error         // why the last try to write failed; nil: it did not
	doubtful bool          // the last sync failed
	lost     int           // records since then that there was no room for
	more     chan struct{} // closed when more is on disk

	kept sync.Mutex // of files that were closed: one at a time compresses and deletes
	busy sync.WaitGroup
}

// Open opens the log of a directory, or begins it. What an earlier process left is
// checked: a last line that is not whole is cut off, and what is not what was written
// stays as it is. Either gets a record of its own.
func Open(o Options) (*Log, error) {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if err := os.MkdirAll(o.Directory, 0o700); err != nil {
		return nil, fmt.Errorf("audit log: %w", err)
	}
	l := &Log{o: o, metrics: newMetrics(o.Metrics), more: make(chan struct{})}
	if err := l.resume(); err != nil {
		return nil, fmt.Errorf("audit log: %w", err)
	}
	return l, nil
}

// Ready says why a call that changes something could not be recorded; nil: it could.
// After a failure it tries again.
func (l *Log) Ready() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failed == nil {
		return nil
	}
	if err := l.settle(true); err != nil {
		l.metrics.failures.Inc()
		return fmt.Errorf("the audit log cannot be written: %w", err)
	}
	return nil
}

// Record takes the record of a call. An error says that a call that has to be recorded
// before it is answered could not be; its record is kept and written as soon as that can
// be done.
func (l *Log) Record(c *Call) error {
	for _, r := range c.records(newEventID) {
		if err := l.add(&r, c.Durable()); err != nil && c.Durable() {
			return err
		}
	}
	return nil
}

// SignIn takes the record of an attempt to sign in, as Record does. One that succeeded
// must not be answered where it fails.
func (l *Log) SignIn(s *SignIn) error {
	r := s.record()
	return l.add(&r, true)
}

// note takes a record about the log itself.
func (l *Log) note(name string, details any) error {
	text, err := json.Marshal(details)
	if err != nil {
		return err
	}
	return l.append(&Record{EventVersion: version, UserIdentity: UserIdentity{Type: "AWSService", InvokedBy: sourceLog}, EventTime: stamp(l.o.Now()),
		EventSource: sourceLog, EventName: name, AWSRegion: l.o.Region, SourceIPAddress: sourceLog, UserAgent: sourceLog, EventID: newEventID(),
		EventType: typeService, RecipientAccountID: l.o.Account, ServiceEventDetails: text}, true)
}

func (l *Log) add(r *Record, durable bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lost > 0 && l.failed == nil {
		lost := l.lost
		l.lost = 0
		if err := l.note("AuditRecordsLost", map[string]int{"records": lost}); err != nil {
			l.lost += lost
		}
	}
	err := l.append(r, durable)
	if err != nil {
		l.metrics.failures.Inc()
	}
	return err
}

// append adds a line and writes it where it must not wait.
func (l *Log) append(r *Record, durable bool) error {
	text := r.encode()
	if l.failed != nil && len(l.pending)+len(text) > pendingBytes {
		l.lost++
		return l.failed
	}
	l.turn()
	line, last := l.last.line(text)
	l.pending, l.last = append(append(l.pending, line...), '\n'), last
	l.metrics.record(r)
	if !durable && len(l.pending)-l.wrote < bufferedBytes {
		return nil
	}
	return l.settle(durable && l.o.SyncEach || l.failed != nil || len(l.pending) >= pendingBytes)
}

// Close writes what waits, and ends the log.
func (l *Log) Close() error {
	err := l.Flush()
	l.busy.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	return errors.Join(err, l.file.Close())
}
