package local

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"heliograph/internal/store"
)

// maxLine bounds a line; events are far below it.
const maxLine = 1 << 20

// stream reads the files of one event destination in order, from the oldest one,
// following rotation. It gives whole lines only.
type stream struct {
	directory, name string
	sealer          store.Sealer
	about           []byte // of its lines

	file   *os.File
	info   fs.FileInfo // of file
	full   bool        // file is known to be written no more
	offset int64       // in file, behind the last line given
	buffer []byte      // read from offset on
	used   int         // of buffer, the lines given

	line []byte // the next line to give
	at   int64  // its eventTimestamp, milliseconds
}

// next reads the next line into s.line. It is false when there is none now.
func (s *stream) next() (bool, error) {
	for {
		if s.file == nil {
			if opened, err := s.open(); err != nil || !opened {
				return false, err
			}
		}
		if found, err := s.scan(); err != nil || found {
			return found, err
		}
		// At the end. What was appended between the end seen and the rotation
		// seen has to be read before going on to the next file.
		if s.full {
			moved, err := s.move()
			if err != nil || !moved {
				return false, err
			}
			continue
		}
		active, err := os.Stat(filepath.Join(s.directory, s.name+extension))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return false, err
		}
		if err == nil && os.SameFile(active, s.info) {
			return false, nil
		}
		s.full = true
	}
}

// scan finds the next line in the buffer, or reads more.
func (s *stream) scan() (bool, error) {
	for {
		rest := s.buffer[s.used:]
		if end := bytes.IndexByte(rest, '\n'); end >= 0 {
			s.used, s.offset = s.used+end+1, s.offset+int64(end)+1
			line, err := openLine(s.sealer, rest[:end], s.about)
			if err != nil {
				return false, fmt.Errorf("%s: before byte %d: %w", s.file.Name(), s.offset, err)
			}
			s.line = line
			s.at = timestamp(s.line)
			return true, nil
		}
		if len(rest) > maxLine {
			return false, fmt.Errorf("%s: the line at byte %d is longer than %d bytes", s.file.Name(), s.offset, maxLine)
		}
		// The unfinished line is read anew: its writer may have cut it off.
		size := max(64<<10, 2*len(rest))
		if cap(s.buffer) < size {
			s.buffer = make([]byte, size)
		}
		n, err := s.file.ReadAt(s.buffer[:size], s.offset)
		s.buffer, s.used = s.buffer[:n], 0
		if err != nil && err != io.EOF {
			return false, err
		}
		if bytes.IndexByte(s.buffer, '\n') < 0 && n < size {
			s.buffer = s.buffer[:0]
			return false, nil
		}
	}
}

// timestamp finds a line's eventTimestamp, or the time that is in the UUIDv7 of a
// message from a handset; 0 where it has neither.
func timestamp(line []byte) int64 {
	_, rest, found := bytes.Cut(line, []byte(`"eventTimestamp":`))
	if !found {
		return inboundTime(line)
	}
	end := 0
	for end < len(rest) && rest[end] >= '0' && rest[end] <= '9' {
		end++
	}
	at, err := strconv.ParseInt(string(rest[:end]), 10, 64)
	if err != nil {
		return 0
	}
	return at
}

// inboundTime is when the message of a two-way payload came.
func inboundTime(line []byte) int64 {
	_, id, found := bytes.Cut(line, []byte(`"inboundMessageId":"`))
	if !found || len(id) < 13 {
		return 0
	}
	at, err := strconv.ParseInt(string(id[:8])+string(id[9:13]), 16, 64)
	if err != nil {
		return 0
	}
	return at
}

// open opens the oldest file.
func (s *stream) open() (bool, error) {
	return s.take(func([]listed) int { return 0 })
}

// move goes on to the file after the full one, or to the oldest if that one was
// deleted. It is false while the next one is not made yet.
func (s *stream) move() (bool, error) {
	return s.take(func(files []listed) int {
		for i, f := range files {
			if os.SameFile(f.info, s.info) {
				return i + 1
			}
		}
		return 0
	})
}

type listed struct {
	path string
	info fs.FileInfo
}

// take opens one of the files that there are. It is false if there is no such
// file.
func (s *stream) take(choose func([]listed) int) (bool, error) {
	for {
		files, err := s.list()
		if err != nil {
			return false, err
		}
		choice := choose(files)
		if choice >= len(files) {
			return false, nil
		}
		file, err := os.Open(files[choice].path)
		if errors.Is(err, fs.ErrNotExist) {
			continue // renamed or deleted since it was listed
		}
		if err != nil {
			return false, err
		}
		info, err := file.Stat()
		if err != nil {
			return false, errors.Join(err, file.Close())
		}
		if !os.SameFile(info, files[choice].info) {
			if err := file.Close(); err != nil {
				return false, err
			}
			continue // another file has its name by now
		}
		if err := s.close(); err != nil {
			return false, errors.Join(err, file.Close())
		}
		s.file, s.info, s.full = file, info, false
		s.offset, s.buffer, s.used = 0, s.buffer[:0], 0
		return true, nil
	}
}

// list gives the files that there are, oldest first, as they were at one moment:
// a rotation gives a new number, so equal numbers before and after mean none.
func (s *stream) list() ([]listed, error) {
	numbers, err := numbered(s.directory, s.name)
	for {
		if err != nil {
			return nil, err
		}
		var files []listed
		for i := 0; i <= len(numbers); i++ {
			path := filepath.Join(s.directory, s.name+extension)
			if i < len(numbers) {
				path = filepath.Join(s.directory, fileName(s.name, numbers[i]))
			}
			info, err := os.Stat(path)
			if err == nil {
				files = append(files, listed{path, info})
			} else if !errors.Is(err, fs.ErrNotExist) {
				return nil, err
			}
		}
		before := numbers
		if numbers, err = numbered(s.directory, s.name); err == nil && slices.Equal(before, numbers) {
			return files, nil
		}
	}
}

func (s *stream) close() error {
	if s.file == nil {
		return nil
	}
	file := s.file
	s.file = nil
	return file.Close()
}
