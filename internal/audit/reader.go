package audit

import (
	"bufio"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
)

const (
	// maxBatch and maxBatchBytes bound what a follower is given at once.
	maxBatch      = 1000
	maxBatchBytes = 4 << 20
)

// reader reads the lines of a log that are on disk, from a place on, also those that are
// yet to come. It goes on where it was, so that each file is read once.
type reader struct {
	log    *Log
	next   uint64 // number of the line that is read next
	file   *os.File
	of     logFile
	at     int64     // in file, where it is not compressed
	inside io.Reader // of the content of a compressed file
	octets int64     // that were read of all files
}

// read gives the lines that are there. It gives none where there are no more.
func (r *reader) read() (batch []Line, err error) {
	synced := r.log.onDisk()
	size := 0
	for r.next <= synced && len(batch) < maxBatch && size < maxBatchBytes {
		found, err := r.chunk(synced, func(line Line) (more bool) {
			batch, size = append(batch, line), size+len(line.Record)
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

var (
	errEnough = errors.New("enough")
	errFull   = errors.New("full")
)

// chunk reads on in the file, or opens that of the next line. found is false where it has
// no more.
func (r *reader) chunk(synced uint64, each func(Line) bool) (found bool, err error) {
	if r.file == nil {
		if err := r.open(); err != nil || r.file == nil {
			return false, err
		}
	}
	var content io.Reader = io.NewSectionReader(counted{r}, r.at, math.MaxInt64-r.at)
	if r.inside != nil {
		content, synced = r.inside, math.MaxUint64 // all of it is
	}
	err = lines(content, func(_ int, text []byte, bad error) error {
		if bad != nil {
			return r.ends(bad)
		}
		line, err := parseLine(text)
		if err != nil {
			err = nil // Verify names it; the lines behind it are read all the same
		} else {
			err = r.take(line, synced, &found, each)
		}
		if err == nil || errors.Is(err, errFull) {
			r.at += int64(len(text)) + 1
		}
		return err
	})
	if errors.Is(err, errEnough) || errors.Is(err, errFull) {
		return found, nil
	}
	return found, err
}

// ends says how it goes on where no line can be read: what the system fails at is tried
// again, what is not whole is being written, and the rest of a file that cannot be
// decompressed is left out.
func (r *reader) ends(bad error) error {
	if _, system := errors.AsType[*fs.PathError](bad); system {
		return bad
	}
	if r.inside != nil {
		r.log.o.Log.Error("the rest of a file of the audit log cannot be read and is left out", "file", r.of.name, "error", bad)
		r.inside = strings.NewReader("")
	}
	return errEnough
}

// take gives a line on, if it is wanted.
func (r *reader) take(line Line, synced uint64, found *bool, each func(Line) bool) error {
	if line.Sequence > synced {
		return errEnough
	}
	if line.Sequence < r.next {
		return nil
	}
	r.next, *found = line.Sequence+1, true
	if !each(line) {
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
		if f.zipped() {
			return r.unzip()
		}
		return nil
	}
	return nil
}

// unzip begins to read a compressed file.
func (r *reader) unzip() error {
	content, err := gzip.NewReader(bufio.NewReader(counted{r}))
	if err == nil {
		r.inside = bufio.NewReaderSize(content, lineBuffer) // lines reads through it and no further
		return nil
	}
	r.inside = strings.NewReader("")
	if err = r.ends(err); errors.Is(err, errEnough) {
		return nil
	}
	r.close()
	return err
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
	r.next = max(r.next, r.log.onDisk()+1)
	return nil
}

// onDisk is the number of the last line that is.
func (l *Log) onDisk() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.synced.sequence
}

// seek has a line be read next, wherever it is.
func (r *reader) seek(next uint64) {
	r.close()
	r.next = next
}

func (r *reader) close() {
	if r.file != nil {
		r.file.Close() // it was only read
		r.file, r.inside = nil, nil
	}
}

// counted reads a reader's file.
type counted struct{ r *reader }

func (c counted) Read(p []byte) (int, error) {
	n, err := c.r.file.Read(p)
	c.r.octets += int64(n)
	return n, err
}

func (c counted) ReadAt(p []byte, at int64) (int, error) {
	n, err := c.r.file.ReadAt(p, at)
	c.r.octets += int64(n)
	return n, err
}
