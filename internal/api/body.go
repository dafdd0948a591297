package api

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
)

const (
	// maxBody is the longest body of a request, in bytes.
	maxBody = 1 << 20
	// maxDrained is how much of a longer body is read and thrown away, so that its
	// sender gets to read the answer.
	maxDrained = 16 << 20
	// maxPooled is the capacity above which a buffer is left to the garbage
	// collector.
	maxPooled = 64 << 10
)

// buffer is memory that is used again from request to request.
type buffer struct{ b []byte }

var buffers = sync.Pool{New: func() any { return &buffer{b: make([]byte, 0, 4<<10)} }}

func takeBuffer() *buffer { return buffers.Get().(*buffer) }

func (b *buffer) free() {
	if cap(b.b) <= maxPooled {
		b.b = b.b[:0]
		buffers.Put(b)
	}
}

// readBody reads a request's body of at most maxBody bytes. The buffer is never
// nil.
func readBody(r *http.Request) (*buffer, error) {
	buf := takeBuffer()
	if r.ContentLength > maxBody {
		if r.Header.Get("Expect") == "" {
			io.CopyN(io.Discard, r.Body, maxDrained)
		}
		return buf, tooLarge()
	}
	for {
		if len(buf.b) == cap(buf.b) {
			buf.b = append(buf.b, 0)[:len(buf.b)]
		}
		n, err := r.Body.Read(buf.b[len(buf.b):cap(buf.b)])
		buf.b = buf.b[:len(buf.b)+n]
		switch {
		case len(buf.b) > maxBody:
			io.CopyN(io.Discard, r.Body, maxDrained)
			return buf, tooLarge()
		case errors.Is(err, io.EOF):
			return buf, nil
		case err != nil:
			return buf, &refusal{codeSerialization, http.StatusBadRequest, "The body of the request could not be read to its end."}
		}
	}
}

func tooLarge() error {
	return &refusal{codeSerialization, http.StatusRequestEntityTooLarge, "The body of the request is longer than 1 MiB."}
}

// jsonType accepts the content types of the protocol with parameters, whatever
// their case.
func jsonType(contentType string) bool {
	t, _, _ := strings.Cut(contentType, ";")
	t = strings.TrimSpace(t)
	return strings.EqualFold(t, contentType10) || strings.EqualFold(t, contentType11)
}
