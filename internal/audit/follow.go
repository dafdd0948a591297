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

const (
	// A follower that fails tries again after these pauses.
	firstPause = time.Second
	longest    = time.Minute
	// savePause is how long a follower's position may be older than what it has done:
	// what it does again is there once.
	savePause = time.Second
)

// position is how far a follower has come, as its file says.
type position struct {
	Sequence uint64 `json:"sequence"`
}

func (l *Log) position(name string) (p position) {
	text, err := os.ReadFile(filepath.Join(l.o.Directory, name))
	if err == nil {
		err = json.Unmarshal(text, &p)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		l.o.Log.Warn("where the audit log was read to cannot be read; it is read from its beginning", "file", name, "error", err)
	}
	return p
}

// follow gives all lines of the log to do, in order, those of earlier processes that it
// has not had included, until ctx ends. What do fails for is given again after a pause.
func (l *Log) follow(ctx context.Context, target string, do func(context.Context, []Line) error) {
	name := target + ".json"
	done := l.position(name)
	saved, at := done, time.Time{}
	r := &reader{log: l, next: done.Sequence + 1}
	defer r.close()
	save := func() {
		if saved == done {
			return
		}
		if err := writeJSON(filepath.Join(l.o.Directory, name), done); err != nil {
			l.o.Log.Warn("where the audit log was read to is not kept", "file", name, "error", err)
			return
		}
		saved, at = done, time.Now()
	}
	defer save()
	var batch []Line
	for pause := firstPause; ; {
		l.mu.Lock()
		more := l.more
		l.mu.Unlock()
		l.observe(target, done.Sequence)
		var err error
		if len(batch) == 0 {
			if batch, err = r.read(); err != nil {
				r.seek(done.Sequence + 1)
				batch = nil
			}
		}
		if err == nil && len(batch) > 0 {
			err = do(ctx, batch)
		}
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			l.o.Log.Error("records of the audit log wait", "for", target, "pause", pause, "error", err)
			select {
			case <-ctx.Done():
				return
			case <-time.After(pause):
			}
			pause = min(2*pause, longest)
			continue
		}
		pause = firstPause
		if done.Sequence = r.next - 1; time.Since(at) >= savePause {
			save()
		}
		if len(batch) > 0 {
			batch = nil
			continue
		}
		var later <-chan time.Time
		if saved != done {
			later = time.After(savePause)
		}
		select {
		case <-ctx.Done():
			return
		case <-more:
		case <-later:
		}
	}
}
