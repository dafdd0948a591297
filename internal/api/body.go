package api

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"heliograph/internal/sms"
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

	// largeBody is the length from which a body counts as large, in bytes. Of large
	// bodies no more than largeBodies are in memory at once, or clients that nobody
	// knows could fill it: a body is read before its signature is verified. One more
	// waits for largeBodyWait. Bodies of more than maxBody, where a service takes them,
	// have places of their own.
	largeBody     = 16 << 10
	largeBodies   = 16
	longerBodies  = 4
	largeBodyWait = 5 * time.Second
)

// buffer is memory that is used again from request to request.
type buffer struct {
	b     []byte
	small []byte // while b is a large body's, what it was before
	large *room  // to give the large body's memory back to
}

var buffers = sync.Pool{New: func() any { return &buffer{b: make([]byte, 0, 4<<10)} }}

func takeBuffer() *buffer { return buffers.Get().(*buffer) }

func (b *buffer) free() {
	if b.large != nil {
		b.large.free(b.b)
		b.b, b.small, b.large = b.small, nil, nil
	}
	if cap(b.b) <= maxPooled {
		b.b = b.b[:0]
		buffers.Put(b)
	}
}

// bodies reads the bodies of requests.
type bodies struct {
	max   int     // bytes of a body
	rooms []*room // for large ones, those for longer ones last
}

// room is memory for large bodies.
type room struct {
	size   int           // bytes of a body, at most
	places chan struct{} // taken by bodies
	unused sync.Pool     // memory
	wait   time.Duration // for a place
}

// newBodies reads bodies of at most max bytes.
func newBodies(max int) *bodies {
	b := &bodies{max: max, rooms: []*room{newRoom(min(max, maxBody), largeBodies)}}
	if max > maxBody {
		b.rooms = append(b.rooms, newRoom(max, longerBodies))
	}
	return b
}

func newRoom(size, places int) *room {
	return &room{size: size, places: make(chan struct{}, places), wait: largeBodyWait}
}

// read reads a request's body. known refuses a request that is not to have the room of a
// large one. The buffer is never nil.
func (b *bodies) read(r *http.Request, known func() error) (*buffer, error) {
	buf := takeBuffer()
	if r.ContentLength > int64(b.max) {
		if r.Header.Get("Expect") == "" {
			io.CopyN(io.Discard, r.Body, maxDrained)
		}
		return buf, b.tooLarge()
	}
	for {
		if len(buf.b) == cap(buf.b) {
			if err := b.grow(r, buf, known); err != nil {
				if r.Header.Get("Expect") == "" {
					io.CopyN(io.Discard, r.Body, maxDrained)
				}
				return buf, err
			}
		}
		n, err := r.Body.Read(buf.b[len(buf.b):cap(buf.b)])
		buf.b = buf.b[:len(buf.b)+n]
		switch {
		case len(buf.b) > b.max:
			io.CopyN(io.Discard, r.Body, maxDrained)
			return buf, b.tooLarge()
		case errors.Is(err, io.EOF):
			return buf, nil
		case err != nil:
			return buf, &refusal{codeSerialization, http.StatusBadRequest, "The body of the request could not be read to its end."}
		}
	}
}

// grow makes room in a buffer that is full: as much again, or, for a large body, all
// that one of its length may have.
//
// Errors: those of known; Throttling where others hold all the room for large bodies.
func (b *bodies) grow(r *http.Request, buf *buffer, known func() error) error {
	if len(buf.b) < largeBody {
		buf.b = append(make([]byte, 0, min(2*cap(buf.b), largeBody)), buf.b...)
		return nil
	}
	if buf.large == nil {
		if err := known(); err != nil {
			return err
		}
	}
	to := b.rooms[len(b.rooms)-1]
	if max(int64(len(buf.b)), r.ContentLength) <= int64(b.rooms[0].size) {
		to = b.rooms[0]
	}
	if !to.place(r) {
		return sms.Throttled("Too many long requests are being read at the moment. Try again.")
	}
	memory, ok := to.unused.Get().(*[]byte)
	if !ok {
		memory = new(make([]byte, 0, to.size+1))
	}
	next := append(*memory, buf.b...)
	if buf.large != nil {
		buf.large.free(buf.b)
	} else {
		buf.small = buf.b
	}
	buf.b, buf.large = next, to
	return nil
}

// place takes a place for a large body, and waits for one where it has to.
func (o *room) place(r *http.Request) bool {
	select {
	case o.places <- struct{}{}:
		return true
	default:
	}
	timer := time.NewTimer(o.wait)
	defer timer.Stop()
	select {
	case o.places <- struct{}{}:
		return true
	case <-timer.C:
	case <-r.Context().Done():
	}
	return false
}

// free gives back a place and the memory of a large body.
func (o *room) free(memory []byte) {
	memory = memory[:0]
	o.unused.Put(&memory)
	<-o.places
}

func (b *bodies) tooLarge() error {
	size := fmt.Sprintf("%d MiB", b.max>>20)
	if b.max < 1<<20 {
		size = fmt.Sprintf("%d KiB", b.max>>10)
	}
	return &refusal{codeSerialization, http.StatusRequestEntityTooLarge, "The body of the request is longer than " + size + "."}
}

// jsonType accepts the content types of the protocol with parameters, whatever
// their case.
func jsonType(contentType string) bool {
	t, _, _ := strings.Cut(contentType, ";")
	t = strings.TrimSpace(t)
	return strings.EqualFold(t, contentType10) || strings.EqualFold(t, contentType11)
}
