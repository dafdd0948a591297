package egress

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"
)

// server listens at an address of the loopback network and counts what reaches it.
func server(t *testing.T, address string, handler http.HandlerFunc) (port string) {
	t.Helper()
	listener, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
	if err != nil {
		t.Fatal(err)
	}
	s := &httptest.Server{Listener: listener, Config: &http.Server{Handler: handler}}
	s.Start()
	t.Cleanup(s.Close)
	_, port, err = net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func client(t *testing.T, g *Guard) *http.Client {
	transport := g.Transport()
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 20 * time.Second}
}

// names is a name server: for each name what it answers to the first question, to the
// second, and so on.
type names struct {
	mu      sync.Mutex
	answers map[string][]string
}

// resolver asks the name server alone.
func (n *names) resolver(t *testing.T) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go func() {
		question := make([]byte, 512)
		for {
			size, from, err := conn.ReadFrom(question)
			if err != nil {
				return
			}
			conn.WriteTo(n.answer(question[:size]), from)
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

// answer is the message of RFC 1035 with what is next for the name that is asked for.
func (n *names) answer(question []byte) []byte {
	const header = 12
	var labels []string
	at := header
	for question[at] != 0 {
		length := int(question[at])
		labels = append(labels, string(question[at+1:at+1+length]))
		at += 1 + length
	}
	kind := binary.BigEndian.Uint16(question[at+1:])
	end := at + 5
	message := append([]byte{}, question[:end]...)
	binary.BigEndian.PutUint16(message[2:], 0x8180) // an answer without an error
	binary.BigEndian.PutUint16(message[6:], 0)
	binary.BigEndian.PutUint32(message[8:], 0)
	if kind != 1 {
		return message // there are IPv4 addresses only
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	name := strings.Join(labels, ".")
	next := n.answers[name]
	if len(next) == 0 {
		return message
	}
	if len(next) > 1 {
		n.answers[name] = next[1:]
	}
	binary.BigEndian.PutUint16(message[6:], 1)
	message = append(message, 0xc0, header, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
	return append(message, netip.MustParseAddr(next[0]).AsSlice()...)
}

func refused(err error) bool {
	var r *Refused
	return errors.As(err, &r)
}

// TestHosts: however a host that is this machine is written, nothing reaches it.
func TestHosts(t *testing.T) {
	reached := 0
	port := server(t, "127.0.0.1", func(http.ResponseWriter, *http.Request) { reached++ })
	n := &names{answers: map[string][]string{}}
	// What a resolver makes of other ways to write 127.0.0.1 differs from system to
	// system: here each of them is that address.
	odd := []string{"2130706433", "0x7f000001", "0177.0.0.1", "017700000001", "127.1", "127.0.1", "0x7f.1", "internal.example"}
	for _, host := range odd {
		n.answers[host] = []string{"127.0.0.1"}
	}
	ours, system := New(nil), New(nil)
	ours.resolver = n.resolver(t)
	for i, host := range append(odd, "127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "0.0.0.0", "[::]", "[64:ff9b::127.0.0.1]") {
		guard := ours
		if i >= len(odd) {
			guard = system
		}
		response, err := client(t, guard).Get("http://" + host + ":" + port + "/")
		if err == nil {
			response.Body.Close()
			t.Errorf("%s was reached", host)
		} else if unknown := (*net.DNSError)(nil); !refused(err) && !errors.As(err, &unknown) {
			t.Errorf("%s: %v", host, err) // neither refused nor a name that there is not
		}
		if host == "internal.example" && !refused(err) {
			t.Errorf("%s: %v", host, err)
		}
	}
	if reached != 0 {
		t.Errorf("%d requests came", reached)
	}
}

// TestRebinding: a name that is an allowed address when it is first asked for, and
// another one later, leads only to the allowed one.
func TestRebinding(t *testing.T) {
	secret := 0
	port := server(t, "127.0.0.1", func(http.ResponseWriter, *http.Request) { secret++ })
	listener, err := net.Listen("tcp", "127.0.0.2:"+port)
	if err != nil {
		t.Fatal(err)
	}
	good := &httptest.Server{Listener: listener, Config: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close") // the next request needs a connection of its own
	})}}
	good.Start()
	defer good.Close()

	n := &names{answers: map[string][]string{"hook.example": {"127.0.0.2", "127.0.0.1"}}}
	guard := New([]netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")})
	guard.resolver = n.resolver(t)
	c := client(t, guard)
	response, err := c.Get("http://hook.example:" + port + "/")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response, err := c.Get("http://hook.example:" + port + "/"); err == nil {
		response.Body.Close()
		t.Error("the second address was reached")
	} else if !refused(err) {
		t.Error(err)
	}
	if secret != 0 {
		t.Errorf("%d requests came to the other address", secret)
	}
}

// TestRedirect: a redirect that a client follows is guarded as the first request is.
func TestRedirect(t *testing.T) {
	secret := 0
	inner := server(t, "127.0.0.1", func(http.ResponseWriter, *http.Request) { secret++ })
	outer := server(t, "127.0.0.2", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, fmt.Sprintf("http://127.0.0.1:%s/", inner), http.StatusFound)
	})
	guard := New([]netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")})
	if response, err := client(t, guard).Get("http://127.0.0.2:" + outer + "/"); err == nil {
		response.Body.Close()
		t.Error("the redirect was followed")
	} else if !refused(err) {
		t.Error(err)
	}
	if secret != 0 {
		t.Errorf("%d requests came", secret)
	}
}

// TestNoProxy: what the environment says of proxies does not count.
func TestNoProxy(t *testing.T) {
	asked := 0
	proxy := server(t, "127.0.0.2", func(http.ResponseWriter, *http.Request) { asked++ })
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"} {
		t.Setenv(name, "http://127.0.0.2:"+proxy)
	}
	guard := New([]netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")})
	if guard.Transport().Proxy != nil {
		t.Error("the transport has a proxy")
	}
	if response, err := client(t, guard).Get("http://10.0.0.1:9/"); err == nil {
		response.Body.Close()
		t.Error("a private address was reached")
	} else if !refused(err) {
		t.Error(err)
	}
	if asked != 0 {
		t.Errorf("the proxy was asked %d times", asked)
	}
}
