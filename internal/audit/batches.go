package audit

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
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

// delivery is what delivers lines in batches.
type delivery struct {
	log  *Log
	path string // of its plan
	plan plan
	from reader
	read []Line // that are not delivered yet
	do   func(context.Context, Batch) error
}

func (l *Log) delivery(target string, do func(context.Context, Batch) error) *delivery {
	d := &delivery{log: l, path: filepath.Join(l.o.Directory, target+".json"), do: do}
	var err error
	if d.plan, err = readPlan(d.path); err != nil {
		l.o.Log.Error("where the audit log was delivered to cannot be read; it is delivered from its beginning", "file", d.path, "error", err)
	}
	d.from = reader{log: l, next: d.plan.Sequence + 1}
	return d
}

// Batches gives all lines of the log, in order, to deliver: what has come since the last
// batch, every so often, until ctx ends. What a batch has is decided and kept before, so
// that one that deliver fails for, or that an earlier process may have delivered, is given
// again as it was.
func (l *Log) Batches(ctx context.Context, target string, every time.Duration, deliver func(context.Context, Batch) error) {
	d := l.delivery(target, deliver)
	defer d.from.close()
	for pause := firstPause; ; {
		wait := every
		more, err := d.batch(ctx)
		l.observe(target, d.plan.Sequence)
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
func (d *delivery) batch(ctx context.Context) (more bool, err error) {
	if len(d.read) == 0 {
		if d.read, err = d.from.read(); err != nil {
			d.from.seek(d.plan.Sequence + 1)
			d.read = nil
			return false, err
		}
	}
	n := len(d.read)
	if d.plan.Until != 0 {
		n = sort.Search(n, func(i int) bool { return d.read[i].Sequence > d.plan.Until })
	} else if n == 0 {
		return false, nil
	} else if err := d.keep(plan{d.plan.Sequence, d.read[n-1].Sequence, d.log.o.Now().UTC().Truncate(time.Second)}); err != nil {
		return false, err
	}
	if n > 0 {
		if err := d.do(ctx, Batch{At: d.plan.At, Lines: d.read[:n]}); err != nil {
			return false, err
		}
	}
	if err := d.keep(plan{Sequence: d.plan.Until}); err != nil {
		return false, err
	}
	d.read = d.read[n:]
	return true, nil
}

func (d *delivery) keep(p plan) error {
	if err := writeJSON(d.path, p); err != nil {
		return err
	}
	d.plan = p
	return nil
}

func (l *Log) observe(target string, done uint64) {
	l.mu.Lock()
	written := l.written.sequence
	l.mu.Unlock()
	l.metrics.behind.WithLabelValues(target).Set(float64(written - min(done, written)))
}
