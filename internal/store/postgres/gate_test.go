//go:build postgres

package postgres

import (
	"context"
	"encoding/binary"
	"net"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// gate stands between an engine and the server on the connections that commits are
// made on. Once it is armed, something happens when the engine sends its message
// number at, counted from 0, and half of it has been sent where half is set; then
// the gate is open again.
type gate struct {
	mu     sync.Mutex
	armed  bool
	at     int
	half   bool
	action action
	seen   int // messages since it was armed

	reached chan struct{} // closed when it happens
	release chan struct{} // closed to let a stalled connection go on
	held    []byte        // what the server has not got yet
	holder  net.Conn
}

type action int

const (
	stall   action = iota // nothing passes until release
	cut                   // the connection ends
	hold                  // the connection ends for the engine; what it sent reaches the server with deliver
	deafen                // all is sent, and the connection ends before the first answer
	observe               // messages are counted
)

func (g *gate) arm(a action, at int, half bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.armed, g.action, g.at, g.half, g.seen = true, a, at, half, 0
	g.reached, g.release = make(chan struct{}), make(chan struct{})
}

// messages is how many were sent since the gate was armed, which it is no more.
func (g *gate) messages() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.armed = false
	return g.seen
}

// deliver lets the server have what was held back, if it has not hung up.
func (g *gate) deliver() {
	_, _ = g.holder.Write(g.held)
	time.Sleep(20 * time.Millisecond)
	_ = g.holder.Close()
}

func (g *gate) dial(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &gated{Conn: c, gate: g}, nil
}

type gated struct {
	net.Conn
	gate *gate
	deaf bool // set by the goroutine that writes, before it reads
	held bool
}

// split finds where in b the gate's moment is; b holds whole messages, each a type
// and a length that counts itself.
func (g *gate) split(b []byte) (at int, now bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.armed {
		return 0, false
	}
	for i := 0; i < len(b); g.seen++ {
		size := 1 + int(binary.BigEndian.Uint32(b[i+1:]))
		if g.action != observe && g.seen == g.at {
			g.armed = false
			if g.half {
				i += size / 2
			}
			return i, true
		}
		i += size
	}
	return 0, false
}

func (c *gated) Write(b []byte) (int, error) {
	g := c.gate
	at, now := g.split(b)
	if !now {
		return c.Conn.Write(b)
	}
	if g.action != stall {
		defer close(g.reached)
	}
	if g.action == deafen {
		c.deaf = true
		return c.Conn.Write(b)
	}
	if n, err := c.Conn.Write(b[:at]); err != nil {
		return n, err
	}
	switch g.action {
	case stall:
		close(g.reached)
		<-g.release
		n, err := c.Conn.Write(b[at:])
		return at + n, err
	case hold:
		c.held, g.held, g.holder = true, append([]byte(nil), b[at:]...), c.Conn
		return at, net.ErrClosed
	default:
		_ = c.Conn.Close()
		return at, net.ErrClosed
	}
}

func (c *gated) Read(b []byte) (int, error) {
	if c.deaf || c.held {
		if c.deaf {
			_ = c.Conn.Close()
		}
		return 0, net.ErrClosed
	}
	return c.Conn.Read(b)
}

func (c *gated) Close() error {
	if c.held {
		return nil
	}
	return c.Conn.Close()
}

var _ pgconn.DialFunc = (*gate)(nil).dial
