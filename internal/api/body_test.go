package api

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"heliograph/internal/sms"
)

func TestBodiesRead(t *testing.T) {
	b := newBodies(maxBody, largeBodies)
	for _, length := range []int{0, 1, 4 << 10, 4<<10 + 1, largeBody - 1, largeBody, largeBody + 1, 5 * largeBody, maxBody} {
		want := bytes.Repeat([]byte("0123456789abcdefg"), length/17+1)[:length]
		for name, body := range map[string]io.Reader{"with a length": bytes.NewReader(want), "in chunks": io.MultiReader(bytes.NewReader(want))} {
			buf, err := b.read(httptest.NewRequest(http.MethodPost, "/", body))
			if err != nil || !bytes.Equal(buf.b, want) {
				t.Errorf("%d bytes %s: %d bytes, %v", length, name, len(buf.b), err)
			}
			buf.free()
		}
	}
	if len(b.places) != 0 {
		t.Errorf("%d places of large bodies are still taken", len(b.places))
	}
}

func TestBodiesReadTooLarge(t *testing.T) {
	b := newBodies(maxBody, largeBodies)
	body := strings.Repeat("x", maxBody+1)
	for name, r := range map[string]io.Reader{"with a length": strings.NewReader(body), "in chunks": io.MultiReader(strings.NewReader(body))} {
		buf, err := b.read(httptest.NewRequest(http.MethodPost, "/", r))
		if refused, ok := err.(*refusal); !ok || refused.status != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: %v", name, err)
		}
		buf.free()
	}
	if len(b.places) != 0 {
		t.Errorf("%d places of large bodies are still taken", len(b.places))
	}
}

// TestBodiesRoom holds as many large bodies as there may be: one more is refused,
// small ones are not, and what is let go of can be used again.
func TestBodiesRoom(t *testing.T) {
	b := newBodies(maxBody, largeBodies)
	b.wait = 0
	read := func(length int) (*buffer, error) {
		return b.read(httptest.NewRequest(http.MethodPost, "/", strings.NewReader(strings.Repeat("x", length))))
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
