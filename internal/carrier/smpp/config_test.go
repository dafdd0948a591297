package smpp

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"heliograph/internal/carrier"
	"heliograph/internal/encode"
	"heliograph/internal/smpp/pdu"
	"heliograph/internal/smpp/receipt"
	"heliograph/internal/sms"
)

const everyKey = `
addresses: ["a.example:2775", "b.example:2775"]
tls: {enabled: true, ca_file: ca.pem, server_name: smsc.example, cert_file: me.pem, key_file: me.key}
system_id: me
password: secret
system_type: VMA
address_range: ^1206
interface_version: 0x50
bind: transmitter_receiver
sessions: 2
window: 50
enquire_link: 15s
response_timeout: 5s
throttle_pause: 250ms
reconnect_min: 1s
reconnect_max: 10s
profile:
  default_alphabet: latin1
  data_coding: 3
  long_messages: sar
  message_id_format: hexadecimal
  receipt_id_format: decimal
  receipts: false
  unmarked_receipts: false
  validity: relative
  service_type: CMT
  source:
    phone_number: {ton: 0, npi: 0}
    short_code: {ton: 6, npi: 9}
    alphanumeric: {ton: 5, npi: 1}
  destination: {ton: 0, npi: 1}
  destination_plus: true
  source_plus: true
  statuses:
    ESME_RSUBMITFAIL: {outcome: retry}
    0x400: {outcome: refused, status: SPAM}
  receipt_states: {ACCEPTD: DELIVERED}
  receipt_errors: {"045": BLOCKED}
  country_parameters: {IN_ENTITY_ID: 0x1500}
`

func TestConfigReadsEveryKey(t *testing.T) {
	var c Config
	in := yaml.NewDecoder(strings.NewReader(everyKey))
	in.KnownFields(true)
	if err := in.Decode(&c); err != nil {
		t.Fatal(err)
	}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	out, err := yaml.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var again Config
	in = yaml.NewDecoder(bytes.NewReader(out))
	in.KnownFields(true)
	if err := in.Decode(&again); err != nil {
		t.Fatal(err)
	}
	p := again.Profile
	if again.Window != 50 || again.EnquireLink != 15*time.Second || again.TLS.ServerName != "smsc.example" || again.InterfaceVersion != 0x50 ||
		*p.Receipts || *p.UnmarkedReceipts || p.ReceiptIDFormat != receipt.Decimal || p.Source.ShortCode.TON != 6 ||
		p.Statuses["0x400"].Status != sms.StatusSpam || p.ReceiptErrors["045"] != sms.StatusBlocked || p.CountryParameters["IN_ENTITY_ID"] != 0x1500 {
		t.Errorf("read %+v", again)
	}
}

func TestConfigDefaults(t *testing.T) {
	c, err := New(Options{Name: "acme", Config: Config{Address: "127.0.0.1:2775"}, PartsPerSecond: 40})
	if err != nil {
		t.Fatal(err)
	}
	want := carrier.Traits{Receipts: true, Alphabet: encode.AlphabetGSM, PartsPerSecond: 40}
	if got := c.Traits(); got != want {
		t.Errorf("traits %+v, want %+v", got, want)
	}
	d := c.config
	if d.Window != 100 || d.Sessions != 1 || d.Bind != Transceiver || d.EnquireLink != 30*time.Second || d.ResponseTimeout != 10*time.Second ||
		d.InterfaceVersion != pdu.Version34 || d.ReconnectMax != 30*time.Second || d.ThrottlePause != time.Second {
		t.Errorf("defaults %+v", d)
	}
}

func TestConfigRefuses(t *testing.T) {
	tests := []struct {
		want   string // begins the error
		change func(*Config)
	}{
		{"address: host:port", func(c *Config) { c.Address = "" }},
		{"address: ", func(c *Config) { c.Address = "nowhere" }},
		{"address: ", func(c *Config) { c.Address = ":2775" }},
		{"address and addresses", func(c *Config) { c.Addresses = []string{"a:1"} }},
		{"system_id", func(c *Config) { c.SystemID = strings.Repeat("x", 64) }},
		{"password", func(c *Config) { c.Password = strings.Repeat("x", 64) }},
		{"system_type", func(c *Config) { c.SystemType = strings.Repeat("x", 13) }},
		{"address_range", func(c *Config) { c.AddressRange = strings.Repeat("x", 41) }},
		{"interface_version", func(c *Config) { c.InterfaceVersion = 34 }},
		{"bind", func(c *Config) { c.Bind = "receiver" }},
		{"sessions", func(c *Config) { c.Sessions = -1 }},
		{"sessions", func(c *Config) { c.Sessions = 65 }},
		{"window", func(c *Config) { c.Window = 20_000 }},
		{"enquire_link", func(c *Config) { c.EnquireLink = -1 }},
		{"response_timeout", func(c *Config) { c.ResponseTimeout = 2 * time.Hour }},
		{"throttle_pause", func(c *Config) { c.ThrottlePause = 1 }},
		{"reconnect_min", func(c *Config) { c.ReconnectMin = -1 }},
		{"reconnect_max", func(c *Config) { c.ReconnectMax = 100 * time.Millisecond }},
		{"tls: enabled", func(c *Config) { c.TLS.CAFile = "ca.pem" }},
		{"tls: cert_file", func(c *Config) { c.TLS = TLS{Enabled: true, CertFile: "me.pem"} }},
		{"profile: default_alphabet", func(c *Config) { c.Profile.DefaultAlphabet = "ebcdic" }},
		{"profile: data_coding", func(c *Config) { c.Profile.DataCoding = 8 }},
		{"profile: long_messages", func(c *Config) { c.Profile.LongMessages = "split" }},
		{"profile: message_id_format", func(c *Config) { c.Profile.MessageIDFormat = "octal" }},
		{"profile: receipt_id_format", func(c *Config) { c.Profile.ReceiptIDFormat = "octal" }},
		{"profile: validity", func(c *Config) { c.Profile.Validity = "forever" }},
		{"profile: service_type", func(c *Config) { c.Profile.ServiceType = "TOOLONG" }},
		{"profile: national_calling_code", func(c *Config) { c.Profile.NationalCallingCode = "+1" }},
		{"profile: statuses", func(c *Config) { c.Profile.Statuses = map[string]StatusRule{"nonsense": {Outcome: RuleRetry}} }},
		{"profile: statuses: 0x58: outcome", func(c *Config) { c.Profile.Statuses = map[string]StatusRule{"0x58": {}} }},
		{"profile: statuses: 0x58: status", func(c *Config) { c.Profile.Statuses = map[string]StatusRule{"0x58": {Outcome: RuleRefused}} }},
		{"profile: statuses: 0x58: status", func(c *Config) {
			c.Profile.Statuses = map[string]StatusRule{"0x58": {Outcome: RuleRetry, Status: sms.StatusSpam}}
		}},
		{"profile: statuses", func(c *Config) {
			c.Profile.Statuses = map[string]StatusRule{"0x58": {Outcome: RuleRetry}, "ESME_RTHROTTLED": {Outcome: RuleRetry}}
		}},
		{"profile: receipt_states: X", func(c *Config) { c.Profile.ReceiptStates = map[string]sms.Status{"X": sms.StatusQueued} }},
		{"profile: receipt_errors: 1", func(c *Config) { c.Profile.ReceiptErrors = map[string]sms.Status{"1": sms.StatusDelivered} }},
		{"tls: ca_file", func(c *Config) { c.TLS = TLS{Enabled: true, CAFile: "no such file"} }},
	}
	for _, tt := range tests {
		c := Config{Address: "127.0.0.1:2775"}
		tt.change(&c)
		_, err := New(Options{Name: "acme", Config: c})
		if err == nil || !strings.HasPrefix(err.Error(), "carrier acme: smpp: "+tt.want) {
			t.Errorf("error %v, want it to begin with %q", err, tt.want)
		}
	}
	if _, err := New(Options{Config: Config{Address: "127.0.0.1:2775"}}); err == nil {
		t.Error("a carrier without a name is made")
	}
	if _, err := New(Options{Name: "acme", PartsPerSecond: -1, Config: Config{Address: "127.0.0.1:2775"}}); err == nil {
		t.Error("a negative rate is taken")
	}
}

// certificate is a self-signed one for 127.0.0.1, and the path of its PEM.
func certificate(t *testing.T) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "smsc.example"}, DNSNames: []string{"smsc.example"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, path
}

func TestTLS(t *testing.T) {
	pair, ca := certificate(t)
	_, otherCA := certificate(t)
	centre := startCentre(t, &tls.Config{Certificates: []tls.Certificate{pair}})
	for name, secure := range map[string]TLS{
		"by the host of the address": {Enabled: true, CAFile: ca},
		"by server_name":             {Enabled: true, CAFile: ca, ServerName: "smsc.example"},
	} {
		t.Run(name, func(t *testing.T) {
			config := centre.config()
			config.TLS = secure
			k := startClient(t, config)
			k.waitUp(1)
			if o := k.outcome(plainPart()); o.Kind != carrier.Accepted {
				t.Errorf("outcome %+v", o)
			}
		})
	}
	for name, secure := range map[string]TLS{
		"another authority": {Enabled: true, CAFile: otherCA},
		"another name":      {Enabled: true, CAFile: ca, ServerName: "other.example"},
		"the system's":      {Enabled: true},
	} {
		t.Run(name, func(t *testing.T) {
			config := centre.config()
			config.TLS = secure
			k := startClient(t, config)
			k.eventually("the certificate is refused", func() bool { return strings.Contains(k.State().Detail, "TLS") })
			if k.Stats().Binds != 0 {
				t.Error("it was bound all the same")
			}
		})
	}
}
