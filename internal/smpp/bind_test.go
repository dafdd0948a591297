package smpp

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"net"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"heliograph/internal/smpp/pdu"
)

func TestBindRefused(t *testing.T) {
	v := &Server{Authenticate: func(_ context.Context, b BindRequest) pdu.Status {
		if b.Bind.Password != "secret" {
			return pdu.RInvPaswd
		}
		return pdu.ROK
	}}
	address := startServer(t, v)
	_, err := Dial(t.Context(), BindConfig{Address: address, SystemID: "esme", Password: "wrong", Session: Config{Logger: quiet}})
	var refused *BindError
	if !errors.As(err, &refused) || refused.Status != pdu.RInvPaswd {
		t.Errorf("a wrong password: %v", err)
	}
	if n := len(v.Sessions()); n != 0 {
		t.Errorf("%d sessions", n)
	}
	bindTo(t, BindConfig{Address: address, Password: "secret"})

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, err = Dial(t.Context(), BindConfig{Address: l.Addr().String(), SystemID: "esme", BindTimeout: 50 * time.Millisecond})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a silent peer: %v", err)
	}
}

func TestTLS(t *testing.T) {
	certificate, pool := selfSigned(t)
	var state atomic.Pointer[tls.ConnectionState]
	v := &Server{
		TLS: &tls.Config{Certificates: []tls.Certificate{certificate}}, Session: Config{OnPDU: accept},
		Authenticate: func(_ context.Context, b BindRequest) pdu.Status { state.Store(b.TLS); return pdu.ROK },
	}
	address := startServer(t, v)
	s := bindTo(t, BindConfig{Address: address, TLS: &tls.Config{RootCAs: pool}})
	if state.Load() == nil || !state.Load().HandshakeComplete {
		t.Error("the server knows nothing of TLS")
	}
	var got outcomes
	for i := range 10 {
		if err := s.Submit(t.Context(), message(i), got.expectOne(i)); err != nil {
			t.Fatal(err)
		}
	}
	for i, one := range got.wait() {
		if one.id != "id"+strconv.Itoa(i) {
			t.Errorf("outcome of %d = %+v", i, one)
		}
	}
	if err := s.Unbind(t.Context()); err != nil {
		t.Errorf("Unbind: %v", err)
	}
	if _, err := Dial(t.Context(), BindConfig{Address: address, SystemID: "esme", TLS: &tls.Config{}}); err == nil {
		t.Error("a certificate that nobody vouches for was trusted")
	}
	if _, err := Dial(t.Context(), BindConfig{Address: address, SystemID: "esme", BindTimeout: time.Second}); err == nil {
		t.Error("a bind in the clear succeeded")
	}
}

func selfSigned(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}
