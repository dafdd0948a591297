package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sync"

	"heliograph/internal/destination"
	"heliograph/internal/store"
)

// Log is a directory of event files. One process writes it.
type Log struct {
	directory string
	size      int64
	files     int
	sealer    store.Sealer
	buffers   sync.Pool // of *[]byte, empty, bufferSize large
}

// bufferSize is how much is written to a file at once.
const bufferSize = 64 << 10

// Options bound what a Log keeps of each event destination.
type Options struct {
	FileBytes int64 // size from which a file is full; 0: 64 MiB
	Files     int   // files of one event destination, at least 2; 0: 16
	// Sealer encrypts the lines of events that are messages themselves; nil: nothing is.
	Sealer store.Sealer
}

// New makes a Log in a directory, which need not exist.
func New(directory string, o Options) *Log {
	if o.FileBytes <= 0 {
		o.FileBytes = 64 << 20
	}
	if o.Files == 0 {
		o.Files = 16
	}
	return &Log{directory: directory, size: o.FileBytes, files: max(o.Files, 2), sealer: o.Sealer}
}

// safe is what names of accounts, configuration sets and event destinations look
// like, safeSet what those of other sets of events do, such as two-way:phone-1. Nothing
// else becomes part of a path.
var (
	safe    = regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`)
	safeSet = regexp.MustCompile(`^([a-z-]{1,16}:)?[A-Za-z0-9_-]{1,128}$`)
)

// Publisher writes the events of one event destination. There must be one writer
// at a time for each.
type Publisher struct {
	log       *Log
	directory string
	name      string
	about     []byte // of lines that are sealed; nil: they are not
}

// Publisher gives the writer of an event destination.
func (l *Log) Publisher(account, configurationSet, name string) (*Publisher, error) {
	for i, part := range []string{account, name, configurationSet} {
		if !safe.MatchString(part) && (i < 2 || !safeSet.MatchString(part)) {
			return nil, fmt.Errorf("%q cannot be part of a file name: letters, digits, _ and - are allowed", part)
		}
	}
	p := &Publisher{log: l, directory: filepath.Join(l.directory, account, configurationSet), name: name}
	if l.sealer != nil && private(configurationSet) {
		p.about = aboutLine(account, configurationSet, name)
	}
	return p, nil
}

// Publish appends the batch and returns when it is on disk. A batch goes into one
// file. After an error some of it may be there nevertheless.
func (p *Publisher) Publish(ctx context.Context, batch []destination.Item) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := p.append(batch); err != nil {
		return fmt.Errorf("local event log: %w", err)
	}
	return nil
}

func (p *Publisher) append(batch []destination.Item) (err error) {
	if p.about != nil {
		sealed := make([]destination.Item, len(batch))
		for i := range batch {
			sealed[i].JSON = sealLine(p.log.sealer, batch[i].JSON, p.about)
		}
		batch = sealed
	}
	length := 0
	for i := range batch {
		length += len(batch[i].JSON) + 1
	}
	file, size, created, err := p.open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if size > 0 && size+int64(length) > p.log.size {
		if err := p.rotate(); err != nil {
			return err
		}
		full := file
		if file, _, created, err = p.open(); err != nil {
			file = full
			return err
		}
		if err := full.Close(); err != nil {
			return err
		}
	}
	if err := p.log.write(file, batch); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	if created {
		return syncDirectory(p.directory)
	}
	return nil
}

// write writes the events as lines.
func (l *Log) write(w io.Writer, batch []destination.Item) error {
	buffer, ok := l.buffers.Get().(*[]byte)
	if !ok {
		buffer = new(make([]byte, 0, bufferSize))
	}
	defer l.buffers.Put(buffer)
	lines := (*buffer)[:0]
	for i := range batch {
		line := batch[i].JSON
		if len(lines) > 0 && len(lines)+len(line)+1 > bufferSize {
			if _, err := w.Write(lines); err != nil {
				return err
			}
			lines = lines[:0]
		}
		lines = append(append(lines, line...), '\n')
	}
	_, err := w.Write(lines)
	return err
}

func (p *Publisher) path() string { return filepath.Join(p.directory, p.name+extension) }

// open opens the file for appending and cuts off a line that a crash or a full
// disk left unfinished.
func (p *Publisher) open() (file *os.File, size int64, created bool, err error) {
	file, err = os.OpenFile(p.path(), os.O_RDWR|os.O_APPEND, 0)
	if errors.Is(err, fs.ErrNotExist) {
		created = true
		if err = p.makeDirectory(); err == nil {
			file, err = os.OpenFile(p.path(), os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
		}
	}
	if err != nil {
		return nil, 0, false, err
	}
	size, err = wholeLines(file)
	if err != nil {
		return nil, 0, false, errors.Join(err, file.Close())
	}
	return file, size, created, nil
}

// makeDirectory makes the directory and lets it survive a crash.
func (p *Publisher) makeDirectory() error {
	if _, err := os.Stat(p.directory); err == nil {
		return nil
	}
	if err := os.MkdirAll(p.directory, 0o700); err != nil {
		return err
	}
	for _, d := range []string{filepath.Dir(p.directory), p.log.directory, filepath.Dir(p.log.directory)} {
		if err := syncDirectory(d); err != nil {
			return err
		}
	}
	return nil
}

// wholeLines gives the file's size after cutting off what follows the last line
// end.
func wholeLines(file *os.File) (int64, error) {
	info, err := file.Stat()
	if err != nil {
		return 0, err
	}
	size := info.Size()
	end := size
	buffer := make([]byte, 1)
	for end > 0 {
		n := min(int64(len(buffer)), end)
		if _, err := file.ReadAt(buffer[:n], end-n); err != nil && err != io.EOF {
			return 0, err
		}
		if i := bytes.LastIndexByte(buffer[:n], '\n'); i >= 0 {
			end += int64(i) + 1 - n
			break
		}
		end -= n
		buffer = make([]byte, 64<<10)
	}
	if end < size {
		if err := file.Truncate(end); err != nil {
			return 0, err
		}
	}
	return end, nil
}

// rotate gives the full file its number and deletes the oldest ones.
func (p *Publisher) rotate() error {
	old, err := numbered(p.directory, p.name)
	if err != nil {
		return err
	}
	number := 1
	if len(old) > 0 {
		number = old[len(old)-1] + 1
	}
	if err := os.Rename(p.path(), filepath.Join(p.directory, fileName(p.name, number))); err != nil {
		return err
	}
	old = append(old, number)
	for len(old) > p.log.files-1 {
		if err := os.Remove(filepath.Join(p.directory, fileName(p.name, old[0]))); err != nil {
			return err
		}
		old = old[1:]
	}
	return nil
}

func syncDirectory(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
