package certificate

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

var start = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// files are those of a certificate, in a directory of their own.
type files struct{ cert, key string }

func newFiles(t *testing.T) files {
	directory := t.TempDir()
	return files{filepath.Join(directory, "cert.pem"), filepath.Join(directory, "key.pem")}
}

func pair(t *testing.T, name string, key crypto.Signer) (certPEM, keyPEM []byte) {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: start.Add(-time.Hour), NotAfter: start.AddDate(100, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})
}

func elliptical(t *testing.T) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// write replaces a file as tools that renew certificates do: all at once.
func write(t *testing.T, file string, content []byte) {
	t.Helper()
	if err := os.WriteFile(file+".new", content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
}

func (f files) put(t *testing.T, name string, key crypto.Signer) {
	t.Helper()
	cert, private := pair(t, name, key)
	write(t, f.cert, cert)
	write(t, f.key, private)
}

// clock is moved by the test.
type clock struct{ offset atomic.Int64 }

func (c *clock) now() time.Time           { return start.Add(time.Duration(c.offset.Load())) }
func (c *clock) advance(by time.Duration) { c.offset.Add(int64(by)) }

// serve answers handshakes at an address until the test ends.
func serve(t *testing.T, p *Pair) string {
	t.Helper()
	listener, err := tls.Listen("tcp", "127.0.0.1:0", p.Config())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func(c net.Conn) {
				defer c.Close()
				if c.(*tls.Conn).Handshake() == nil {
					io.WriteString(c, "x") // with which the tickets of TLS 1.3 come
				}
			}(conn)
		}
	}()
	return listener.Addr().String()
}

// dial makes one connection.
func dial(t *testing.T, address string, config *tls.Config) (tls.ConnectionState, error) {
	t.Helper()
	config.InsecureSkipVerify, config.ServerName = true, "sms.example.com" // it is its name that tells certificates apart
	conn, err := tls.Dial("tcp", address, config)
	if err != nil {
		return tls.ConnectionState{}, err
	}
	defer conn.Close()
	if _, err := io.ReadAll(conn); err != nil {
		return tls.ConnectionState{}, err
	}
	return conn.ConnectionState(), nil
}

func open(t *testing.T, f files, c *clock, log io.Writer) *Pair {
	t.Helper()
	p, err := Open(f.cert, f.key, c.now, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestVersionsAndSuites(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []crypto.Signer{elliptical(t), rsaKey} {
		f := newFiles(t)
		f.put(t, "one", key)
		address := serve(t, open(t, f, &clock{}, io.Discard))
		for version, works := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
			state, err := dial(t, address, &tls.Config{MinVersion: version, MaxVersion: version})
			if (err == nil) != works || works && state.Version != version {
				t.Errorf("%T, %s: %v, %x", key, tls.VersionName(version), err, state.Version)
			}
		}
		taken := 0
		for _, suite := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
			if suite.SupportedVersions[0] == tls.VersionTLS13 {
				continue
			}
			_, err := dial(t, address, &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{suite.ID}})
			good := strings.HasPrefix(suite.Name, "TLS_ECDHE_") && (strings.Contains(suite.Name, "_GCM_") || strings.Contains(suite.Name, "_CHACHA20_"))
			if err == nil {
				taken++
				if !good {
					t.Errorf("%s is spoken", suite.Name)
				}
			}
		}
		if taken != 3 {
			t.Errorf("%T: %d suites of TLS 1.2 are spoken", key, taken)
		}
	}
}

// TestResumption: sessions of TLS 1.3 are resumed, those of TLS 1.2 are not.
func TestResumption(t *testing.T) {
	f := newFiles(t)
	f.put(t, "one", elliptical(t))
	address := serve(t, open(t, f, &clock{}, io.Discard))
	for version, want := range map[uint16]bool{tls.VersionTLS12: false, tls.VersionTLS13: true} {
		sessions := tls.NewLRUClientSessionCache(1)
		var state tls.ConnectionState
		for range 2 {
			var err error
			if state, err = dial(t, address, &tls.Config{MaxVersion: version, ClientSessionCache: sessions}); err != nil {
				t.Fatal(err)
			}
		}
		if state.DidResume != want {
			t.Errorf("%s: resumed is %v", tls.VersionName(version), state.DidResume)
		}
	}
}

func TestReload(t *testing.T) {
	f, c, log := newFiles(t), &clock{}, &bytes.Buffer{}
	f.put(t, "one", elliptical(t))
	p := open(t, f, c, log)
	address := serve(t, p)
	served := func() string {
		t.Helper()
		state, err := dial(t, address, &tls.Config{})
		if err != nil {
			t.Fatal(err)
		}
		return state.PeerCertificates[0].Subject.CommonName
	}
	expect := func(want string, after time.Duration) {
		t.Helper()
		c.advance(after)
		if got := served(); got != want {
			t.Errorf("the certificate is of %s, want %s\n%s", got, want, log)
		}
	}
	expect("one", 0)
	f.put(t, "two", elliptical(t))
	expect("one", lookEvery-1) // the files are looked at once a second
	expect("two", 1)

	// Between the two files of a new pair, with garbage, and without files, the old one stays.
	cert, key := pair(t, "three", elliptical(t))
	write(t, f.cert, cert)
	expect("two", lookEvery)
	if !strings.Contains(log.String(), "the old one stays") {
		t.Errorf("nothing was logged: %s", log)
	}
	lines := strings.Count(log.String(), "\n")
	expect("two", lookEvery)
	if again := strings.Count(log.String(), "\n"); again != lines {
		t.Errorf("the same is logged again: %s", log)
	}
	write(t, f.key, key)
	expect("three", lookEvery)
	write(t, f.key, []byte("no key"))
	expect("three", lookEvery)
	if err := os.Remove(f.key); err != nil {
		t.Fatal(err)
	}
	expect("three", lookEvery)
	f.put(t, "four", elliptical(t))
	expect("four", lookEvery)
	if strings.Contains(log.String(), "PRIVATE") {
		t.Errorf("a key was logged: %s", log)
	}
}

func TestOpenRefuses(t *testing.T) {
	f := newFiles(t)
	if _, err := Open(f.cert, f.key, time.Now, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("there are no files")
	}
	f.put(t, "one", elliptical(t))
	_, other := pair(t, "two", elliptical(t))
	write(t, f.key, other)
	if _, err := Open(f.cert, f.key, time.Now, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("the key is of another certificate")
	}
}
