package sim

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"heliograph/internal/sms"
)

// journal is the file of receipts that are owed. A line "+ id due status
// destination" adds one (due in Unix milliseconds), "- id" takes it off. Lines
// are handed to the operating system before a part is accepted and not synced:
// they outlive the process, not a power cut.
type journal struct {
	path string
	file *os.File
	size int64 // octets that are whole lines
}

const (
	minCompact  = 1 << 20 // octets below which a journal is left as it is
	lineOctets  = 64      // about the length of an added line
	maxLine     = 1 << 16 // far more than a line has
	journalMode = 0o600   // it holds phone numbers
)

// openJournal reads what is owed at path, which need not exist, and rewrites it.
// A line that cannot be read, such as the torn last one of a crash, is passed
// over and logged.
func openJournal(path string, log *slog.Logger) (*journal, []*owed, error) {
	owing, unreadable, err := readJournal(path)
	if err != nil {
		return nil, nil, fmt.Errorf("simulator journal %s: %w", path, err)
	}
	if unreadable > 0 {
		log.Warn("simulator journal: lines were not readable and are left out", "path", path, "lines", unreadable)
	}
	j := &journal{path: path}
	if err := j.compact(owing); err != nil {
		return nil, nil, err
	}
	return j, owing, nil
}

func readJournal(path string) (owing []*owed, unreadable int, err error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	defer file.Close()
	byID := map[string]*owed{}
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		r, taken, ok := parseLine(lines.Text())
		switch {
		case !ok:
			unreadable++
		case taken:
			byID[r.id] = r
			owing = append(owing, r)
		default:
			delete(byID, r.id)
		}
	}
	left := owing[:0]
	for _, r := range owing {
		if byID[r.id] == r {
			left = append(left, r)
		}
	}
	return left, unreadable, lines.Err()
}

func appendOwed(b []byte, r *owed) []byte {
	b = append(append(b, "+ "...), r.id...)
	b = strconv.AppendInt(append(b, ' '), r.due.UnixMilli(), 10)
	b = append(append(b, ' '), r.status...)
	b = append(append(b, ' '), r.destination...)
	return append(b, '\n')
}

func appendSettled(b []byte, id string) []byte {
	return append(append(append(b, "- "...), id...), '\n')
}

// parseLine reads one line; added tells the two kinds apart.
func parseLine(line string) (r *owed, added, ok bool) {
	f := strings.SplitN(line, " ", 5)
	switch {
	case len(f) == 2 && f[0] == "-" && validID(f[1]):
		return &owed{id: f[1]}, false, true
	case len(f) == 5 && f[0] == "+" && validID(f[1]):
		due, err := strconv.ParseInt(f[2], 10, 64)
		status := sms.Status(f[3])
		return &owed{id: f[1], due: time.UnixMilli(due), status: status, destination: f[4]}, true,
			err == nil && slices.Contains(receiptStatuses, status)
	}
	return nil, false, false
}

func validID(id string) bool {
	_, err := strconv.ParseUint(id, 16, 64)
	return err == nil && len(id) == idLength
}

// append writes whole lines, or none.
func (j *journal) append(lines []byte) error {
	if j == nil || len(lines) == 0 {
		return nil
	}
	if _, err := j.file.WriteAt(lines, j.size); err != nil {
		return fmt.Errorf("simulator journal: %w", err)
	}
	j.size += int64(len(lines))
	return nil
}

// outgrown reports whether most of the file is about receipts no longer owed.
func (j *journal) outgrown(owing int) bool {
	return j != nil && j.size > minCompact && j.size > 4*lineOctets*int64(owing)
}

// compact replaces the file by one that holds only what is owed.
func (j *journal) compact(owing []*owed) error {
	var b []byte
	for _, r := range owing {
		b = appendOwed(b, r)
	}
	next := j.path + ".new"
	file, err := os.OpenFile(next, os.O_RDWR|os.O_CREATE|os.O_TRUNC, journalMode)
	if err != nil {
		return fmt.Errorf("simulator journal: %w", err)
	}
	if _, err = file.Write(b); err == nil {
		err = os.Rename(next, j.path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("simulator journal: %w", err), file.Close())
	}
	if j.file != nil {
		j.file.Close() // replaced: what it held is in the new one
	}
	j.file, j.size = file, int64(len(b))
	return nil
}

func (j *journal) close() error {
	if j == nil {
		return nil
	}
	return j.file.Close()
}
