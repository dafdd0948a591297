package audit

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// Read gives the lines of a log from its oldest to its newest, without checking them.
func Read(directory string, each func(Line) error) error {
	files, err := logFiles(directory)
	if err != nil {
		return err
	}
	return readFiles(directory, files, each)
}

func readFiles(directory string, files []logFile, each func(Line) error) error {
	for len(files) > 0 {
		f := files[0]
		err := readFile(directory, f, each)
		if errors.Is(err, fs.ErrNotExist) {
			if files, err = filesFrom(directory, f); err != nil {
				return fmt.Errorf("%s: %w", f.name, err)
			}
			continue
		}
		if err != nil {
			return err
		}
		files = files[1:]
	}
	return nil
}

func readFile(directory string, f logFile, each func(Line) error) (err error) {
	content, err := f.open(directory)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, content.Close()) }()
	err = lines(content, func(n int, text []byte, err error) error {
		if errors.Is(err, errTorn) {
			return io.EOF // it may be being written
		}
		line, bad := parseLine(text)
		if err = errors.Join(err, bad); err != nil {
			return &Broken{File: f.name, Line: n, Why: err.Error()}
		}
		return each(line)
	})
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
