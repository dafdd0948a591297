package firehose

import (
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
	openName     = "open"
	closedName   = ".closed"
	closedLayout = "20060102T150405.000000000"
)

// errRetired is answered for records to a buffer that was removed, because its stream
// was deleted.
var errRetired = errors.New("the buffer was removed")

// buffer is what a stream has gathered, on disk.
type buffer struct {
	directory  string
	definition definition
	// delivering holds one element while files are delivered: one delivery at a time.
	delivering chan struct{}

	mu      sync.Mutex
	file    *os.File  // nil: to be opened
	size    int64     // of the records in it
	excess  bool      // the file may have more than size, of a record that failed
	since   time.Time // of the first record in it
	waiting []string  // closed files, the oldest first
	deleted time.Time // when the stream was seen to be deleted; zero: it is there
	retired bool
	pause   time.Duration // after a failed delivery
	until   time.Time     // end of the pause
}

// openBuffer opens a buffer, which may have records from before.
func openBuffer(directory string, k kept, now time.Time) (*buffer, error) {
	if err := makeDirectories(directory); err != nil {
		return nil, err
	}
	b := &buffer{directory: directory, definition: k.definition, deleted: k.Deleted, delivering: make(chan struct{}, 1)}
	entries, err := os.ReadDir(directory)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if _, _, err := closedFile(e.Name()); err == nil {
			b.waiting = append(b.waiting, e.Name())
		}
	}
	slices.Sort(b.waiting)
	if !slices.ContainsFunc(entries, func(e os.DirEntry) bool { return e.Name() == definitionName }) {
		if err := k.write(directory); err != nil {
			return nil, err
		}
	}
	if slices.ContainsFunc(entries, func(e os.DirEntry) bool { return e.Name() == openName }) {
		if err := b.open(now); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// closedFile reads the name of a closed file: when its first record came, and its ID.
func closedFile(name string) (since time.Time, id string, err error) {
	stamp, id, ok := strings.Cut(strings.TrimSuffix(name, closedName), "-")
	if !ok || !strings.HasSuffix(name, closedName) {
		return since, id, fmt.Errorf("%s is not the name of a closed file", name)
	}
	since, err = time.Parse(closedLayout, stamp)
	return since, id, err
}

// open opens the file that records are appended to, with those that it has.
func (b *buffer) open(now time.Time) error {
	file, err := os.OpenFile(filepath.Join(b.directory, openName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	size, err := prepare(file)
	if err == nil {
		err = syncDirectory(b.directory)
	}
	if err != nil {
		return errors.Join(err, file.Close())
	}
	if size == 0 || b.since.IsZero() {
		b.since = now
	}
	b.file, b.size, b.excess = file, size, false
	return nil
}

// prepare cuts off the last record where it is not whole, which nobody was told is
// there, and goes to the end.
func prepare(file *os.File) (size int64, err error) {
	info, err := file.Stat()
	if err != nil {
		return 0, err
	}
	if size, err = wholeLines(file, info.Size()); err != nil {
		return 0, err
	}
	if err := file.Truncate(size); err != nil {
		return 0, err
	}
	_, err = file.Seek(size, 0)
	return size, err
}

// add appends records, a line each, and closes the file where it is full. They are
// durable when it returns nil; with an error none of them is there.
func (b *buffer) add(records [][]byte, now time.Time) (bytes int, err error) {
	var text []byte
	for _, r := range records {
		text = append(text, r...)
		if len(r) == 0 || r[len(r)-1] != '\n' {
			text = append(text, '\n')
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.retired {
		return 0, errRetired
	}
	if b.file == nil {
		if err := b.open(now); err != nil {
			return 0, err
		}
	}
	if err := b.trim(); err != nil {
		return 0, err
	}
	if b.size == 0 {
		b.since = now
	}
	if _, err = b.file.Write(text); err == nil {
		err = b.file.Sync()
	}
	if err != nil {
		b.excess = true
		return 0, errors.Join(err, b.trim())
	}
	if b.size += int64(len(text)); b.size >= b.definition.Stream.BufferBytes {
		// The records are kept, whatever comes of this: what is due is closed later too.
		_ = b.closeFile()
	}
	return len(text), nil
}

// trim takes away what a failed write may have left.
func (b *buffer) trim() error {
	if !b.excess {
		return nil
	}
	if err := b.file.Truncate(b.size); err != nil {
		return err
	}
	if _, err := b.file.Seek(b.size, 0); err != nil {
		return err
	}
	b.excess = false
	return nil
}

// closeDue closes the open file where it is full or old enough, or in any case where
// the stream was deleted.
func (b *buffer) closeDue(now time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	v := b.definition.Stream
	if b.deleted.IsZero() && b.size < v.BufferBytes && now.Sub(b.since) < v.BufferInterval {
		return nil
	}
	return b.closeFile()
}

// close closes the open file, if it has records, so that it waits to be delivered.
func (b *buffer) close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.closeFile()
}

func (b *buffer) closeFile() error {
	if b.file == nil || b.size == 0 {
		return nil
	}
	if err := b.trim(); err != nil {
		return err
	}
	name := b.since.UTC().Format(closedLayout) + "-" + uuid.NewString() + closedName
	if err := os.Rename(filepath.Join(b.directory, openName), filepath.Join(b.directory, name)); err != nil {
		return err
	}
	err := b.file.Close()
	b.file, b.size, b.waiting = nil, 0, append(b.waiting, name)
	return errors.Join(err, syncDirectory(b.directory))
}

// closed are the files that wait to be delivered, the oldest first.
func (b *buffer) closed() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.waiting)
}

// remove removes a closed file.
func (b *buffer) remove(name string) error {
	if err := os.Remove(filepath.Join(b.directory, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting = slices.DeleteFunc(b.waiting, func(w string) bool { return w == name })
	return nil
}

// oldest is when the oldest record came that is not delivered yet; zero: there is none.
func (b *buffer) oldest() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.waiting) > 0 {
		since, _, _ := closedFile(b.waiting[0])
		return since
	}
	if b.size > 0 {
		return b.since
	}
	return time.Time{}
}

// delete notes that the stream was deleted, if that is not known yet.
func (b *buffer) delete(now time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.deleted.IsZero() || b.retired {
		return nil
	}
	if err := (kept{b.definition, now}).write(b.directory); err != nil {
		return err
	}
	b.deleted = now
	return nil
}

func (b *buffer) deletedSince() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.deleted
}

// retire removes a buffer that holds nothing. It takes no records afterwards.
func (b *buffer) retire() (bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.size > 0 || len(b.waiting) > 0 {
		return false, nil
	}
	b.retired = true
	var err error
	if b.file != nil {
		err = b.file.Close()
		b.file = nil
	}
	return true, errors.Join(err, os.RemoveAll(b.directory))
}

// failed makes the buffer pause, each time for longer.
func (b *buffer) failed(now time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pause = min(max(2*b.pause, pauseAtFirst), pauseAtMost)
	b.until = now.Add(b.pause)
	return b.pause
}

func (b *buffer) succeeded() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pause, b.until = 0, time.Time{}
}

func (b *buffer) paused(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return now.Before(b.until)
}

// release lets go of the open file, which stays as it is.
func (b *buffer) release() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.file == nil {
		return nil
	}
	err := errors.Join(b.trim(), b.file.Close())
	b.file, b.size = nil, 0
	return err
}
