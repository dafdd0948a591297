package rig

import (
	"io"
	"net"
	"sync"
)

// Proxy is a way to a server that can be cut and blocked.
type Proxy struct {
	Address string // host:port

	network, target string
	listener        net.Listener

	mu      sync.Mutex
	free    *sync.Cond // what is blocked waits for it
	blocked bool
	closed  bool
	open    map[net.Conn]bool
}

// NewProxy takes connections on a port of this machine and passes them on to
// target.
func NewProxy(network, target string) (*Proxy, error) {
	l, err := Listen()
	if err != nil {
		return nil, err
	}
	p := &Proxy{Address: l.Addr().String(), network: network, target: target, listener: l, open: map[net.Conn]bool{}}
	p.free = sync.NewCond(&p.mu)
	go p.accept()
	return p, nil
}

func (p *Proxy) accept() {
	for {
		near, err := p.listener.Accept()
		if err != nil {
			return
		}
		go p.pass(near)
	}
}

// pass carries octets both ways until one side ends.
func (p *Proxy) pass(near net.Conn) {
	defer near.Close()
	far, err := net.Dial(p.network, p.target)
	if err != nil {
		return
	}
	defer far.Close()
	if !p.keep(near, far) {
		return
	}
	ended := make(chan bool, 2)
	for _, way := range [][2]net.Conn{{near, far}, {far, near}} {
		go func() {
			io.Copy(gate{p, way[0]}, way[1])
			ended <- true
		}()
	}
	<-ended
	p.mu.Lock()
	delete(p.open, near)
	delete(p.open, far)
	p.mu.Unlock()
}

func (p *Proxy) keep(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	for _, c := range conns {
		p.open[c] = true
	}
	return true
}

// gate lets octets through while nothing is blocked.
type gate struct {
	proxy *Proxy
	to    net.Conn
}

func (g gate) Write(octets []byte) (int, error) {
	g.proxy.mu.Lock()
	for g.proxy.blocked {
		g.proxy.free.Wait()
	}
	g.proxy.mu.Unlock()
	return g.to.Write(octets)
}

// Cut ends all connections that there are.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.open {
		c.Close()
	}
}

// Block holds back every octet from now on, without a word to either side, or lets
// them through again.
func (p *Proxy) Block(blocked bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.blocked = blocked
	p.free.Broadcast()
}

// Close ends the proxy and all its connections.
func (p *Proxy) Close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.listener.Close()
	p.Block(false)
	p.Cut()
}
