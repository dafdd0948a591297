package api

import (
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
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

// NewServer makes an HTTP server for handler in which every read and write is
// bounded in time and size, with at most maxConnections connections at once. One
// more is closed as soon as it is accepted, so that its client sees at once that
// there is no room rather than waiting.
func NewServer(handler http.Handler, maxConnections int, log *slog.Logger) *http.Server {
	var open atomic.Int64
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		// What net/http itself logs is about single connections, for instance
		// clients that speak TLS wrongly.
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		ConnState: func(c net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				if open.Add(1) > int64(maxConnections) {
					c.Close()
				}
			case http.StateClosed, http.StateHijacked:
				open.Add(-1)
			}
		},
	}
}
