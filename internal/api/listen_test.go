package api

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"
)

// server serves on a port of its own; dial opens a connection to it.
func listening(t *testing.T, server *http.Server) (dial func() net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	return func() net.Conn {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		c.SetDeadline(time.Now().Add(10 * time.Second))
		t.Cleanup(func() { c.Close() })
		return c
	}
}

func answered(c net.Conn) bool {
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		return false
	}
	n, err := c.Read(make([]byte, 4096))
	return n > 0 && err == nil
}

func TestMostConnections(t *testing.T) {
	dial := listening(t, newServer(http.NotFoundHandler(), 3, 3, slog.New(slog.DiscardHandler)))
	held := []net.Conn{dial(), dial(), dial()}
	for i, c := range held {
		if !answered(c) {
			t.Fatalf("connection %d got no answer", i)
		}
	}
	if answered(dial()) {
		t.Error("one connection too many got an answer")
	}
	held[0].Close()
	for deadline := time.Now().Add(10 * time.Second); !answered(dial()); {
		if time.Now().After(deadline) {
			t.Fatal("no connection gets an answer after one was closed")
		}
	}
}

func TestSilentConnectionMakesRoom(t *testing.T) {
	dial := listening(t, newServer(http.NotFoundHandler(), 100, 1, slog.New(slog.DiscardHandler)))
	silent, used := dial(), dial()
	if _, err := silent.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the silent connection was not closed for another: %v", err)
	}
	if !answered(used) {
		t.Error("the other got no answer")
	}
}

// Of connections that wait, the one that has waited longest makes room; one that
// had a request waits anew.
func TestConnections(t *testing.T) {
	names := map[net.Conn]string{}
	made := map[string]net.Conn{}
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		c, other := net.Pipe()
		t.Cleanup(func() { c.Close(); other.Close() })
		names[c], made[name] = name, c
	}
	all := newConnections(5, 3)
	for i, step := range []struct {
		name    string
		state   http.ConnState
		surplus string
	}{
		{"a", http.StateNew, ""},
		{"b", http.StateNew, ""},
		{"c", http.StateNew, ""},
		{"a", http.StateActive, ""},
		{"a", http.StateIdle, ""}, // b has waited longest
		{"d", http.StateNew, "b"},
		{"b", http.StateClosed, ""},
		{"c", http.StateActive, ""},
		{"e", http.StateNew, ""}, // a, d and e wait, c does not
		{"c", http.StateClosed, ""},
		{"c", http.StateNew, "a"}, // a is not gone yet
		{"b", http.StateNew, "d"},
		{"f", http.StateNew, "f"}, // five are open
		{"f", http.StateClosed, ""},
		{"a", http.StateClosed, ""},
		{"d", http.StateClosed, ""},
		{"e", http.StateHijacked, ""},
		{"a", http.StateNew, ""}, // c, b and a wait
		{"d", http.StateNew, "c"},
	} {
		if got := names[all.change(made[step.name], step.state)]; got != step.surplus {
			t.Fatalf("step %d: %s %s closes %q, want %q", i, step.name, step.state, got, step.surplus)
		}
	}
	if all.waiting != 3 || len(all.open) != 4 {
		t.Errorf("%d wait of %d open", all.waiting, len(all.open))
	}
}
