package config

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"heliograph/internal/api"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

func none(string) (string, bool) { return "", false }

func variables(of map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		v, ok := of[name]
		return v, ok
	}
}

func load(t *testing.T, text string) Config {
	t.Helper()
	c, err := parse("test.yaml", []byte(text), none)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestDefaults(t *testing.T) {
	c := load(t, "")
	if c.API.Listen != "127.0.0.1:7670" || c.DataDir != "./data" || c.Region != "us-east-1" || c.Database != "sqlite" {
		t.Errorf("%+v", c)
	}
	if c.Account != "111122223333" || c.AccountTier() != resources.Sandbox {
		t.Errorf("account %s, %s", c.Account, c.AccountTier())
	}
	if c.Limits.Spend(sms.ChannelText) != resources.SpendByTier || c.Limits.Spend(sms.ChannelVoice) != resources.SpendByTier || !c.SimulatedInventory || c.Limits.API() != api.DefaultLimits() {
		t.Errorf("limits %+v, simulated inventory %v", c.Limits, c.SimulatedInventory)
	}
	if len(c.Carriers) != 1 || c.Carriers[0].Name != "sim" || c.Carriers[0].Sim == nil || c.DefaultCarrier != "sim" {
		t.Errorf("carriers %+v, default %s", c.Carriers, c.DefaultCarrier)
	}
	want := []sms.SharedRoute{{Countries: []string{"*"}, Carrier: "sim", SenderID: "NOTICE", Number: "+12025550100"}}
	if diff := cmp.Diff(want, c.Routes()); diff != "" {
		t.Error(diff)
	}
	rates, err := c.API.RequestRates.Rates()
	if err != nil || rates["CreatePool"] != 1 {
		t.Errorf("rates %v: %v", rates, err)
	}
}

const full = `
data_dir: /var/lib/heliograph
database: sqlite
region: cn-north-1
account: 012345678901
tier: production
api:
  listen: ":8443"
  tls: {cert_file: cert.pem, key_file: key.pem}
  request_rates: {CreatePool: 5, SendTextMessage: 0}
  max_connections: 100
operator: {listen: "10.0.0.1:7671", allow_remote: true}
aws: {endpoint_url: aws, connect_endpoint_url: "http://127.0.0.1:4000"}
two_way: {reassembly_timeout: 90s, answers_per_hour: 5}
carriers:
  - name: acme
    smpp:
      address: "127.0.0.1:2775"
      system_id: me
      password: secret
      window: 50
      enquire_link: 15s
      interface_version: 0x50
      tls: {enabled: true}
      profile:
        receipts: false
        source: {short_code: {ton: 6}}
        statuses: {"0x400": {outcome: refused, status: SPAM}}
        country_parameters: {IN_ENTITY_ID: 0x1500}
    parts_per_second: 20.5
  - name: sim
    sim: {receipt_delay: 1s, faults: {refuse_rate: 0.5}}
numbers:
  - {number: "+442079460100", country: GB, type: LONG_CODE, capabilities: [SMS, VOICE], parts_per_second: 10, two_way: true}
  - {number: 12345, country: US, type: SHORT_CODE, carrier: sim}
sender_ids:
  - {sender_id: HELIO, country: GB}
shared_routes:
  - {countries: [GB, FR], sender_id: NOTICE, number: "+442079460101", parts_per_second: 5}
simulated_inventory: true
recipient_interval: 500ms
lost_outcomes: {promotional: give_up}
limits: {text_monthly_spend_usd: 12.5, voice_monthly_spend_usd: unlimited, pools: 3, keywords: 50}
events: {retention: 48h}
tracing: {endpoint: "http://127.0.0.1:4318", sample_ratio: 0.5, headers: {Authorization: Bearer x=y}}
log: {level: debug, format: json}
`

func TestEveryPart(t *testing.T) {
	c := load(t, full)
	if c.Partition() != "aws-cn" || c.Account != "012345678901" || c.AccountTier() != resources.Production {
		t.Errorf("%s %s %s", c.Partition(), c.Account, c.Tier)
	}
	if !c.API.TLS.Enabled() || c.API.Listen != ":8443" || c.API.MaxConnections != 100 || c.AWS.EndpointURL != "aws" {
		t.Errorf("%+v %+v", c.API, c.AWS)
	}
	if c.AWS.ConnectEndpointURL != "http://127.0.0.1:4000" || c.TwoWay != (TwoWay{ReassemblyTimeout: 90 * time.Second, AnswersPerHour: 5}) {
		t.Errorf("%+v %+v", c.AWS, c.TwoWay)
	}
	if c.Operator != (Operator{Listen: "10.0.0.1:7671", AllowRemote: true}) {
		t.Errorf("%+v", c.Operator)
	}
	rates, err := c.API.RequestRates.Rates()
	if err != nil || rates["CreatePool"] != 5 || rates["DeletePool"] != 1 {
		t.Errorf("rates %v: %v", rates, err)
	}
	acme := c.Carriers[0]
	if acme.PartsPerSecond != 20.5 || acme.SMPP.Window != 50 || acme.SMPP.EnquireLink != 15*time.Second || acme.SMPP.InterfaceVersion != 0x50 ||
		!acme.SMPP.TLS.Enabled || *acme.SMPP.Profile.Receipts || acme.SMPP.Profile.Source.ShortCode.TON != 6 ||
		acme.SMPP.Profile.Statuses["0x400"].Status != sms.StatusSpam || acme.SMPP.Profile.CountryParameters["IN_ENTITY_ID"] != 0x1500 {
		t.Errorf("%+v", acme.SMPP)
	}
	if s := c.Carriers[1].Sim; len(c.Carriers) != 2 || s.ReceiptDelay != time.Second || s.Faults.RefuseRate != 0.5 {
		t.Errorf("%+v", c.Carriers)
	}
	numbers, senders := c.Inventory()
	wantNumbers := []sms.InventoryNumber{
		{Number: "+442079460100", Country: "GB", Type: sms.LongCode, Capabilities: []sms.Capability{"SMS", "VOICE"}, Carrier: "acme", PartsPerSecond: 10, TwoWay: true},
		{Number: "12345", Country: "US", Type: sms.ShortCode, Capabilities: []sms.Capability{"SMS"}, Carrier: "sim"},
	}
	if diff := cmp.Diff(wantNumbers, numbers); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]sms.InventorySenderID{{SenderID: "HELIO", Country: "GB", Carrier: "acme"}}, senders); diff != "" {
		t.Error(diff)
	}
	wantRoutes := []sms.SharedRoute{{Countries: []string{"GB", "FR"}, Carrier: "acme", SenderID: "NOTICE", Number: "+442079460101", PartsPerSecond: 5}}
	if diff := cmp.Diff(wantRoutes, c.Routes()); diff != "" {
		t.Error(diff)
	}
	if c.LostOutcomes != (LostOutcomes{Resend, GiveUp}) || c.RecipientInterval != 500*time.Millisecond || !c.SimulatedInventory {
		t.Errorf("%+v", c)
	}
	if c.Limits.Spend(sms.ChannelText) != 12_500_000 || c.Limits.Spend(sms.ChannelVoice) != -1 || c.Limits.Keywords != 50 || c.Limits.Pools != 3 || c.Limits.PhoneNumbers != 25 {
		t.Errorf("%+v", c.Limits)
	}
	if diff := cmp.Diff(Tracing{Endpoint: "http://127.0.0.1:4318", SampleRatio: 0.5, Headers: Headers{"Authorization": "Bearer x=y"}}, c.Tracing); diff != "" {
		t.Error(diff)
	}
	if c.Events.Retention != 48*time.Hour || c.Events.LocalFiles != 16 || c.Log != (Log{"debug", LogJSON}) {
		t.Errorf("%+v %+v", c.Events, c.Log)
	}
}

func TestRetention(t *testing.T) {
	for text, want := range map[string]Retention{
		"{}": {Messages: 90 * 24 * time.Hour, Receipts: 168 * time.Hour},
		"retention: {messages: 0s, receipts: 72h}": {Receipts: 72 * time.Hour},
		"retention: {messages: 5m}":                {Messages: 5 * time.Minute, Receipts: 168 * time.Hour},
	} {
		if c := load(t, text); c.Retention != want {
			t.Errorf("%s: %+v", text, c.Retention)
		}
	}
}

func TestDefaultsThatFollowOthers(t *testing.T) {
	c := load(t, "carriers: [{name: acme, smpp: {address: 'a:1', system_id: x}}]\nnumbers: [{number: '+442079460100', country: GB, type: LONG_CODE}]")
	if c.SimulatedInventory || c.DefaultCarrier != "acme" || len(c.SharedRoutes) != 0 || c.Numbers[0].Carrier != "acme" {
		t.Errorf("%+v", c)
	}
	c = load(t, "shared_routes: []")
	if len(c.SharedRoutes) != 0 {
		t.Errorf("%+v", c.SharedRoutes)
	}
	c = load(t, "api:\nlog:\n  level:")
	if c.API.Listen != "127.0.0.1:7670" || c.Log.Level != "info" {
		t.Errorf("keys without values changed %+v", c)
	}
}

func TestEnvironment(t *testing.T) {
	c, err := parse("test.yaml", []byte("tier: production\napi: {listen: '127.0.0.1:1', request_rates: {CreatePool: 9}}"), variables(map[string]string{
		"HELIOGRAPH_API_LISTEN": "127.0.0.1:2", "HELIOGRAPH_TIER": "sandbox", "HELIOGRAPH_API_REQUEST_RATES": "unlimited",
		"HELIOGRAPH_LIMITS_TEXT_MONTHLY_SPEND_USD": "unlimited", "HELIOGRAPH_RECIPIENT_INTERVAL": "0s",
		"HELIOGRAPH_API_TLS_CERT_FILE": "c", "HELIOGRAPH_API_TLS_KEY_FILE": "k", "HELIOGRAPH_SIMULATED_INVENTORY": "false",
		"HELIOGRAPH_LOST_OUTCOMES_TRANSACTIONAL": "give_up", "HELIOGRAPH_REGION": "",
		"HELIOGRAPH_TRACING_HEADERS": "x-scope=a, Authorization = Basic eA==", "HELIOGRAPH_TRACING_SAMPLE_RATIO": "1",
	}))
	if err != nil {
		t.Fatal(err)
	}
	if c.API.Listen != "127.0.0.1:2" || c.Tier != Sandbox || !c.API.RequestRates.Unlimited || c.Limits.TextMonthlySpend != Unlimited ||
		c.RecipientInterval != 0 || c.API.TLS != (TLS{"c", "k"}) || c.SimulatedInventory || c.LostOutcomes.Transactional != GiveUp || c.Region != "us-east-1" {
		t.Errorf("%+v", c)
	}
	if diff := cmp.Diff(Tracing{SampleRatio: 1, Headers: Headers{"x-scope": "a", "Authorization": "Basic eA=="}}, c.Tracing); diff != "" {
		t.Error(diff)
	}
}

// TestClosedNetworks: what is open to other machines, or to customers' web hooks, says so.
func TestClosedNetworks(t *testing.T) {
	read := func(text string, env map[string]string) Config {
		t.Helper()
		c, err := parse("test.yaml", []byte(text), func(name string) (string, bool) { v, ok := env[name]; return v, ok })
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	for _, text := range []string{"", "api: {listen: '127.0.0.5:1'}", "api: {listen: '[::1]:1'}", "api: {listen: 'localhost:1'}",
		"api: {listen: ':1', allow_http: true}", "api: {listen: ':1', tls: {cert_file: c, key_file: k}}"} {
		if c := read(text, nil); len(c.Egress.AllowNetworks.Prefixes) != 0 {
			t.Errorf("%q allows web hooks in %v", text, c.Egress.AllowNetworks)
		}
	}
	want := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("fd00:1::/32")}
	for _, c := range []Config{read("egress: {allow_networks: [127.0.0.0/8, 'fd00:1::/32']}", nil), read("egress: {allow_networks: '127.0.0.0/8,fd00:1::/32'}", nil),
		read("", map[string]string{"HELIOGRAPH_EGRESS_ALLOW_NETWORKS": "127.0.0.0/8, fd00:1::/32"})} {
		if !slices.Equal(c.Egress.AllowNetworks.Prefixes, want) {
			t.Errorf("got %v", c.Egress.AllowNetworks)
		}
	}
	for text, want := range map[string]bool{"": true, "aws: {endpoint_url: aws}": false, "aws: {endpoint_url: 'http://moto:5000', check_roles: true}": true,
		"aws: {check_roles: false}": false} {
		if c := read(text, nil); c.AWS.CheckRoles != want {
			t.Errorf("%q: roles are checked: %v", text, c.AWS.CheckRoles)
		}
	}
}

func TestKeys(t *testing.T) {
	seen := map[string]string{}
	for _, k := range Keys() {
		if other, twice := seen[k.Environment]; twice && k.Environment != "" {
			t.Errorf("%s and %s have the same variable", k.Path, other)
		}
		seen[k.Environment] = k.Path
		if inList := strings.Contains(k.Path, "[]"); inList && k.Environment != "" {
			t.Errorf("%s has a variable", k.Path)
		}
	}
	for variable, path := range map[string]string{"HELIOGRAPH_API_TLS_CERT_FILE": "api.tls.cert_file", "HELIOGRAPH_LIMITS_TEXT_MONTHLY_SPEND_USD": "limits.text_monthly_spend_usd",
		"HELIOGRAPH_API_REQUEST_RATES": "api.request_rates", "HELIOGRAPH_DATA_DIR": "data_dir"} {
		if seen[variable] != path {
			t.Errorf("%s is %q", variable, seen[variable])
		}
	}
}

// Every key is described where operators look.
func TestKeysAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range Keys() {
		if !strings.Contains(string(text), "`"+k.Path+"`") {
			t.Errorf("docs/operating.md does not describe `%s`", k.Path)
		}
		if k.Environment != "" && !strings.Contains(string(text), "`"+k.Environment+"`") {
			t.Errorf("docs/operating.md does not name `%s`", k.Environment)
		}
	}
}

func TestRefusals(t *testing.T) {
	carrier := "carriers: [{name: acme, smpp: {address: 'a:1'}}]\n"
	for text, want := range map[string]string{
		"regoin: x":                             `test.yaml: line 1: unknown key "regoin"; known are data_dir`,
		"\napi:\n  lisen: x":                    `test.yaml: line 3: api: unknown key "lisen"; known are listen, public_url, tls, endpoint_policy, allow_http, request_rates and max_connections`,
		"tier: [a]":                             `test.yaml: line 1: tier: a text is expected, not a list`,
		"tracing: {endpoint: 'collector:4318'}": `test.yaml: line 1: tracing.endpoint: it is no URL with http or https, such as http://127.0.0.1:4318`,
		"tracing: {endpoint: 'http://me:secret@collector'}":      `tracing.endpoint: it is no URL with http or https`,
		"tracing: {sample_ratio: 1.5}":                           `test.yaml: line 1: tracing.sample_ratio: 1.5 is not a share from 0 to 1`,
		"tracing: {sample_ratio: NaN}":                           `tracing.sample_ratio: NaN is not a share from 0 to 1`,
		"tracing: {headers: [a]}":                                `test.yaml: line 1: tracing.headers: keys and values are expected, not a list`,
		"tracing: {headers: secret}":                             `test.yaml: line 1: tracing.headers: headers are written name=value, with commas between several`,
		"tracing: {headers: {'a b': c}}":                         `tracing.headers: "a b" is no name of a header`,
		"tracing: {headers: {a: \"c\\nd\"}}":                     `tracing.headers: the value of a has characters that no header can have`,
		"api: {listen: ':7670'}":                                 `test.yaml: line 1: api.listen: ":7670" can be reached from other machines, which needs TLS (api.tls); api.allow_http allows HTTP`,
		"api: {listen: '0.0.0.0:7670', allow_http: false}":       `api.listen: "0.0.0.0:7670" can be reached from other machines`,
		"api: {listen: '[::]:7670'}":                             `api.listen: "[::]:7670" can be reached`,
		"api: {listen: 'sms.example.com:7670'}":                  `api.listen: "sms.example.com:7670" can be reached`,
		"egress: {allow_networks: 127.0.0.1}":                    `test.yaml: line 1: egress.allow_networks: "127.0.0.1" is no network, such as 10.1.0.0/16`,
		"egress: {allow_networks: [10.0.0.0/8, 10.1.2.3/16]}":    `egress.allow_networks: "10.1.2.3/16" is no network`,
		"egress: {allow_networks: ['::ffff:10.0.0.0/104']}":      `egress.allow_networks: "::ffff:10.0.0.0/104" is no network`,
		"egress: {allow_networks: {a: b}}":                       `egress.allow_networks: a single value is expected, not keys and values`,
		"aws: {check_roles: sometimes}":                          `aws.check_roles: "sometimes" is not true or false`,
		"operator: {listen: ':7671'}":                            `test.yaml: line 1: operator.listen: ":7671" is not a loopback address, such as 127.0.0.1:7671; operator.allow_remote allows others`,
		"operator: {listen: 'h:1'}":                              `operator.listen: "h:1" is not a loopback address`,
		"operator: {listen: 127.0.0.1}":                          `operator.listen: "127.0.0.1" is not host:port`,
		"api: 5":                                                 `test.yaml: line 1: api: keys and values are expected, not "5"`,
		"numbers: {a: b}":                                        `test.yaml: line 1: numbers: a list is expected, not keys and values`,
		"api: {max_connections: many}":                           `test.yaml: line 1: api.max_connections: "many" is not a whole number`,
		"recipient_interval: 5":                                  `"5" is no duration`,
		"simulated_inventory: yes":                               `"yes" is not true or false`,
		"region: a\nregion: b":                                   `test.yaml: line 2: the key "region" is there twice`,
		"a: &x 1\nb: *x":                                         `unknown key "a"`,
		"region: &x eu-west-1\ntier: *x":                         `test.yaml: line 2: tier: aliases are not allowed`,
		"{":                                                      `test.yaml: yaml:`,
		"region: a\n---\nregion: b":                              `only one YAML document`,
		"account: 1234":                                          `test.yaml: line 1: account: "1234" is no account id: twelve digits are needed`,
		"region: Europe":                                         `region: "Europe" is no region`,
		"tier: free":                                             `tier: "free" is not sandbox or production`,
		"database: mysql":                                        `database: it is neither sqlite nor a URL that begins with postgres://`,
		"api: {listen: localhost}":                               `api.listen: "localhost" is not host:port`,
		"api: {listen: 'a:http'}":                                `api.listen: "a:http" is not host:port`,
		"api: {tls: {cert_file: x}}":                             `api.tls: cert_file and key_file are needed together`,
		"api: {request_rates: slow}":                             `api.request_rates: "slow" is none of guide, unlimited and a map`,
		"api: {request_rates: {Fly: 1}}":                         `request rate of "Fly": there is no such operation`,
		"api: {request_rates: [1]}":                              `a single value is expected, not a list`,
		"api: {public_url: 'sms.example.com'}":                   `api.public_url: "sms.example.com" is not a URL`,
		"api: {public_url: 'https://a/?b=c'}":                    `api.public_url: "https://a/?b=c" is not a URL`,
		"aws: {endpoint_url: localhost}":                         `aws.endpoint_url: "localhost" is neither empty`,
		"aws: {connect_endpoint_url: x}":                         `aws.connect_endpoint_url: "x" is neither empty`,
		"two_way: {answers_per_hour: -1}":                        `two_way.answers_per_hour: -1: 0 (no limit) or more is allowed`,
		"two_way: {reassembly_timeout: 0s}":                      `two_way.reassembly_timeout: 0s: 1s to 24h0m0s are allowed`,
		"aws: {s3_endpoint_url: 'ftp://a'}":                      `aws.s3_endpoint_url: "ftp://a" is neither empty`,
		"prices: missing.csv":                                    `prices: stat missing.csv`,
		"carriers: [{name: sim, smpp: {address: 'a:1'}}]":        `carriers[0].name: sim is the simulator`,
		"carriers: [{name: a}]":                                  `carriers[0]: exactly one of smpp and sim is needed`,
		"carriers: [{name: 'a b', sim: {}}]":                     `carriers[0].name: "a b" is no name`,
		"carriers: [{name: a, sim: {}}, {name: a, sim: {}}]":     `carriers[1].name: there is another carrier named a`,
		"carriers:\n- name: a\n  smpp: {address: nowhere}":       `test.yaml: line 3: carriers[0].smpp: address: "nowhere" is not host:port`,
		"carriers: [{name: a, smpp: {adress: 'a:1'}}]":           `carriers[0].smpp: unknown key "adress"`,
		"carriers: [{name: a, sim: {faults: {refuse_rate: 2}}}]": `carriers[0].sim.faults: refuse_rate is 2`,
		"carriers: [{name: a, sim: {}, parts_per_second: -1}]":   `carriers[0].parts_per_second: -1 is negative`,
		"default_carrier: b":                                     `default_carrier: there is no carrier "b"; configured are sim`,
		"numbers: [{number: '+442079460100', country: GB, type: LONG_CODE, carrier: b}]":                                           `numbers[0].carrier: there is no carrier "b"`,
		"numbers: [{number: '+442079460100', country: GB, type: MOBILE}]":                                                          `numbers[0].type: "MOBILE" is none of SHORT_CODE, LONG_CODE, TOLL_FREE, TEN_DLC`,
		"numbers: [{number: '+442079460100', country: FR, type: LONG_CODE}]":                                                       `numbers[0].number: "+442079460100" is not a number of FR, whose calling code is 33`,
		"numbers: [{number: '+442079460100', country: XX, type: LONG_CODE}]":                                                       `numbers[0].country: "XX" is no country that is served`,
		"numbers: [{number: '442079460100', country: GB, type: LONG_CODE}]":                                                        `"442079460100" is not in E.164 format; "+442079460100" is`,
		"numbers: [{number: '+12', country: US, type: TEN_DLC}]":                                                                   `numbers[0].number: "+12": phone number has a length`,
		"numbers: [{number: '+12065550100', country: US, type: SHORT_CODE}]":                                                       `is no short code: 3 to 8 digits are needed`,
		"numbers: [{number: '+12065550100', country: US, type: SIMULATOR}]":                                                        `SIMULATOR numbers are made when they are requested`,
		"numbers: [{number: '+12065550100', country: US, type: TEN_DLC, capabilities: [FAX]}]":                                     `numbers[0].capabilities: "FAX" is none of SMS, VOICE, MMS, RCS`,
		"numbers: [{number: '+12065550100', country: US, type: TEN_DLC, capabilities: []}]":                                        `at least one is needed`,
		"numbers: [{number: '+12065550100', country: US, type: TEN_DLC, capabilities: [SMS, SMS]}]":                                `SMS is there twice`,
		"numbers: [{number: '+12065550100', country: US, type: TEN_DLC, parts_per_second: -1}]":                                    `numbers[0].parts_per_second: -1 is not a number of message parts a second`,
		"numbers: [{number: '+12065550100', country: US, type: TEN_DLC, parts_per_second: .nan}]":                                  `parts_per_second`,
		"numbers: [{number: '+14254147755', country: US, type: TEN_DLC}]":                                                          `is a destination of the simulator`,
		"numbers:\n- {number: '+12065550100', country: US, type: TEN_DLC}\n- {number: '+12065550100', country: US, type: TEN_DLC}": `test.yaml: line 3: numbers[1].number: +12065550100 is also numbers[0]`,
		"sender_ids: [{sender_id: HELIO, country: US}]":                                                                            `sender_ids[0].country: US does not support sender IDs`,
		"sender_ids: [{sender_id: 'A B', country: GB}]":                                                                            `only A-Z, a-z, 0-9, _ and - are allowed`,
		"sender_ids: [{sender_id: A, country: GB}, {sender_id: A, country: GB}]":                                                   `sender_ids[1]: A for GB is also sender_ids[0]`,
		"shared_routes: [{countries: [], sender_id: A}]":                                                                           `shared_routes[0].countries: at least one country is needed`,
		"shared_routes: [{countries: [US], sender_id: A}]":                                                                         `there are no shared routes in US`,
		"shared_routes: [{countries: [ZZ], sender_id: A}]":                                                                         `"ZZ" is no country that is served`,
		"shared_routes: [{countries: ['*']}]":                                                                                      `sender_id or number is needed`,
		"shared_routes: [{countries: ['*'], number: 'x'}]":                                                                         `neither a phone number in E.164 format nor a short code`,
		"shared_routes: [{countries: ['*'], sender_id: A, parts_per_second: -2}]":                                                  `shared_routes[0].parts_per_second: -2`,
		"recipient_interval: -1s":                `recipient_interval: -1s: 0s to 1h0m0s are allowed`,
		"lost_outcomes: {transactional: drop}":   `lost_outcomes.transactional: "drop" is not resend or give_up`,
		"limits: {pools: -1}":                    `limits.pools: -1 is negative`,
		"limits: {protect_configurations: -1}":   `limits.protect_configurations: -1 is negative`,
		"limits: {text_monthly_spend_usd: lots}": `"lots" is neither an amount in USD`,
		"events: {retention: 1s}":                `events.retention: 1s`,
		"retention: {messages: 30s}":             `retention.messages: 30s: 1m0s to 87600h0m0s are allowed`,
		"retention: {messages: -1h}":             `retention.messages: -1h0m0s`,
		"retention: {receipts: 71h}":             `retention.receipts: 71h0m0s: 72h0m0s to`,
		"retention: {events: 1h}":                `retention: unknown key "events"; known are messages, receipts, bodies and numbers`,
		"events: {local_files: 1}":               `events.local_files: 1: at least 2 are needed`,
		"log: {level: loud}":                     `log.level: "loud" is not debug, info, warn or error`,
		"log: {format: xml}":                     `log.format: "xml" is not text or json`,
		carrier + "carriers: []":                 `the key "carriers" is there twice`,
	} {
		_, err := parse("test.yaml", []byte(text), none)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\n got: %v\nwant: %s", text, err, want)
		}
	}
}

func TestVariableRefusals(t *testing.T) {
	for variable, c := range map[string][2]string{
		"HELIOGRAPH_ACCOUNT":             {"12", `environment variable HELIOGRAPH_ACCOUNT: account: "12" is no account id`},
		"HELIOGRAPH_FAILOVER_AFTER":      {"2", `environment variable HELIOGRAPH_FAILOVER_AFTER: "2" is no duration`},
		"HELIOGRAPH_API_REQUEST_RATES":   {"{}", `environment variable HELIOGRAPH_API_REQUEST_RATES: "{}" is none of`},
		"HELIOGRAPH_API_MAX_CONNECTIONS": {"0", `0 is not a number of connections above 0`},
	} {
		_, err := parse("", nil, variables(map[string]string{variable: c[0]}))
		if err == nil || !strings.Contains(err.Error(), c[1]) {
			t.Errorf("%s=%s: %v", variable, c[0], err)
		}
	}
}

func TestFiles(t *testing.T) {
	t.Chdir(t.TempDir())
	c, err := Load("", none)
	if err != nil || c.File != "" {
		t.Errorf("without a file: %q, %v", c.File, err)
	}
	if _, err := Load("missing.yaml", none); err == nil || !strings.Contains(err.Error(), "missing.yaml") {
		t.Errorf("a file that is missing: %v", err)
	}
	if err := os.WriteFile(DefaultFile, []byte("region: eu-west-2"), 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err = Load("", none); err != nil || c.Region != "eu-west-2" || c.File != DefaultFile {
		t.Errorf("the default file: %+v, %v", c, err)
	}
	other := filepath.Join(t.TempDir(), "other.yaml")
	if err := os.WriteFile(other, []byte("region: eu-west-3"), 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err = Load(other, none); err != nil || c.Region != "eu-west-3" {
		t.Errorf("a named file: %+v, %v", c, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(full)
	f.Add("a: &a [*a]")
	f.Add("? [a]\n: b\n<<: {region: x}")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parse("fuzz.yaml", []byte(text), none)
		if err == nil && (len(c.Carriers) == 0 || c.DefaultCarrier == "" || len(c.Account) != 12) {
			t.Errorf("%q was taken as %+v", text, c)
		}
	})
}
