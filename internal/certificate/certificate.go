// Package certificate has the TLS of the service's port: which versions and cipher suites
// it speaks, and a certificate that is read again when its files change.
package certificate

import (
	"crypto/tls"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"
)

// lookEvery is the least time between two looks at the files.
const lookEvery = time.Second

// Pair is a certificate with its key from two PEM files. Handshakes look whether the files
// have changed, at most once a second.
type Pair struct {
	certFile, keyFile string
	now               func() time.Time
	log               *slog.Logger

	mu      sync.Mutex
	looked  time.Time
	seen    [2]fs.FileInfo // of the files that were read last, be it in vain
	current *tls.Certificate
}

// Open reads the files. Later changes that cannot be used are logged, and the certificate
// stays.
func Open(certFile, keyFile string, now func() time.Time, log *slog.Logger) (*Pair, error) {
	p := &Pair{certFile: certFile, keyFile: keyFile, now: now, log: log, looked: now()}
	var err error
	if p.seen, err = p.stat(); err != nil {
		return nil, err
	}
	read, err := p.read()
	if err != nil {
		return nil, err
	}
	p.current = read
	return p, nil
}

func (p *Pair) stat() (seen [2]fs.FileInfo, err error) {
	for i, file := range []string{p.certFile, p.keyFile} {
		if seen[i], err = os.Stat(file); err != nil {
			return seen, err
		}
	}
	return seen, nil
}

func (p *Pair) read() (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(p.certFile, p.keyFile)
	if err != nil {
		return nil, fmt.Errorf("%s and %s: %w", p.certFile, p.keyFile, err)
	}
	return &pair, nil
}

// Certificate is the newest that could be read.
func (p *Pair) Certificate() *tls.Certificate {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := p.now(); now.Sub(p.looked) >= lookEvery || now.Before(p.looked) {
		p.looked = now
		p.look()
	}
	return p.current
}

// look reads the files if they have changed since they were read last. The caller holds mu.
func (p *Pair) look() {
	seen, err := p.stat()
	if err != nil {
		if p.seen[0] != nil {
			p.log.Warn("the files of the TLS certificate cannot be read; the old certificate stays", "error", err)
			p.seen = [2]fs.FileInfo{}
		}
		return
	}
	if same(seen[0], p.seen[0]) && same(seen[1], p.seen[1]) {
		return
	}
	p.seen = seen
	read, err := p.read()
	if err != nil {
		p.log.Warn("the new TLS certificate cannot be used; the old one stays", "error", err)
		return
	}
	p.current = read
	p.log.Info("the TLS certificate was read again", "file", p.certFile, "not_after", read.Leaf.NotAfter)
}

// same reports whether a file is the one that was seen before.
func same(a, b fs.FileInfo) bool {
	return b != nil && os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// suites are those of TLS 1.2 with ephemeral keys, so that who gets the certificate's key
// later cannot read what was recorded before, and with authenticated encryption. Those of
// TLS 1.3 are all so.
var suites = []uint16{
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
	tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
}

// Config is that of a server: TLS 1.2 and 1.3, with forward secrecy only. Sessions of TLS
// 1.2 cannot be resumed, because their tickets would bring the key of the session along.
func (p *Pair) Config() *tls.Config {
	modern := &tls.Config{
		MinVersion:   tls.VersionTLS12,
		CipherSuites: suites,
		NextProtos:   []string{"http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return p.Certificate(), nil
		},
	}
	older := modern.Clone()
	older.SessionTicketsDisabled = true
	modern.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if slices.Contains(hello.SupportedVersions, tls.VersionTLS13) {
			return nil, nil
		}
		return older, nil
	}
	return modern
}
