package trace

import (
	"encoding/hex"
	"net/http"
)

// parent is the span of a client in which it makes a request: what the headers
// traceparent and tracestate say (W3C Trace Context, chapter 3).
type parent struct {
	trace   [16]byte
	span    [8]byte
	sampled bool
	state   string
}

// maxState is how many octets of a tracestate are passed on (W3C Trace Context,
// "tracestate Limits": at least 512). A longer one is left out whole.
const maxState = 512

// parentOf reads the client's span. ok is false where the request names none, or
// in a way that cannot be read: it is then as if it named none.
func parentOf(h http.Header) (p parent, ok bool) {
	values := h["Traceparent"]
	if len(values) != 1 || !p.read(values[0]) {
		return parent{}, false
	}
	if state := h["Tracestate"]; len(state) == 1 && len(state[0]) <= maxState {
		p.state = state[0]
	}
	return p, true
}

// Where the members of a traceparent are: version-trace-span-flags.
const (
	traceAt    = 3
	spanAt     = traceAt + 32 + 1
	flagsAt    = spanAt + 16 + 1
	parentSize = flagsAt + 2
)

// read takes version 00, and of later ones what version 00 has.
func (p *parent) read(text string) bool {
	if len(text) < parentSize || text[2] != '-' || text[spanAt-1] != '-' || text[flagsAt-1] != '-' {
		return false
	}
	var version, flags [1]byte
	if !lowerHex(version[:], text[:2]) || !lowerHex(p.trace[:], text[traceAt:spanAt-1]) ||
		!lowerHex(p.span[:], text[spanAt:flagsAt-1]) || !lowerHex(flags[:], text[flagsAt:parentSize]) {
		return false
	}
	rest := text[parentSize:]
	if version[0] == 0xff || version[0] == 0 && rest != "" || rest != "" && rest[0] != '-' {
		return false
	}
	p.sampled = flags[0]&1 != 0
	return p.trace != [16]byte{} && p.span != [8]byte{}
}

// lowerHex decodes what has no capitals, which are not allowed there.
func lowerHex(dst []byte, text string) bool {
	for i := range len(text) {
		if 'A' <= text[i] && text[i] <= 'F' {
			return false
		}
	}
	var packed [32]byte
	n := copy(packed[:], text)
	_, err := hex.Decode(dst, packed[:n])
	return err == nil
}
