package firehose

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
)

// Names of the files in a buffer's directory: the one that records are appended to,
// and those that are closed and wait to be delivered, which sort by age.
const (
	openName   = "open"
	closedName = ".closed"
)

// buffer is what a stream has gathered, on disk.
type buffer struct {
	directory string

	mu    sync.Mutex
	file  *os.File // nil: nothing is gathered
	size  int64
	since time.Time // of the first record
}

// openBuffer opens a buffer, which may have records from before.
func openBuffer(directory string, now time.Time) (*buffer, error) {
	if err := os.MkdirAll(directory, 0o700); err != nil {
		return nil, err
	}
	b := &buffer{directory: directory}
	path := filepath.Join(directory, openName)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return b, nil
	}
	if err != nil {
		return nil, err
	}
	if b.file, err = os.OpenFile(path, os.O_RDWR, 0o600); err != nil {
		return nil, err
	}
	// The last record may have been cut off, before anybody was told that it is there.
	b.size, b.since = int64(bytes.LastIndexByte(text, '\n')+1), now
	if err := b.file.Truncate(b.size); err != nil {
		return nil, errors.Join(err, b.file.Close())
	}
	if _, err := b.file.Seek(b.size, 0); err != nil {
		return nil, errors.Join(err, b.file.Close())
	}
	return b, nil
}

// add appends records, a line each. They are durable when it returns nil; with an
// error none of them is there.
func (b *buffer) add(records [][]byte, now time.Time) error {
	var text []byte
	for _, r := range records {
		text = append(text, r...)
		if len(r) == 0 || r[len(r)-1] != '\n' {
			text = append(text, '\n')
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.file == nil {
		file, err := os.OpenFile(filepath.Join(b.directory, openName), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
		if err != nil {
			return err
		}
		if err := syncDirectory(b.directory); err != nil {
			return errors.Join(err, file.Close())
		}
		b.file, b.size, b.since = file, 0, now
	}
	_, err := b.file.Write(text)
	if err == nil {
		err = b.file.Sync()
	}
	if err != nil {
		_, seek := b.file.Seek(b.size, 0)
		return errors.Join(err, b.file.Truncate(b.size), seek)
	}
	b.size += int64(len(text))
	return nil
}

// due reports whether the buffer is full or old enough to be closed.
func (b *buffer) due(most int64, interval time.Duration, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.size > 0 && (b.size >= most || now.Sub(b.since) >= interval)
}

// close closes the open file, if there is one, so that it waits to be delivered.
func (b *buffer) close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.file == nil {
		return nil
	}
	name := b.since.UTC().Format("20060102T150405.000000000") + "-" + uuid.NewString() + closedName
	if err := os.Rename(filepath.Join(b.directory, openName), filepath.Join(b.directory, name)); err != nil {
		return err
	}
	err := b.file.Close()
	b.file, b.size = nil, 0
	return errors.Join(err, syncDirectory(b.directory))
}

// closed are the files that wait to be delivered, the oldest first.
func (b *buffer) closed() ([]string, error) {
	entries, err := os.ReadDir(b.directory)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), closedName) {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

// release lets go of the open file without closing the buffer.
func (b *buffer) release() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.file == nil {
		return nil
	}
	err := b.file.Close()
	b.file = nil
	return err
}

func syncDirectory(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	if err := d.Sync(); err != nil {
		return errors.Join(fmt.Errorf("sync %s: %w", path, err), d.Close())
	}
	return d.Close()
}
