package audit

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

const (
	// maxBatch and maxBatchBytes bound what a follower is given at once.
	maxBatch      = 1000
	maxBatchBytes = 4 << 20
	// A follower that fails tries again after these pauses.
	firstPause = time.Second
	longest    = time.Minute
	// savePause is how long a follower's position may be older than what it has done:
	// what it does again is there once.
	savePause = time.Second
)

// reader reads the lines of a log from a place on, also those that are yet to come.
type reader struct {
	log  *Log
	next uint64 // number of the line that is read next
	file *os.File
	of   logFile
	at   int64 // in file
}

// read gives the lines that are there. It gives none where there are no more.
func (r *reader) read() (batch []Line, err error) {
	r.log.mu.Lock()
	written := r.log.written.sequence
	r.log.mu.Unlock()
	size := 0
	for r.next <= written && len(batch) < maxBatch && size < maxBatchBytes {
		found, err := r.chunk(written, func(line Line, text int) bool {
			batch, size = append(batch, line), size+text
			return len(batch) < maxBatch && size < maxBatchBytes
		})
		if err != nil {
			return batch, err
		}
		if !found {
			if err := r.skip(); err != nil {
				return batch, err
			}
		}
	}
	return batch, nil
}

var errEnough = errors.New("enough")

// chunk reads on in the file, or opens that of the next line. found is false where it has
// no more.
func (r *reader) chunk(written uint64, each func(Line, int) bool) (found bool, err error) {
	if r.file == nil {
		if err := r.open(); err != nil || r.file == nil {
			return false, err
		}
	}
	if r.of.zipped() {
		// It is read at once, from its beginning: it is old, so that this is seldom.
		err = readFile(r.log.o.Directory, r.of, func(line Line) error { return r.take(line, 0, written, &found, each) })
	} else {
		err = lines(io.NewSectionReader(r.file, r.at, 1<<62), func(_ int, text []byte, bad error) error {
			if bad != nil {
				return errEnough // it is being written
			}
			line, err := parseLine(text)
			if err != nil {
				err = nil // Verify names it; the lines behind it are read all the same
			} else {
				err = r.take(line, len(text), written, &found, each)
			}
			if err == nil || errors.Is(err, errFull) {
				r.at += int64(len(text)) + 1
			}
			return err
		})
	}
	if errors.Is(err, errEnough) || errors.Is(err, errFull) {
		return found, nil
	}
	if _, broken := errors.AsType[*Broken](err); broken {
		err = nil
	}
	return found, err
}

var errFull = errors.New("full")

// take gives a line on, if it is wanted.
func (r *reader) take(line Line, size int, written uint64, found *bool, each func(Line, int) bool) error {
	if line.Sequence > written {
		return errEnough
	}
	if line.Sequence < r.next {
		return nil
	}
	r.next, *found = line.Sequence+1, true
	if !each(line, max(size, len(line.Record))) {
		return errFull
	}
	return nil
}

// open opens the file that has the next line, or the first that has a later one.
func (r *reader) open() error {
	files, err := logFiles(r.log.o.Directory)
	if err != nil {
		return err
	}
	for i, f := range files {
		if i < len(files)-1 && files[i+1].first <= r.next {
			continue
		}
		file, err := os.Open(filepath.Join(r.log.o.Directory, f.name))
		if errors.Is(err, fs.ErrNotExist) {
			return nil // it has just been compressed or deleted: the next look finds the other
		}
		if err != nil {
			return err
		}
		r.file, r.of, r.at, r.next = file, f, 0, max(r.next, f.first)
		return nil
	}
	return nil
}

// skip leaves a file that has no more lines.
func (r *reader) skip() error {
	of, had := r.of, r.file != nil
	r.close()
	files, err := logFiles(r.log.o.Directory)
	if err != nil || !had {
		return err
	}
	for _, f := range files {
		if f.first > of.first {
			r.next = max(r.next, f.first)
			return nil
		}
	}
	// Lines that are not in the files any more: there is nothing to go on with.
	r.log.mu.Lock()
	r.next = r.log.written.sequence + 1
	r.log.mu.Unlock()
	return nil
}

func (r *reader) close() {
	if r.file != nil {
		r.file.Close() // it was only read
		r.file = nil
	}
}

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
	for pause := firstPause; ; {
		l.mu.Lock()
		more := l.more
		l.mu.Unlock()
		l.observe(target, done.Sequence)
		batch, err := r.read()
		if err == nil && len(batch) > 0 {
			err = do(ctx, batch)
		}
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			l.o.Log.Error("records of the audit log wait", "for", target, "pause", pause, "error", err)
			r.close()
			r.next = done.Sequence + 1
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
