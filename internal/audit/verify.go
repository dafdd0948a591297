package audit

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"time"
)

// Report is what Verify found.
type Report struct {
	Files       int
	Lines       uint64 // that follow one from another
	First, Last uint64 // number of the first, and of the last
	Hash        string // of the last line: who keeps it elsewhere can tell later that nothing before was changed
}

// Broken is a place where a log is not what was written.
type Broken struct {
	File string // name, empty where it is the log as a whole
	Line int    // in the file, from 1; 0: the file as a whole
	Why  string
}

func (b *Broken) Error() string {
	switch {
	case b.File == "":
		return "the audit log: " + b.Why
	case b.Line == 0:
		return b.File + ": " + b.Why
	}
	return fmt.Sprintf("%s, line %d: %s", b.File, b.Line, b.Why)
}

// Breaks are all places where a log is not what was written, from its oldest line to its
// newest.
type Breaks []*Broken

// Error gives each a line.
func (b Breaks) Error() string {
	all := make([]string, len(b))
	for i := range b {
		all[i] = b[i].Error()
	}
	return strings.Join(all, "\n")
}

// Unwrap gives them one by one.
func (b Breaks) Unwrap() []error {
	all := make([]error, len(b))
	for i := range b {
		all[i] = b[i]
	}
	return all
}

// Verify reads a log from its oldest line to its newest and checks that each follows from
// the one before, that it begins behind what was deleted because of its age, and that
// nothing is missing at its end. Where that is not so the error is Breaks: behind each the
// lines are checked on, from the next that is one. It may run beside the service that
// writes the log.
func Verify(directory string) (Report, error) {
	v := &verifier{directory: directory}
	var headed bool
	var err error
	if v.head, headed, err = readPlace(filepath.Join(directory, headFile)); err != nil {
		v.broken(headFile, 0, err.Error())
	}
	files, err := logFiles(directory)
	if err != nil {
		return Report{}, err
	}
	if !headed && len(v.breaks) == 0 {
		v.broken(headFile, 0, "it is missing")
	}
	if v.anchor, _, err = readPlace(filepath.Join(directory, anchorFile)); err != nil {
		v.broken(anchorFile, 0, err.Error())
		v.begin = true
	}
	v.all(files)
	if v.at.sequence < v.head.sequence {
		v.broken("", 0, fmt.Sprintf("the lines %d to %d are missing at its end", v.at.sequence+1, v.head.sequence))
	}
	if len(v.breaks) > 0 {
		return v.report, v.breaks
	}
	v.report.Hash = v.at.hash.String()
	return v.report, nil
}

type verifier struct {
	directory    string
	head, anchor end
	at           end
	begin        bool // the next line is taken as the first
	lost         bool // so it is, and what is wrong before it is among the breaks
	report       Report
	breaks       Breaks
}

func (v *verifier) broken(file string, line int, why string) {
	v.breaks = append(v.breaks, &Broken{file, line, why})
}

// all checks the files, from the anchor on.
func (v *verifier) all(files []logFile) {
	v.start(files)
	for len(files) > 0 {
		f := files[0]
		if v.file(f, len(files) == 1) {
			files = files[1:]
			continue
		}
		var err error
		if files, err = filesFrom(v.directory, f); err != nil {
			v.broken(f.name, 0, err.Error())
			return
		}
		if len(files) == 0 || files[0].first != f.first {
			v.gone(f, files)
		}
	}
}

// start has the next line follow from the anchor.
func (v *verifier) start(files []logFile) {
	v.at = v.anchor
	if len(files) > 0 && files[0].first <= v.anchor.sequence {
		// A deletion was interrupted: what was to go is checked where it meets the anchor.
		v.begin = true
	}
}

// gone goes on with the files behind one that was there, and is not any more: because of
// its age, as the anchor has to say then.
func (v *verifier) gone(f logFile, files []logFile) {
	anchor, _, err := readPlace(filepath.Join(v.directory, anchorFile))
	switch {
	case err != nil:
		v.broken(anchorFile, 0, err.Error())
		v.lost = true
	case anchor.sequence < f.first:
		v.broken(f.name, 0, "it was removed")
		v.lost = true
	default:
		v.anchor = anchor
		v.start(files)
	}
}

const (
	// tornRetries is how often a last line that has no end is looked at again, because it
	// may just be being written.
	tornRetries = 5
	tornPause   = 100 * time.Millisecond
	// maxBroken is how many places of a file are named.
	maxBroken = 100
)

// file checks a file. ok is false where it is not there any more.
func (v *verifier) file(f logFile, last bool) (ok bool) {
	for try := 0; ; try++ {
		before := *v
		torn, ok := v.read(f)
		if !ok || !torn || !last || try == tornRetries {
			return ok
		}
		*v = before
		time.Sleep(tornPause)
	}
}

var errRest = errors.New("the rest of the file is left out")

// read checks a file, and reports whether its last line has no end. ok is false where it
// is not there.
func (v *verifier) read(f logFile) (torn, ok bool) {
	content, err := f.open(v.directory)
	if errors.Is(err, fs.ErrNotExist) {
		return false, false
	}
	if err != nil {
		v.broken(f.name, 0, err.Error())
		v.lost = true
		return false, true
	}
	defer content.Close() // it was only read
	v.report.Files++
	before := len(v.breaks)
	_ = lines(content, func(n int, text []byte, bad error) error { // what is wrong is among the breaks
		if bad != nil {
			v.broken(f.name, n, bad.Error())
			v.lost, torn = true, errors.Is(bad, errTorn)
			return errRest
		}
		if len(v.breaks)-before == maxBroken {
			v.broken(f.name, n, "there was too much before; "+errRest.Error())
			v.lost = true
			return errRest
		}
		v.line(f, n, text)
		return nil
	})
	return torn, true
}

// line checks a line, and goes on behind it.
func (v *verifier) line(f logFile, n int, text []byte) {
	line, err := parseLine(text)
	own, bad := place{Sequence: line.Sequence - 1, Hash: line.Previous}.end()
	if err == nil {
		err = bad
	}
	if err != nil {
		if !v.lost {
			v.broken(f.name, n, err.Error())
		}
		v.lost = true
		return
	}
	before, lost := v.at, v.lost
	if v.begin || v.lost {
		before, v.begin, v.lost = own, false, false
	}
	if n == 1 && f.first != before.sequence+1 {
		err = fmt.Errorf("the file begins with line number %d, where %d is expected: a file is missing", f.first, before.sequence+1)
	} else {
		err = before.precedes(line)
	}
	v.at = line.end(text)
	for _, known := range []end{v.anchor, v.head} {
		if err == nil && v.at.sequence == known.sequence && v.at.hash != known.hash {
			err = errors.New("it is not the line that was written there")
		}
	}
	if err != nil {
		v.broken(f.name, n, err.Error()+told(line))
		return
	}
	if v.report.First == 0 {
		v.report.First = line.Sequence
	}
	if v.report.Last = line.Sequence; !lost {
		v.report.Lines++
	}
}

// told says whether a line behind a break is the log's own record of it.
func told(line Line) string {
	var r Record
	if json.Unmarshal(line.Record, &r) == nil && r.EventSource == sourceLog && r.EventName == damaged {
		return "; the service found that as it was started: this is its record of it, " + damaged
	}
	return ""
}
