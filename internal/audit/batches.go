package audit

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Batch is a run of lines that are delivered together.
type Batch struct {
	At    time.Time // when it was put together
	Lines []Line
}

// plan is how far a delivery has come, and the batch that it is at.
type plan struct {
	Sequence uint64    `json:"sequence"`        // up to here all is delivered
	Until    uint64    `json:"until,omitempty"` // the batch ends here; 0: there is none
	At       time.Time `json:"at,omitzero"`
}

// Batches gives all lines of the log, in order, to deliver: what has come since the last
// batch, every so often, until ctx ends. What a batch has is on disk before, so that one
// that deliver fails for, or that an earlier process may have delivered, is given again
// as it was.
func (l *Log) Batches(ctx context.Context, target string, every time.Duration, deliver func(context.Context, Batch) error) {
	path := filepath.Join(l.o.Directory, target+".json")
	p, err := readPlan(path)
	if err != nil {
		l.o.Log.Error("where the audit log was delivered to cannot be read; it is delivered from its beginning", "file", path, "error", err)
	}
	for pause := firstPause; ; {
		wait := every
		more, err := l.batch(ctx, path, &p, deliver)
		l.observe(target, p.Sequence)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			l.o.Log.Error("the audit log is not delivered yet; trying again", "to", target, "pause", pause, "error", err)
			wait, pause = pause, min(2*pause, longest)
		case more:
			wait, pause = 0, firstPause
		default:
			pause = firstPause
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// Delivered is the number of the line up to which a delivery has come.
func (l *Log) Delivered(target string) uint64 {
	p, _ := readPlan(filepath.Join(l.o.Directory, target+".json")) // where it cannot be read, nothing was
	return p.Sequence
}

func readPlan(path string) (p plan, err error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return plan{}, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &p)
	}
	if err != nil {
		return plan{}, err
	}
	return p, nil
}

// batch delivers the next batch, if there is one, and reports whether there may be more.
func (l *Log) batch(ctx context.Context, path string, p *plan, deliver func(context.Context, Batch) error) (more bool, err error) {
	r := &reader{log: l, next: p.Sequence + 1}
	defer r.close()
	lines, err := r.read()
	if err != nil {
		return false, err
	}
	for i := range lines {
		if p.Until != 0 && lines[i].Sequence > p.Until {
			lines = lines[:i]
			break
		}
	}
	if len(lines) == 0 && p.Until == 0 {
		return false, nil
	}
	if p.Until == 0 {
		next := plan{p.Sequence, lines[len(lines)-1].Sequence, l.o.Now().UTC().Truncate(time.Second)}
		if err := writeJSON(path, next); err != nil {
			return false, err
		}
		*p = next
	}
	if len(lines) > 0 {
		if err := deliver(ctx, Batch{At: p.At, Lines: lines}); err != nil {
			return false, err
		}
	}
	done := plan{Sequence: p.Until}
	if err := writeJSON(path, done); err != nil {
		return false, err
	}
	*p = done
	return true, nil
}

func (l *Log) observe(target string, done uint64) {
	l.mu.Lock()
	written := l.written.sequence
	l.mu.Unlock()
	l.metrics.behind.WithLabelValues(target).Set(float64(written - min(done, written)))
}
