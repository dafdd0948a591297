// Package egress keeps connections whose address a customer chose, such as those to the
// endpoints of subscriptions, away from the installation's own networks. Otherwise a
// subscription would be a way to whatever only this machine reaches: its own ports, its
// neighbours, the metadata service of its cloud ("server-side request forgery").
//
// What counts is the address that a connection really goes to, looked at for each
// connection after its name was resolved: how the host was written, and what a name server
// answers the next time, make no difference.
package egress

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// Refused is the error of a connection that is not made.
type Refused struct{ Address netip.Addr }

func (e *Refused) Error() string {
	return fmt.Sprintf("%s is an address of a network that nothing is sent to; egress.allow_networks allows networks", e.Address)
}

// Guard decides which addresses may be connected to. It may be used by several goroutines
// at once.
type Guard struct {
	allowed  []netip.Prefix
	resolver *net.Resolver // nil: the system's
}

// New makes a Guard that lets through to what is public, and to the networks that the
// operator allows.
func New(allowed []netip.Prefix) *Guard { return &Guard{allowed: allowed} }

// Check says whether an address may be connected to.
//
// Errors: *Refused.
func (g *Guard) Check(address netip.Addr) error {
	plain := plainAddress(address)
	if g.allows(plain) || g.allows(address.Unmap().WithZone("")) || public(plain) {
		return nil
	}
	return &Refused{Address: address}
}

func (g *Guard) allows(address netip.Addr) bool {
	for _, network := range g.allowed {
		if network.Contains(address) {
			return true
		}
	}
	return false
}

// control is the net.Dialer's ControlContext: address is the one that the socket is about
// to connect to.
func (g *Guard) control(_ context.Context, network, address string, _ syscall.RawConn) error {
	switch network {
	case "tcp", "tcp4", "tcp6":
	default:
		return fmt.Errorf("nothing is sent by %s", network)
	}
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("the address of a connection cannot be read: %w", err)
	}
	return g.Check(at.Addr())
}

// Bounds of connections. How long a whole request may take is the client's to say.
const (
	dialTime      = 10 * time.Second
	handshakeTime = 10 * time.Second
	idleTime      = 90 * time.Second
	maxIdle       = 256
	maxHeader     = 64 << 10
)

// Transport makes the transport of an HTTP client. It uses no proxy, whatever the
// environment says: the proxy would be the one to resolve names, out of the Guard's sight.
func (g *Guard) Transport() *http.Transport {
	dialer := net.Dialer{Timeout: dialTime, ControlContext: g.control, Resolver: g.resolver}
	return &http.Transport{
		DialContext:            dialer.DialContext,
		TLSHandshakeTimeout:    handshakeTime,
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           maxIdle,
		IdleConnTimeout:        idleTime,
		MaxResponseHeaderBytes: maxHeader,
	}
}
