package origin

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"heliograph/internal/sms"
)

func TestPool(t *testing.T) {
	gb := func(id string) *sms.PhoneNumber { return number(id, id, "GB", sms.LongCode) }
	on := func(carrier string, n *sms.PhoneNumber) *sms.PhoneNumber { n.Carrier = carrier; return n }
	pending := func(n *sms.PhoneNumber) *sms.PhoneNumber { n.Status = sms.NumberPending; return n }
	abroad := func(n *sms.PhoneNumber) *sms.PhoneNumber { n.InternationalSending = true; return n }
	last := func(identity string) func(string, string) string {
		return func(pool, recipient string) string {
			if pool != "pool-1" || recipient != inBritain {
				return ""
			}
			return identity
		}
	}
	acmeUp := func(carrier string) bool { return carrier == "acme" }
	allDown := func(string) bool { return false }
	loads := func(m map[string]float64) func(string) float64 { return func(lane string) float64 { return m[lane] } }
	numbers := func(n ...*sms.PhoneNumber) []*sms.PhoneNumber { return n }
	senders := func(s ...*sms.SenderID) []*sms.SenderID { return s }
	const phone, senderID, sharedRoute = sms.IdentityPhoneNumber, sms.IdentitySenderID, sms.IdentitySharedRoute

	for name, c := range map[string]struct {
		to      string
		numbers []*sms.PhoneNumber
		senders []*sms.SenderID
		shared  bool
		state   State
		want    want
	}{
		"the only one": {inBritain, numbers(gb("a")), nil, false, State{}, want{"a", phone, ""}},
		"the one that last wrote to the recipient, though it is busier": {inBritain, numbers(gb("a"), gb("b"), gb("c")), nil, false,
			State{Last: last("b"), Backlog: loads(map[string]float64{"phone-number/b": 60})}, want{"b", phone, ""}},
		"a carrier that is up before the one that last wrote": {inBritain, numbers(gb("a"), on("down", gb("b"))), nil, false,
			State{Last: last("b"), Healthy: acmeUp}, want{"a", phone, ""}},
		"the one that last wrote where every carrier is down": {inBritain, numbers(gb("a"), gb("b"), gb("c")), nil, false,
			State{Last: last("b"), Healthy: allDown}, want{"b", phone, ""}},
		"one that left the pool is forgotten":        {inBritain, numbers(gb("a")), nil, false, State{Last: last("gone")}, want{"a", phone, ""}},
		"one that cannot send any more is forgotten": {inBritain, numbers(gb("a"), pending(gb("b"))), nil, false, State{Last: last("b")}, want{"a", phone, ""}},
		"the least loaded": {inBritain, numbers(gb("a"), gb("b"), gb("c")), nil, false,
			State{Backlog: loads(map[string]float64{"phone-number/a": 2, "phone-number/b": 0.5, "phone-number/c": 1})}, want{"b", phone, ""}},
		"a carrier that is up before the least loaded": {inBritain, numbers(gb("a"), on("down", gb("b"))), nil, false,
			State{Backlog: loads(map[string]float64{"phone-number/a": 2}), Healthy: acmeUp}, want{"a", phone, ""}},
		"PENDING is passed over":           {inBritain, numbers(pending(gb("a")), gb("b")), nil, false, State{}, want{"b", phone, ""}},
		"only PENDING ones":                {inBritain, numbers(pending(gb("a"))), nil, false, State{}, want{reason: sms.ReasonNoOriginationIdentitiesFound}},
		"no members":                       {inBritain, nil, nil, false, State{}, want{reason: sms.ReasonNoOriginationIdentitiesFound}},
		"the number of the country":        {inBritain, numbers(number("fr", "fr", "FR", sms.LongCode), gb("a")), nil, false, State{}, want{"a", phone, ""}},
		"a number that sends abroad":       {inFrance, numbers(gb("a"), abroad(gb("b"))), nil, false, State{}, want{"b", phone, ""}},
		"nothing for the country":          {inFrance, numbers(gb("a")), senders(sender("HELIO", "GB", false)), false, State{}, want{reason: sms.ReasonNoOriginationIdentitiesFound}},
		"nothing for it, shared routes on": {inFrance, numbers(gb("a")), nil, true, State{}, want{"NOTICE", sharedRoute, ""}},
		"shared routes on, but a member":   {inBritain, numbers(gb("a")), nil, true, State{}, want{"a", phone, ""}},
		"shared routes on, but the US":     {inUS, numbers(gb("a")), nil, true, State{}, want{reason: sms.ReasonNoOriginationIdentitiesFound}},
		"a sender ID":                      {inGermany, numbers(gb("a")), senders(sender("HELIO", "DE", false), sender("HELIO", "GB", false)), false, State{}, want{"HELIO", senderID, ""}},
		"a sender ID and a number share the load": {inBritain, numbers(gb("a")), senders(sender("HELIO", "GB", false)), false,
			State{Backlog: loads(map[string]float64{"phone-number/a": 1})}, want{"HELIO", senderID, ""}},
		"a registered sender ID":                      {inKuwait, nil, senders(sender("HELIO", "KW", true)), false, State{}, want{"HELIO", senderID, ""}},
		"an unregistered one is no member to send as": {inKuwait, nil, senders(sender("HELIO", "KW", false)), false, State{}, want{reason: sms.ReasonNoOriginationIdentitiesFound}},
		"an unregistered one, shared routes on":       {inKuwait, nil, senders(sender("HELIO", "KW", false)), true, State{}, want{"NOTICE", sharedRoute, ""}},
		"an unregistered one in Singapore":            {inSingapore, nil, senders(sender("HELIO", "SG", false)), false, State{}, want{"LIKELY-SCAM", senderID, ""}},
		"simulator to simulator":                      {simulatorUS, numbers(number("sim", "sim", "US", sms.Simulator)), nil, false, State{}, want{"sim", phone, ""}},
		"simulator to a person":                       {inUS, numbers(number("sim", "sim", "US", sms.Simulator)), nil, true, State{}, want{reason: sms.ReasonNoOriginationIdentitiesFound}},
		"simulator to another country's":              {simulatorGB, numbers(number("sim", "sim", "US", sms.Simulator)), nil, false, State{}, want{reason: sms.ReasonNoOriginationIdentitiesFound}},
	} {
		t.Run(name, func(t *testing.T) {
			a := Account{ID: "111122223333", Shared: everywhere}
			p := &sms.Pool{ID: "pool-1", SharedRoutes: c.shared}
			r, err := Pool(to(t, c.to), a, p, c.numbers, c.senders, c.state)
			c.want.check(t, r, err)
			if err == nil && r.PoolID != "pool-1" {
				t.Errorf("pool %q", r.PoolID)
			}
		})
	}
}

func TestPoolSaysWhy(t *testing.T) {
	a := []*sms.PhoneNumber{number("a", "a", "GB", sms.LongCode)}
	down := State{Healthy: func(string) bool { return false }}
	if r, _ := Pool(to(t, inBritain), Account{}, &sms.Pool{ID: "pool-1"}, a, nil, down); !strings.Contains(r.Why, "no member's carrier is up") {
		t.Error(r.Why)
	}
	last := State{Last: func(string, string) string { return "a" }}
	if r, _ := Pool(to(t, inBritain), Account{}, &sms.Pool{ID: "pool-1"}, a, nil, last); !strings.Contains(r.Why, "last wrote") {
		t.Error(r.Why)
	}
}

// Where nothing else decides, recipients spread over the members, and each gets
// the same one every time.
func TestPoolSpreadsRecipients(t *testing.T) {
	var members []*sms.PhoneNumber
	for i := range 5 {
		n := fmt.Sprintf("+44770090010%d", i)
		members = append(members, number("phone-"+n, n, "GB", sms.LongCode))
	}
	counts := map[string]int{}
	const recipients = 5_000
	for i := range recipients {
		d := to(t, fmt.Sprintf("+447700%06d", i))
		first, err := Pool(d, Account{}, &sms.Pool{ID: "pool-1"}, members, nil, State{})
		if err != nil {
			t.Fatal(err)
		}
		counts[first.Identity]++
		if i%100 == 0 {
			if again, _ := Pool(d, Account{}, &sms.Pool{ID: "pool-1"}, members, nil, State{}); again.Identity != first.Identity {
				t.Fatalf("%s, then %s", first.Identity, again.Identity)
			}
		}
	}
	for n := range maps.Values(counts) {
		if n < recipients/5*8/10 || n > recipients/5*12/10 {
			t.Errorf("unevenly spread: %v", counts)
			break
		}
	}
	if len(counts) != len(members) {
		t.Errorf("%d of %d members are used", len(counts), len(members))
	}
}

// choose against the definition: sorted by rank, load, tie.
func TestChoose(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 6).Draw(t, "n")
		ranks := rapid.SliceOfN(rapid.IntRange(unable, 2), n, n).Draw(t, "ranks")
		loads := rapid.SliceOfN(rapid.IntRange(0, 2), n, n).Draw(t, "loads")
		ties := rapid.SliceOfN(rapid.Uint64Range(0, 2), n, n).Draw(t, "ties")
		want := -1
		for i := range n {
			if ranks[i] == unable {
				continue
			}
			if want < 0 || ranks[i] < ranks[want] || ranks[i] == ranks[want] && (loads[i] < loads[want] ||
				loads[i] == loads[want] && ties[i] < ties[want]) {
				want = i
			}
		}
		got := choose(n, func(i int) int { return ranks[i] }, func(i int) float64 { return float64(loads[i]) }, func(i int) uint64 { return ties[i] })
		if got != want {
			t.Fatalf("chose %d, want %d", got, want)
		}
	})
	if got := points(true, false, true); got != 5 {
		t.Errorf("points %d", got)
	}
}
