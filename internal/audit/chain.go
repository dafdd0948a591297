package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Line is a line of the log.
type Line struct {
	Sequence uint64          `json:"sequence"` // from 1, without gaps, over all files
	Previous string          `json:"previous"` // SHA-256 of the line before, without its end, in hexadecimal digits
	Record   json.RawMessage `json:"record"`
}

// hash is what the next line has of a line.
type hash [sha256.Size]byte

func (h hash) String() string { return hex.EncodeToString(h[:]) }

// end is a place between two lines: behind the one of this number. The zero end is
// before the first.
type end struct {
	sequence uint64
	hash     hash
}

// line makes the line that follows and gives the end behind it.
func (e end) line(record []byte) ([]byte, end) {
	text := encodeLine(Line{Sequence: e.sequence + 1, Previous: e.hash.String(), Record: record})
	return text, end{e.sequence + 1, sha256.Sum256(text)}
}

// follow checks that a line follows.
func (e end) follow(text []byte) (Line, end, error) {
	line, err := parseLine(text)
	if err == nil {
		err = e.precedes(line)
	}
	if err != nil {
		return Line{}, e, err
	}
	return line, line.end(text), nil
}

// precedes checks that a line follows.
func (e end) precedes(line Line) error {
	switch {
	case line.Sequence != e.sequence+1:
		return fmt.Errorf("its number is %d, where %d is expected", line.Sequence, e.sequence+1)
	case line.Previous != e.hash.String():
		return errors.New("it does not follow from the line before: one of them was changed")
	}
	return nil
}

// end is the place behind a line, which is written as text.
func (l Line) end(text []byte) end { return end{l.Sequence, sha256.Sum256(text)} }

func parseLine(text []byte) (l Line, err error) {
	in := json.NewDecoder(bytes.NewReader(text))
	in.DisallowUnknownFields()
	if err := in.Decode(&l); err != nil {
		return Line{}, fmt.Errorf("it is no line of the log: %w", err)
	}
	if !bytes.Equal(encodeLine(l), text) {
		return Line{}, errors.New("it is not written as lines of the log are")
	}
	return l, nil
}

// place is an end as the files head and anchor have it.
type place struct {
	Sequence uint64    `json:"sequence"`
	Hash     string    `json:"hash"`
	At       time.Time `json:"at,omitzero"`
}

func (e end) place(at time.Time) place { return place{e.sequence, e.hash.String(), at.UTC()} }

func (p place) end() (e end, err error) {
	raw, err := hex.DecodeString(p.Hash)
	if err != nil || len(raw) != len(e.hash) {
		return end{}, errors.New("its hash is none")
	}
	e.sequence = p.Sequence
	copy(e.hash[:], raw)
	return e, nil
}
