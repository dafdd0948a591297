package config

import (
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"heliograph/internal/admin"
	"heliograph/internal/inventory"
	"heliograph/internal/numbering"
	"heliograph/internal/sms"
	"heliograph/internal/trace"
)

var (
	accountForm = regexp.MustCompile(`^[0-9]{12}$`)
	regionForm  = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]+$`)
	// headerForm is a token of RFC 9110, section 5.6.2.
	headerForm = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")
	// nameForm keeps carriers' names fit for files, metrics and lanes.
	nameForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$`)
)

// checker finds the first value that cannot be used.
type checker struct {
	where    map[string]string
	carriers []string
	err      error
}

// fail keeps the first problem, with where its key, or the nearest one around it,
// was given.
func (k *checker) fail(path, format string, args ...any) {
	if k.err != nil {
		return
	}
	k.err = fmt.Errorf("%s: %w", path, fmt.Errorf(format, args...))
	for at := path; at != ""; at = parent(at) {
		if where := k.where[at]; where != "" {
			k.err = fmt.Errorf("%s: %w", where, k.err)
			return
		}
	}
}

func parent(path string) string {
	return path[:max(strings.LastIndexAny(path, ".["), 0)]
}

func (k *checker) check(c *Config) error {
	k.basics(c)
	k.api(c.API)
	k.operator(c.Operator)
	k.aws(c.AWS)
	k.tracing(c.Tracing)
	k.audit(c.Audit)
	k.checkCarriers(c)
	k.numbers(c)
	k.senderIDs(c)
	k.sharedRoutes(c)
	k.behaviour(c)
	k.encryption(c.Encryption)
	k.redaction(c.Retention)
	k.identity(c.Identity)
	return k.err
}

func (k *checker) basics(c *Config) {
	if c.DataDir == "" {
		k.fail("data_dir", "a directory is needed")
	}
	// What it holds is not repeated: it may have a password.
	if c.Database != SQLite && !strings.HasPrefix(c.Database, "postgres://") && !strings.HasPrefix(c.Database, "postgresql://") {
		k.fail("database", "it is neither sqlite nor a URL that begins with postgres://")
	}
	if !regionForm.MatchString(c.Region) {
		k.fail("region", "%q is no region, such as us-east-1", c.Region)
	}
	if !accountForm.MatchString(c.Account) {
		k.fail("account", "%q is no account id: twelve digits are needed", c.Account)
	}
	oneOf(k, "tier", c.Tier, Sandbox, Production)
	if c.Prices != "" {
		if _, err := os.Stat(c.Prices); err != nil {
			k.fail("prices", "%w", err)
		}
	}
}

func oneOf[T ~string](k *checker, path string, value T, allowed ...T) {
	if !slices.Contains(allowed, value) {
		k.fail(path, "%q is not %s", value, list(allowed, "or"))
	}
}

func (k *checker) api(a API) {
	host, port, err := net.SplitHostPort(a.Listen)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		k.fail("api.listen", "%q is not host:port, such as 127.0.0.1:7670", a.Listen)
	}
	if at, err := netip.ParseAddr(host); !a.TLS.Enabled() && !a.AllowHTTP && host != "localhost" && (err != nil || !at.IsLoopback()) {
		k.fail("api.listen", "%q can be reached from other machines, which needs TLS (api.tls); api.allow_http allows HTTP, for instance behind a proxy with TLS", a.Listen)
	}
	if u, err := url.Parse(a.PublicURL); a.PublicURL != "" &&
		(err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil) {
		k.fail("api.public_url", "%q is not a URL with http or https, such as https://sms.example.com", a.PublicURL)
	}
	if (a.TLS.CertFile == "") != (a.TLS.KeyFile == "") {
		k.fail("api.tls", "cert_file and key_file are needed together")
	}
	if a.MaxConnections < 1 {
		k.fail("api.max_connections", "%d is not a number of connections above 0", a.MaxConnections)
	}
}

func (k *checker) operator(o Operator) {
	if o.Listen == "" {
		return
	}
	host, port, err := net.SplitHostPort(o.Listen)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		k.fail("operator.listen", "%q is not host:port, such as 127.0.0.1:7671", o.Listen)
		return
	}
	if at, err := netip.ParseAddr(host); !o.AllowRemote && (err != nil || !at.IsLoopback()) {
		k.fail("operator.listen", "%q is not a loopback address, such as 127.0.0.1:7671; operator.allow_remote allows others", o.Listen)
	}
}

func (k *checker) aws(a AWS) {
	k.endpoint("aws.endpoint_url", a.EndpointURL)
	k.endpoint("aws.s3_endpoint_url", a.S3EndpointURL)
	k.endpoint("aws.connect_endpoint_url", a.ConnectEndpointURL)
}

func (k *checker) endpoint(key, address string) {
	if address == "" || address == "aws" {
		return
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		k.fail(key, "%q is neither empty, nor aws, nor a URL with http or https", address)
	}
}

func (k *checker) tracing(t Tracing) {
	if t.Endpoint != "" {
		if _, err := trace.Endpoint(t.Endpoint); err != nil {
			k.fail("tracing.endpoint", "%w", err)
		}
	}
	if !(t.SampleRatio >= 0 && t.SampleRatio <= 1) {
		k.fail("tracing.sample_ratio", "%v is not a share from 0 to 1", t.SampleRatio)
	}
	for name, value := range t.Headers {
		// Values are not repeated: they may be secrets.
		if !headerForm.MatchString(name) {
			k.fail("tracing.headers", "%q is no name of a header", name)
		} else if strings.ContainsFunc(value, unicode.IsControl) {
			k.fail("tracing.headers", "the value of %s has characters that no header can have", name)
		}
	}
}

func (k *checker) checkCarriers(c *Config) {
	for i, r := range c.Carriers {
		path := fmt.Sprintf("carriers[%d]", i)
		switch {
		case !nameForm.MatchString(r.Name):
			k.fail(path+".name", "%q is no name: 1 to 32 letters, digits, _ and - are allowed, the first a letter or digit", r.Name)
		case slices.Contains(k.carriers, r.Name):
			k.fail(path+".name", "there is another carrier named %s", r.Name)
		case r.Name == inventory.SimulatorCarrier && r.Sim == nil:
			k.fail(path+".name", "%s is the simulator, which only a sim section configures", r.Name)
		case (r.SMPP == nil) == (r.Sim == nil):
			k.fail(path, "exactly one of smpp and sim is needed")
		case r.PartsPerSecond < 0:
			k.fail(path+".parts_per_second", "%v is negative; 0 is no limit", r.PartsPerSecond)
		}
		k.shards(path+".shards", r)
		k.carriers = append(k.carriers, r.Name)
		if r.SMPP != nil {
			if err := r.SMPP.Validate(); err != nil {
				k.fail(path+".smpp", "%w", err)
			}
		}
		if r.Sim != nil {
			k.sim(path+".sim", *r.Sim)
		}
	}
	if !slices.Contains(k.carriers, c.DefaultCarrier) {
		k.carrier("default_carrier", c.DefaultCarrier)
	}
}

// maxShards bounds the shards of a carrier.
const maxShards = 64

func (k *checker) shards(path string, r Carrier) {
	switch {
	case r.Shards < 0 || r.Shards > maxShards:
		k.fail(path, "%d is not a number from 1 to %d", r.Shards, maxShards)
	case r.SMPP != nil && r.Shards > max(r.SMPP.Sessions, 1):
		k.fail(path, "%d shards need as many sessions, and there are %d", r.Shards, max(r.SMPP.Sessions, 1))
	}
}

func (k *checker) sim(path string, s Sim) {
	if s.ReceiptDelay < 0 {
		k.fail(path+".receipt_delay", "%s is negative", s.ReceiptDelay)
	}
	if s.Window < 0 {
		k.fail(path+".window", "%d is negative", s.Window)
	}
	if err := s.Faults.Validate(); err != nil {
		k.fail(path+".faults", "%w", err)
	}
}

func (k *checker) carrier(path, name string) {
	if !slices.Contains(k.carriers, name) {
		k.fail(path, "there is no carrier %q; configured are %s", name, list(k.carriers, "and"))
	}
}

func (k *checker) numbers(c *Config) {
	seen := map[string]int{}
	for i, n := range c.Numbers {
		path := fmt.Sprintf("numbers[%d]", i)
		if field, err := admin.CheckNumber(n.Inventory()); err != nil {
			k.fail(path+"."+field, "%w", err)
		}
		k.carrier(path+".carrier", n.Carrier)
		if other, twice := seen[n.Number]; twice {
			k.fail(path+".number", "%s is also numbers[%d]", n.Number, other)
		}
		seen[n.Number] = i
	}
}

func (k *checker) senderIDs(c *Config) {
	seen := map[string]int{}
	for i, s := range c.SenderIDs {
		path := fmt.Sprintf("sender_ids[%d]", i)
		if err := numbering.CheckSenderID(s.SenderID, s.Country, true); err != nil {
			k.fail(path, "%w", err)
		} else if country, _ := numbering.Lookup(s.Country); country.SenderIDs == numbering.SenderIDsNo {
			k.fail(path+".country", "%s does not support sender IDs", s.Country)
		}
		k.carrier(path+".carrier", s.Carrier)
		k.rate(path, s.PartsPerSecond)
		key := s.SenderID + "/" + s.Country
		if other, twice := seen[key]; twice {
			k.fail(path, "%s for %s is also sender_ids[%d]", s.SenderID, s.Country, other)
		}
		seen[key] = i
	}
}

func (k *checker) rate(path string, partsPerSecond float64) {
	if !(partsPerSecond >= 0) {
		k.fail(path+".parts_per_second", "%v is not a number of message parts a second; 0 is the guide's figure", partsPerSecond)
	}
}

func (k *checker) sharedRoutes(c *Config) {
	for i, r := range c.SharedRoutes {
		path := fmt.Sprintf("shared_routes[%d]", i)
		if len(r.Countries) == 0 {
			k.fail(path+".countries", "at least one country is needed, or *")
		}
		for _, country := range r.Countries {
			if _, ok := numbering.Lookup(country); !ok && country != everyCountry {
				k.fail(path+".countries", "%q is no country that is served", country)
			} else if country == "US" || country == "CN" {
				k.fail(path+".countries", "there are no shared routes in %s", country)
			}
		}
		k.carrier(path+".carrier", r.Carrier)
		k.rate(path, r.PartsPerSecond)
		if r.SenderID == "" && r.Number == "" {
			k.fail(path, "sender_id or number is needed: what recipients see")
		}
		if r.SenderID != "" {
			if err := numbering.CheckSenderID(r.SenderID, anyCountry, true); err != nil {
				k.fail(path+".sender_id", "%w", err)
			}
		}
		if r.Number != "" && !admin.IsShortCode(r.Number) {
			if _, err := numbering.Parse(r.Number); err != nil || !strings.HasPrefix(r.Number, "+") {
				k.fail(path+".number", "%q is neither a phone number in E.164 format nor a short code", r.Number)
			}
		}
	}
}

// anyCountry has no rules of its own for sender IDs.
const anyCountry = "GB"

// mostKept is the longest time that anything old is kept, if not for ever.
const mostKept = 10 * 365 * 24 * time.Hour

func (k *checker) duration(path string, value, least, most time.Duration) {
	if value < least || value > most {
		k.fail(path, "%s: %s to %s are allowed", value, least, most)
	}
}

func (k *checker) behaviour(c *Config) {
	if c.Retention.Messages != 0 { // or else for ever
		k.duration("retention.messages", c.Retention.Messages, time.Minute, mostKept)
	}
	durations := []struct {
		path        string
		value       time.Duration
		least, most time.Duration
	}{
		{"recipient_interval", c.RecipientInterval, 0, time.Hour},
		{"failover_after", c.FailoverAfter, 0, sms.ReceiptWait},
		{"two_way.reassembly_timeout", c.TwoWay.ReassemblyTimeout, time.Second, 24 * time.Hour},
		{"events.retention", c.Events.Retention, time.Minute, mostKept},
		{"retention.receipts", c.Retention.Receipts, sms.ReceiptWait, mostKept},
	}
	for _, d := range durations {
		k.duration(d.path, d.value, d.least, d.most)
	}
	oneOf(k, "lost_outcomes.transactional", c.LostOutcomes.Transactional, Resend, GiveUp)
	oneOf(k, "lost_outcomes.promotional", c.LostOutcomes.Promotional, Resend, GiveUp)
	counts := []struct {
		path  string
		value int
	}{
		{"phone_numbers", c.Limits.PhoneNumbers}, {"pools", c.Limits.Pools}, {"configuration_sets", c.Limits.ConfigurationSets},
		{"opt_out_lists", c.Limits.OptOutLists}, {"sender_ids", c.Limits.SenderIDs},
		{"origination_identities_per_pool", c.Limits.OriginationIdentitiesPerPool},
		{"event_destinations_per_configuration_set", c.Limits.EventDestinationsPerSet}, {"tags_per_resource", c.Limits.TagsPerResource},
		{"registrations", c.Limits.Registrations}, {"registration_attachments", c.Limits.RegistrationAttachments},
		{"verified_destination_numbers", c.Limits.VerifiedDestinationNumbers}, {"keywords", c.Limits.Keywords},
		{"protect_configurations", c.Limits.ProtectConfigurations},
	}
	for _, n := range counts {
		if n.value < 0 {
			k.fail("limits."+n.path, "%d is negative", n.value)
		}
	}
	if c.TwoWay.AnswersPerHour < 0 {
		k.fail("two_way.answers_per_hour", "%d: 0 (no limit) or more is allowed", c.TwoWay.AnswersPerHour)
	}
	if c.Events.LocalFileBytes < 1<<16 {
		k.fail("events.local_file_bytes", "%d: at least %d are needed", c.Events.LocalFileBytes, 1<<16)
	}
	if c.Events.LocalFiles < 2 {
		k.fail("events.local_files", "%d: at least 2 are needed", c.Events.LocalFiles)
	}
	if err := new(slog.Level).UnmarshalText([]byte(c.Log.Level)); err != nil {
		k.fail("log.level", "%q is not debug, info, warn or error", c.Log.Level)
	}
	oneOf(k, "log.format", c.Log.Format, LogText, LogJSON)
}
