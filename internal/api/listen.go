package api

import (
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// The bounds of what one connection may hold and for how long.
const (
	readHeaderTimeout = 10 * time.Second
	readTimeout       = 30 * time.Second // headers and body
	writeTimeout      = 60 * time.Second // from the end of the headers to the end of the answer
	idleTimeout       = 120 * time.Second
	maxHeaderBytes    = 16 << 10
)

// DefaultMaxConnections is how many connections a server holds at once.
const DefaultMaxConnections = 20_000

// maxWaiting is how many connections may wait for a request at once. One that has
// had a request before keeps some 22 KiB of buffers and stack, so that these cost
// less than 100 MB.
const maxWaiting = 4_000

// NewServer makes an HTTP server for handler in which every read and write is
// bounded in time and size.
//
// It holds at most maxConnections connections. One more is closed as soon as it is
// accepted, so that its client sees at once that there is no room rather than
// waiting. Where more than 4,000 wait for a request, the one that has waited
// longest is closed: clients that only hold connections make room for those that
// use theirs.
func NewServer(handler http.Handler, maxConnections int, log *slog.Logger) *http.Server {
	return newServer(handler, maxConnections, maxWaiting, log)
}

func newServer(handler http.Handler, maxConnections, maxWaiting int, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		// What net/http itself logs is about single connections, for instance
		// clients that speak TLS wrongly.
		ErrorLog:  slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		ConnState: newConnections(maxConnections, maxWaiting).follow,
	}
}

// connections are those of a server. The ones that wait for a request are in a
// ring, longest first.
type connections struct {
	most, mostWaiting int

	mu      sync.Mutex
	open    map[net.Conn]*connection
	waiting int
	ring    connection // next waits longest, previous came last
}

// connection is a member of the ring while next is set.
type connection struct {
	conn           net.Conn
	previous, next *connection
}

func newConnections(most, mostWaiting int) *connections {
	c := &connections{most: most, mostWaiting: mostWaiting, open: map[net.Conn]*connection{}}
	c.ring.previous, c.ring.next = &c.ring, &c.ring
	return c
}

// follow is the http.Server's ConnState.
func (c *connections) follow(conn net.Conn, state http.ConnState) {
	if surplus := c.change(conn, state); surplus != nil {
		surplus.Close()
	}
}

// change keeps count of a connection's new state and gives the connection, if any,
// for which there is no room any more.
func (c *connections) change(conn net.Conn, state http.ConnState) (surplus net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	of := c.open[conn]
	switch state {
	case http.StateNew:
		of = &connection{conn: conn}
		c.open[conn] = of
		if len(c.open) > c.most {
			return conn
		}
		return c.wait(of)
	case http.StateIdle:
		return c.wait(of)
	case http.StateActive:
		c.leave(of)
	case http.StateClosed, http.StateHijacked:
		c.leave(of)
		delete(c.open, conn)
	}
	return nil
}

func (c *connections) wait(of *connection) (surplus net.Conn) {
	of.previous, of.next = c.ring.previous, &c.ring
	of.previous.next, of.next.previous = of, of
	if c.waiting++; c.waiting <= c.mostWaiting {
		return nil
	}
	longest := c.ring.next
	c.leave(longest)
	return longest.conn
}

func (c *connections) leave(of *connection) {
	if of == nil || of.next == nil {
		return
	}
	of.previous.next, of.next.previous = of.next, of.previous
	of.previous, of.next = nil, nil
	c.waiting--
}
