//go:build harness

package crash

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
)

// line is what the server logs, as far as it is looked at.
type line struct {
	Level   string `json:"level"`
	Message string `json:"msg"`
	ID      int64  `json:"message"`
	Part    int    `json:"part"`
	Detail  string `json:"detail"`
	Carrier string `json:"carrier"`
	Time    string `json:"time"`
}

const (
	sentAgain = "message part is sent again: the carrier's answer was lost"
	recovered = "the service ended while the part was in flight"
)

// stderr is what server processes write to their standard error. It reads every
// line, and keeps the last ones.
type stderr struct {
	t *testing.T

	mu    sync.Mutex
	rest  []byte
	last  []string
	lines []line // not read yet
}

func newStderr(t *testing.T) *stderr { return &stderr{t: t} }

const keptLines = 30

func (s *stderr) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rest = append(s.rest, p...)
	for {
		end := bytes.IndexByte(s.rest, '\n')
		if end < 0 {
			return len(p), nil
		}
		text := string(s.rest[:end])
		s.rest = s.rest[end+1:]
		var l line
		isLine := json.Unmarshal([]byte(text), &l) == nil
		s.keep(text, l.Message)
		if !isLine {
			if strings.HasPrefix(text, "panic:") || strings.HasPrefix(text, "fatal error:") {
				s.t.Errorf("the server panicked: %s", text)
			}
			continue
		}
		if strings.Contains(l.Message, "is not in the store") {
			s.t.Errorf("the server says: %s", text)
		}
		s.lines = append(s.lines, l)
	}
}

// keep keeps a line for tail, and of those that say the same the last few.
func (s *stderr) keep(text, message string) {
	same := func(l string) bool { return message != "" && strings.Contains(l, message) }
	if i := slices.IndexFunc(s.last, same); i >= 0 && slices.ContainsFunc(s.last[i+1:], same) || len(s.last) == keptLines {
		s.last = slices.Delete(s.last, max(i, 0), max(i, 0)+1)
	}
	s.last = append(s.last, text[:min(len(text), 400)])
}

// tail is the end of it.
func (s *stderr) tail() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.last, "\n")
}

// take gives the lines since the last call.
func (s *stderr) take() []line {
	s.mu.Lock()
	defer s.mu.Unlock()
	lines := s.lines
	s.lines = nil
	return lines
}
