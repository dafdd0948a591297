package rig

import (
	"net"
	"syscall"
)

// promptListener gives connections whose octets are acknowledged as soon as they
// are read. Linux holds acknowledgements back for up to 40 ms otherwise, and a
// peer that leaves Nagle's algorithm on (RFC 896) then waits for each.
type promptListener struct{ net.Listener }

func (l promptListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return c, nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil, err
	}
	return &promptConn{tcp, raw}, nil
}

type promptConn struct {
	*net.TCPConn
	raw syscall.RawConn
}

// Read asks for the acknowledgement each time: the kernel forgets.
func (c *promptConn) Read(p []byte) (int, error) {
	n, err := c.TCPConn.Read(p)
	// Where it fails the connection is gone, which the next Read tells.
	_ = c.raw.Control(func(fd uintptr) { _ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_QUICKACK, 1) })
	return n, err
}
