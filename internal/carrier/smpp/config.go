package smpp

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"time"
)

// Config is how to reach and bind to a message centre: the smpp section of a
// carrier. A zero value means the default named with it.
type Config struct {
	// Address is host:port. Addresses are several instead; sessions are spread
	// over them, and one that fails tries the next.
	Address   string   `yaml:"address"`
	Addresses []string `yaml:"addresses"`
	TLS       TLS      `yaml:"tls"`

	SystemID         string `yaml:"system_id"`
	Password         string `yaml:"password"`
	SystemType       string `yaml:"system_type"`
	AddressRange     string `yaml:"address_range"`     // most message centres want it empty
	InterfaceVersion uint8  `yaml:"interface_version"` // 0x34; 0x33 and 0x50 are the others

	Bind     BindMode `yaml:"bind"`     // transceiver
	Sessions int      `yaml:"sessions"` // 1, at most 64; pairs where Bind is transmitter_receiver
	Window   int      `yaml:"window"`   // 100 parts unanswered in a session, at most 10,000

	EnquireLink     time.Duration `yaml:"enquire_link"`     // 30s of silence
	ResponseTimeout time.Duration `yaml:"response_timeout"` // 10s
	ThrottlePause   time.Duration `yaml:"throttle_pause"`   // 1s for which a throttled carrier is left alone
	ReconnectMin    time.Duration `yaml:"reconnect_min"`    // 500ms
	ReconnectMax    time.Duration `yaml:"reconnect_max"`    // 30s

	Profile Profile `yaml:"profile"`
}

// TLS is the protection of the connection. The message centre's certificate is
// always verified.
type TLS struct {
	Enabled    bool   `yaml:"enabled"`
	CAFile     string `yaml:"ca_file"`     // PEM; empty trusts what the system trusts
	ServerName string `yaml:"server_name"` // empty is the host of the address
	CertFile   string `yaml:"cert_file"`   // PEM, for message centres that ask for one
	KeyFile    string `yaml:"key_file"`
}

// BindMode is how a session is bound (SMPP 3.4 section 2.2).
type BindMode string

const (
	Transceiver         BindMode = "transceiver"
	TransmitterReceiver BindMode = "transmitter_receiver" // a session each way
)

const (
	maxSessions = 64
	maxWindow   = 10_000
)

// withDefaults fills in what is not set. It does not validate.
func (c Config) withDefaults() Config {
	if c.Address != "" && len(c.Addresses) == 0 {
		c.Addresses = []string{c.Address}
	}
	c.InterfaceVersion = orDefault(c.InterfaceVersion, 0x34)
	c.Bind = orDefault(c.Bind, Transceiver)
	c.Sessions = orDefault(c.Sessions, 1)
	c.Window = orDefault(c.Window, 100)
	c.EnquireLink = orDefault(c.EnquireLink, 30*time.Second)
	c.ResponseTimeout = orDefault(c.ResponseTimeout, 10*time.Second)
	c.ThrottlePause = orDefault(c.ThrottlePause, time.Second)
	c.ReconnectMin = orDefault(c.ReconnectMin, 500*time.Millisecond)
	c.ReconnectMax = orDefault(c.ReconnectMax, 30*time.Second)
	c.Profile = c.Profile.withDefaults()
	return c
}

func orDefault[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

// Validate names the first key that cannot be used, and what is allowed.
func (c Config) Validate() error {
	if c.Address != "" && len(c.Addresses) > 0 {
		return errors.New("address and addresses: only one of them may be given")
	}
	c = c.withDefaults()
	if len(c.Addresses) == 0 {
		return errors.New("address: host:port of the message centre is needed")
	}
	for _, a := range c.Addresses {
		if host, port, err := net.SplitHostPort(a); err != nil || host == "" || port == "" {
			return fmt.Errorf("address: %q is not host:port", a)
		}
	}
	lengths := []struct {
		key, value string
		most       int
	}{ // system_id and password: longer than SMPP 3.4 section 5.2 has room for, as message centres give them out
		{"system_id", c.SystemID, 63}, {"password", c.Password, 63},
		{"system_type", c.SystemType, 12}, {"address_range", c.AddressRange, 40},
	}
	for _, l := range lengths {
		if len(l.value) > l.most {
			return fmt.Errorf("%s: it has %d characters, at most %d are allowed", l.key, len(l.value), l.most)
		}
	}
	switch c.InterfaceVersion {
	case 0x33, 0x34, 0x50:
	default:
		return fmt.Errorf("interface_version: 0x%02x is none of 0x33, 0x34 and 0x50", c.InterfaceVersion)
	}
	if c.Bind != Transceiver && c.Bind != TransmitterReceiver {
		return fmt.Errorf("bind: %q is neither %s nor %s", c.Bind, Transceiver, TransmitterReceiver)
	}
	if c.Sessions < 1 || c.Sessions > maxSessions {
		return fmt.Errorf("sessions: %d, 1 to %d are allowed", c.Sessions, maxSessions)
	}
	if c.Window < 1 || c.Window > maxWindow {
		return fmt.Errorf("window: %d, 1 to %d are allowed", c.Window, maxWindow)
	}
	durations := []struct {
		key   string
		value time.Duration
	}{
		{"enquire_link", c.EnquireLink}, {"response_timeout", c.ResponseTimeout}, {"throttle_pause", c.ThrottlePause},
		{"reconnect_min", c.ReconnectMin}, {"reconnect_max", c.ReconnectMax},
	}
	for _, d := range durations {
		if d.value < time.Millisecond || d.value > time.Hour {
			return fmt.Errorf("%s: %s, 1ms to 1h are allowed", d.key, d.value)
		}
	}
	if c.ReconnectMax < c.ReconnectMin {
		return fmt.Errorf("reconnect_max: %s is shorter than reconnect_min, %s", c.ReconnectMax, c.ReconnectMin)
	}
	if !c.TLS.Enabled && c.TLS != (TLS{}) {
		return errors.New("tls: enabled has to be true where anything else is set")
	}
	if (c.TLS.CertFile == "") != (c.TLS.KeyFile == "") {
		return errors.New("tls: cert_file and key_file are needed together")
	}
	if err := c.Profile.validate(); err != nil {
		return fmt.Errorf("profile: %w", err)
	}
	return nil
}

// config reads the files; it is nil where TLS is off.
func (t TLS) config() (*tls.Config, error) {
	if !t.Enabled {
		return nil, nil
	}
	out := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName}
	if t.CAFile != "" {
		pem, err := os.ReadFile(t.CAFile)
		if err != nil {
			return nil, fmt.Errorf("tls: ca_file: %w", err)
		}
		out.RootCAs = x509.NewCertPool()
		if !out.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("tls: ca_file: %s has no certificate in PEM", t.CAFile)
		}
	}
	if t.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("tls: cert_file and key_file: %w", err)
		}
		out.Certificates = []tls.Certificate{pair}
	}
	return out, nil
}

// Capacity is how many parts may be unanswered in all sessions together.
func (c Config) Capacity() int {
	c = c.withDefaults()
	return c.Sessions * c.Window
}
