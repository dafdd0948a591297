package smpp

import (
	"bytes"
	"net"
	"testing"
	"time"

	"heliograph/internal/smpp/pdu"
)

func TestBeforeBind(t *testing.T) {
	v := &Server{Session: Config{OnPDU: accept}, MaxConnections: 2}
	address := startServer(t, v)
	dial := func() *peer { return dialRaw(t, address) }
	p := dial()
	p.write(&pdu.EnquireLink{Header: pdu.Header{Sequence: 1}})
	p.expect(pdu.CommandEnquireLinkResp)
	p.write(&pdu.SubmitSM{Header: pdu.Header{Sequence: 2}})
	if head := p.expect(pdu.CommandSubmitSMResp).Head(); head.Status != pdu.RInvBndSts {
		t.Errorf("submit_sm before the bind: %s", head.Status)
	}
	p.write(&pdu.Bind{Header: pdu.Header{Sequence: 3}, Type: pdu.Transceiver, InterfaceVersion: pdu.Version33})
	if r := p.expect(pdu.CommandBindTransceiverResp).(*pdu.BindResp); r.Status != pdu.ROK || len(r.TLVs) != 0 {
		t.Errorf("a bind of version 3.3 was answered %+v", r)
	}
	p.write(&pdu.SubmitSM{Header: pdu.Header{Sequence: 4}})
	p.expect(pdu.CommandSubmitSMResp)

	silent := dial()
	for len(connections(v)) < 2 {
		time.Sleep(time.Millisecond)
	}
	dial().expectEnd() // the third of two
	silent.conn.Close()

	for name, bytes := range map[string][]byte{
		"HTTP":      []byte("GET / HTTP/1.1\r\n\r\n"),
		"no length": bytes.Repeat([]byte{0}, 64),
	} {
		for len(connections(v)) > 1 {
			time.Sleep(time.Millisecond)
		}
		p := dial()
		p.writeRaw(bytes)
		if head := p.expect(pdu.CommandGenericNack).Head(); head.Status != pdu.RInvCmdLen {
			t.Errorf("%s: %s", name, head.Status)
		}
		p.expectEnd()
		p.conn.Close()
	}
	for len(connections(v)) > 1 {
		time.Sleep(time.Millisecond)
	}
	p = dial()
	p.write(&pdu.Unbind{Header: pdu.Header{Sequence: 1}})
	p.expect(pdu.CommandUnbindResp)
	p.expectEnd()
}

func connections(v *Server) []net.Conn {
	v.mu.Lock()
	defer v.mu.Unlock()
	var all []net.Conn
	for conn := range v.conns {
		all = append(all, conn)
	}
	return all
}

func TestSilentConnectionIsClosed(t *testing.T) {
	address := startServer(t, &Server{BindTimeout: 20 * time.Millisecond})
	dialRaw(t, address).expectEnd()
}

// dialRaw connects to a server without binding.
func dialRaw(t testing.TB, address string) *peer {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	return &peer{t: t, conn: conn, stream: pdu.NewReader(conn, pdu.MaxLength)}
}
