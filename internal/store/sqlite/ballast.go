package sqlite

import (
	"errors"
	"fmt"
	"os"
	"time"

	"heliograph/internal/store"
)

// ballast is a file that does nothing but take room. When the disk is full it goes,
// and what becomes of the messages that were accepted can still be written. New
// messages are taken only while it is there.
//
// It is used under Engine.mu.
type ballast struct {
	path  string
	bytes int64 // 0: there is none, and nothing depends on it
	there bool
	next  time.Time // to try to take the room again
}

// ballastPause is the time between two attempts to take the room again.
const ballastPause = time.Second

// take makes the file where it is missing and a quarter more than its size is free,
// and reports whether it is there.
func (b *ballast) take(now time.Time) bool {
	if b.there || b.bytes == 0 {
		return true
	}
	if now.Before(b.next) {
		return false
	}
	b.next = now.Add(ballastPause)
	if info, err := os.Stat(b.path); err == nil && info.Size() == b.bytes {
		b.there = true
		return true
	}
	file, err := os.OpenFile(b.path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return false
	}
	// More than what it is: else the room that it leaves when it goes would be taken
	// for room again.
	err = allocate(file, b.bytes+b.bytes/4)
	if err == nil {
		err = file.Truncate(b.bytes)
	}
	if err := errors.Join(err, file.Close()); err != nil {
		_ = os.Remove(b.path) // it takes room that others need more
		return false
	}
	b.there = true
	return true
}

// give removes the file, and reports whether that has made room.
func (b *ballast) give(now time.Time) bool {
	if !b.take(now) || b.bytes == 0 {
		return false
	}
	b.there, b.next = false, time.Time{}
	return os.Remove(b.path) == nil
}

// fill writes so many octets, where room cannot be taken otherwise.
func fill(file *os.File, bytes int64) error {
	chunk := make([]byte, 1<<20)
	for bytes > 0 {
		n, err := file.Write(chunk[:min(bytes, int64(len(chunk)))])
		if err != nil {
			return err
		}
		bytes -= int64(n)
	}
	return nil
}

// applyRest applies the changes that take nothing new, neither messages nor log lines
// nor what somebody published, and fails the others.
func (e *Engine) applyRest(f store.Fence, changes []*store.Change) error {
	full := fmt.Errorf("%w: new messages wait until there is room for what becomes of the others", store.ErrFull)
	var rest, refused []*store.Change
	for _, c := range changes {
		if len(c.Accept)+len(c.Logs)+len(c.Append) > 0 {
			refused = append(refused, c)
		} else {
			rest = append(rest, c)
		}
	}
	if len(rest) == 0 {
		return full
	}
	if err := e.apply(f, rest); err != nil {
		return err
	}
	for _, c := range refused {
		c.Events, c.Err = nil, full
	}
	return nil
}
