package api

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"heliograph/internal/sms"
)

func anyone() error { return nil }

func TestBodiesRead(t *testing.T) {
	b := newBodies(maxBody)
	for _, length := range []int{0, 1, 4 << 10, 4<<10 + 1, largeBody - 1, largeBody, largeBody + 1, 5 * largeBody, maxBody} {
		want := bytes.Repeat([]byte("0123456789abcdefg"), length/17+1)[:length]
		for name, body := range map[string]io.Reader{"with a length": bytes.NewReader(want), "in chunks": io.MultiReader(bytes.NewReader(want))} {
			buf, err := b.read(httptest.NewRequest(http.MethodPost, "/", body), anyone)
			if err != nil || !bytes.Equal(buf.b, want) {
				t.Errorf("%d bytes %s: %d bytes, %v", length, name, len(buf.b), err)
			}
			buf.free()
		}
	}
	if len(b.rooms[0].places) != 0 {
		t.Errorf("%d places of large bodies are still taken", len(b.rooms[0].places))
	}
}

func TestBodiesReadTooLarge(t *testing.T) {
	b := newBodies(maxBody)
	body := strings.Repeat("x", maxBody+1)
	for name, r := range map[string]io.Reader{"with a length": strings.NewReader(body), "in chunks": io.MultiReader(strings.NewReader(body))} {
		buf, err := b.read(httptest.NewRequest(http.MethodPost, "/", r), anyone)
		if refused, ok := err.(*refusal); !ok || refused.status != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: %v", name, err)
		}
		buf.free()
	}
	if len(b.rooms[0].places) != 0 {
		t.Errorf("%d places of large bodies are still taken", len(b.rooms[0].places))
	}
}

// TestBodiesRoom holds as many large bodies as there may be: one more is refused,
// small ones are not, and what is let go of can be used again.
func TestBodiesRoom(t *testing.T) {
	b := newBodies(maxBody)
	b.rooms[0].wait = 0
	read := func(length int) (*buffer, error) {
		return b.read(httptest.NewRequest(http.MethodPost, "/", strings.NewReader(strings.Repeat("x", length))), anyone)
	}
	var held []*buffer
	for range largeBodies {
		buf, err := read(largeBody + 1)
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, buf)
	}
	buf, err := read(largeBody + 1)
	if e, ok := sms.AsError(err); !ok || e.Kind != sms.KindThrottled {
		t.Errorf("one too many: %v", err)
	}
	buf.free()
	if buf, err := read(largeBody - 1); err != nil {
		t.Errorf("a small one: %v", err)
	} else {
		buf.free()
	}
	held[0].free()
	if buf, err := read(maxBody); err != nil || len(buf.b) != maxBody {
		t.Errorf("after one was let go of: %v", err)
	}
}

// TestBodiesLonger: long bodies and longer ones hold no room of each other's, whether
// their length is known or not.
func TestBodiesLonger(t *testing.T) {
	const longest = 4 * maxBody
	b := newBodies(longest)
	b.rooms[0].wait, b.rooms[1].wait = 0, 0
	read := func(length int, chunked bool) (*buffer, error) {
		var body io.Reader = strings.NewReader(strings.Repeat("x", length))
		if chunked {
			body = io.MultiReader(body)
		}
		buf, err := b.read(httptest.NewRequest(http.MethodPost, "/", body), anyone)
		if err == nil && len(buf.b) != length {
			t.Fatalf("%d bytes of %d", len(buf.b), length)
		}
		return buf, err
	}
	for _, chunked := range []bool{false, true} {
		var held []*buffer
		for range longerBodies {
			buf, err := read(maxBody+1+len(held), chunked)
			if err != nil {
				t.Fatal(err)
			}
			held = append(held, buf)
		}
		buf, err := read(longest, chunked)
		if e, ok := sms.AsError(err); !ok || e.Kind != sms.KindThrottled {
			t.Errorf("one too many: %v", err)
		}
		buf.free()
		for range largeBodies {
			if buf, err = read(maxBody, chunked); err != nil {
				t.Fatalf("a body of 1 MiB: %v", err)
			}
			held = append(held, buf)
		}
		if buf, err = read(largeBody+1, chunked); err == nil {
			t.Error("one too many is read")
		}
		buf.free()
		for _, buf := range held {
			buf.free()
		}
		if len(b.rooms[0].places) != 0 || len(b.rooms[1].places) != 0 {
			t.Fatal("places are still taken")
		}
	}
	buf, err := read(longest+1, true)
	if refused, ok := err.(*refusal); !ok || refused.status != http.StatusRequestEntityTooLarge {
		t.Errorf("too long: %v", err)
	}
	buf.free()
}

// TestBodiesKnown: whoever is not known has no room for a large body.
func TestBodiesKnown(t *testing.T) {
	b := newBodies(maxBody)
	nobody := errors.New("nobody")
	for length, want := range map[int]error{largeBody - 1: nil, largeBody + 1: nobody, maxBody: nobody} {
		buf, err := b.read(httptest.NewRequest(http.MethodPost, "/", strings.NewReader(strings.Repeat("x", length))), func() error { return nobody })
		if err != want || len(b.rooms[0].places) != 0 {
			t.Errorf("%d bytes: %v, %d places", length, err, len(b.rooms[0].places))
		}
		buf.free()
	}
}
