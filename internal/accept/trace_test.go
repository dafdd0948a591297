package accept

import (
	"log/slog"
	"net/http"
	"testing"
	"time"

	"heliograph/internal/trace"
)

// A message is traced if its request is, and its ID says so.
func TestTracedMessages(t *testing.T) {
	d := newDesk(t, nil)
	tracer, err := trace.New(trace.Options{Endpoint: "http://127.0.0.1:1", SampleRatio: 1, Key: []byte("0123456789abcdef"),
		MessageID: d.ids.Format, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer tracer.Close(t.Context())
	for name, request := range map[string]*trace.Request{"traced": tracer.Request(http.Header{}, time.Now()), "not traced": nil} {
		m := d.accepted(t, Request{Destination: inUS, Body: "hello", Trace: request})
		if m.ID.Traced() != (request != nil) {
			t.Errorf("%s: ID %d", name, m.ID)
		}
	}
}
