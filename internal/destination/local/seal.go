package local

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"heliograph/internal/store"
)

// A line of a set of events that are messages themselves, those of two-way channels,
// is sealed: it is a JSON object with one member, in base 64.
var (
	sealedBefore = []byte(`{"sealed":"`)
	sealedAfter  = []byte(`"}`)
)

// private reports whether the events of a set are messages themselves.
func private(set string) bool { return strings.Contains(set, ":") }

// aboutLine ties a line to its event destination.
func aboutLine(account, set, name string) []byte {
	return []byte("event line\x00" + account + "\x00" + set + "\x00" + name)
}

// sealLine is a line as it is written.
func sealLine(s store.Sealer, line, about []byte) []byte {
	sealed := s.Seal(nil, line, about)
	out := make([]byte, 0, len(sealedBefore)+base64.StdEncoding.EncodedLen(len(sealed))+len(sealedAfter))
	return append(base64.StdEncoding.AppendEncode(append(out, sealedBefore...), sealed), sealedAfter...)
}

// OpenLine is a line of the file of an event destination as it was before it was
// written, for who reads the file itself.
func OpenLine(s store.Sealer, account, set, name string, line []byte) ([]byte, error) {
	return openLine(s, line, aboutLine(account, set, name))
}

// openLine is a line as it was before it was written.
func openLine(s store.Sealer, line, about []byte) ([]byte, error) {
	text, found := bytes.CutPrefix(line, sealedBefore)
	if !found {
		return line, nil
	}
	if s == nil {
		return nil, errors.New("a line is encrypted, and there are no keys to open it")
	}
	sealed, err := base64.StdEncoding.AppendDecode(nil, bytes.TrimSuffix(text, sealedAfter))
	if err != nil {
		return nil, fmt.Errorf("an encrypted line: %w", err)
	}
	return s.Open(nil, sealed, about)
}
