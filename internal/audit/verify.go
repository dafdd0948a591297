package audit

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"
)

// Report is what Verify found.
type Report struct {
	Files       int
	Lines       uint64 // that follow one from another
	First, Last uint64 // their numbers
	Hash        string // of the last line: who keeps it elsewhere can tell later that nothing before was changed
}

// Broken is where a log is not what was written.
type Broken struct {
	File string // name, empty where it is the log as a whole
	Line int    // in the file, from 1; 0: the file as a whole
	Why  string

	cause error
}

func (b *Broken) Unwrap() error { return b.cause }

func (b *Broken) Error() string {
	switch {
	case b.File == "":
		return "the audit log: " + b.Why
	case b.Line == 0:
		return b.File + ": " + b.Why
	}
	return fmt.Sprintf("%s, line %d: %s", b.File, b.Line, b.Why)
}

// Verify reads a log from its oldest line to its newest and checks that each follows from
// the one before, that it begins behind what was deleted because of its age, and that
// nothing is missing at its end. The first that is not so is the error, a *Broken; the
// report is about what comes before. It may run beside the service that writes the log.
func Verify(directory string) (Report, error) {
	head, headed, err := readPlace(filepath.Join(directory, headFile))
	if err != nil {
		return Report{}, &Broken{File: headFile, Why: err.Error()}
	}
	anchor, _, err := readPlace(filepath.Join(directory, anchorFile))
	if err != nil {
		return Report{}, &Broken{File: anchorFile, Why: err.Error()}
	}
	files, err := logFiles(directory)
	if err != nil {
		return Report{}, err
	}
	if !headed {
		return Report{}, &Broken{File: headFile, Why: "it is missing"}
	}
	v := &verifier{head: head, anchor: anchor, at: anchor}
	if len(files) > 0 && files[0].first <= anchor.sequence {
		// A deletion was interrupted: what was to go is checked where it meets the anchor.
		v.at, v.begin = end{}, true
	}
	for i, f := range files {
		if err := v.file(directory, f, i == len(files)-1); err != nil {
			return v.report, err
		}
	}
	v.report.Hash = v.at.hash.String()
	if v.at.sequence < head.sequence {
		return v.report, &Broken{Why: fmt.Sprintf("the lines %d to %d are missing at its end", v.at.sequence+1, head.sequence)}
	}
	return v.report, nil
}

type verifier struct {
	head, anchor end
	at           end
	begin        bool // the next line is taken as the first
	report       Report
}

// tornRetries is how often a last line that has no end is looked at again, because it
// may just be being written.
const (
	tornRetries = 5
	tornPause   = 100 * time.Millisecond
)

func (v *verifier) file(directory string, f logFile, last bool) error {
	for try := 0; ; try++ {
		before := *v
		err := v.read(directory, f)
		if last && try < tornRetries && errors.Is(err, errTorn) {
			*v = before
			time.Sleep(tornPause)
			continue
		}
		return err
	}
}

func (v *verifier) read(directory string, f logFile) (err error) {
	content, err := f.open(directory)
	if err != nil {
		return &Broken{File: f.name, Why: err.Error()}
	}
	defer func() { err = errors.Join(err, content.Close()) }()
	v.report.Files++
	err = lines(content, func(n int, text []byte, err error) error {
		if err == nil {
			err = v.line(f, n, text)
		}
		if err != nil {
			return &Broken{File: f.name, Line: n, Why: err.Error(), cause: err}
		}
		return nil
	})
	return err
}

func (v *verifier) line(f logFile, n int, text []byte) error {
	if v.begin {
		line, err := parseLine(text)
		if err != nil {
			return err
		}
		if v.at, err = (place{Sequence: line.Sequence - 1, Hash: line.Previous}).end(); err != nil {
			return err
		}
		v.begin = false
	}
	if n == 1 && f.first != v.at.sequence+1 {
		return fmt.Errorf("the file begins with line number %d, where %d is expected: a file is missing", f.first, v.at.sequence+1)
	}
	_, next, err := v.at.follow(text)
	if err != nil {
		return err
	}
	for _, known := range []end{v.anchor, v.head} {
		if next.sequence == known.sequence && next.hash != known.hash {
			return errors.New("it is not the line that was written there")
		}
	}
	if v.at = next; v.report.First == 0 {
		v.report.First = next.sequence
	}
	v.report.Lines, v.report.Last = v.report.Lines+1, next.sequence
	return nil
}

// Read gives the lines of a log from its oldest to its newest, without checking them.
func Read(directory string, each func(Line) error) error {
	files, err := logFiles(directory)
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := readFile(directory, f, each); err != nil {
			return err
		}
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
