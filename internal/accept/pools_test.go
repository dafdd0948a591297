package accept

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

func TestRecipientsKeepTheirMember(t *testing.T) {
	d := newDesk(t, nil)
	r := Request{Destination: inGermany, OriginationIdentity: poolGermany, Body: "hello"}
	first := d.accepted(t, r).Route
	d.carriers.backlog[first.Lane] = 100
	for range 3 {
		if got := d.accepted(t, r).Route; got.Identity != first.Identity || !strings.Contains(got.Why, "last wrote") {
			t.Fatalf("%s, then %s: %s", first.Identity, got.Identity, got.Why)
		}
	}
	other := r
	other.Destination = "+4915123456780"
	if got := d.accepted(t, other).Route; got.Identity == first.Identity {
		t.Errorf("a new recipient gets the busiest member, %s", got.Why)
	}
	// While its carrier is down another takes its place, and then keeps it.
	d.carriers.down[first.Carrier] = true
	second := d.accepted(t, r).Route
	d.carriers.down[first.Carrier] = false
	if got := d.accepted(t, r).Route; second.Identity == first.Identity || got.Identity != second.Identity {
		t.Errorf("%s, then %s, then %s", first.Identity, second.Identity, got.Identity)
	}
	// A dry run remembers nothing.
	dry := r
	dry.DryRun = true
	d.carriers.down[second.Carrier] = true
	if _, err := d.send(dry); err != nil {
		t.Fatal(err)
	}
	d.carriers.down[second.Carrier] = false
	if got := d.accepted(t, r).Route; got.Identity != second.Identity {
		t.Errorf("after a dry run %s instead of %s", got.Identity, second.Identity)
	}
}

func TestStickyIsBounded(t *testing.T) {
	s := newSticky()
	recipient := func(i int) string { return fmt.Sprint("+", i) }
	for i := range 3*stickyGeneration + 10 {
		s.put("pool-1", recipient(i), "a")
	}
	if len(s.young) > stickyGeneration || len(s.old) > stickyGeneration {
		t.Errorf("%d and %d are remembered", len(s.young), len(s.old))
	}
	for i, want := range map[int]string{0: "", 3 * stickyGeneration: "a", 3*stickyGeneration - 1: "a", 3*stickyGeneration + 9: "a"} {
		if got := s.get("pool-1", recipient(i)); got != want {
			t.Errorf("recipient %d: %q", i, got)
		}
	}
	if s.get("pool-2", recipient(3*stickyGeneration)) != "" {
		t.Error("pools share their memory")
	}
	s.put("pool-1", recipient(2*stickyGeneration+1), "b") // known as a to the older generation
	if got := s.get("pool-1", recipient(2*stickyGeneration+1)); got != "b" {
		t.Errorf("the older generation is asked first: %q", got)
	}
}

func TestReroute(t *testing.T) {
	d := newDesk(t, nil)
	down := func(names ...string) {
		clear(d.carriers.down)
		for _, name := range names {
			d.carriers.down[name] = true
		}
	}
	sent := func(identity, body string, up string) *sms.Message {
		t.Helper()
		down("acme", "beta", "latin")
		d.carriers.down[up] = false
		return d.accepted(t, Request{Destination: inGermany, OriginationIdentity: identity, Body: body})
	}
	long := strings.Repeat("a", 200)
	for name, c := range map[string]struct {
		message  *sms.Message
		down     []string
		carriers []string // any of which may take it; none: it stays
	}{
		"another takes it":                          {sent(poolGermany, "hello", "acme"), []string{"acme"}, []string{"beta", "latin"}},
		"the one that is up takes it":               {sent(poolGermany, "hello", "acme"), []string{"acme", "beta"}, []string{"latin"}},
		"none is up":                                {sent(poolGermany, "hello", "acme"), []string{"acme", "beta", "latin"}, nil},
		"its own came back: others still may":       {sent(poolGermany, "hello", "acme"), nil, []string{"beta", "latin"}},
		"several parts of the same cut":             {sent(poolGermany, long, "acme"), []string{"acme"}, []string{"beta", "latin"}},
		"an alphabet that lacks a character":        {sent(poolGermany, "€", "acme"), []string{"acme"}, []string{"beta"}},
		"the only one that is up lacks a character": {sent(poolGermany, "€", "acme"), []string{"acme", "beta"}, nil},
		"what left as Unicode leaves so anywhere":   {sent(poolGermany, "€", "latin"), []string{"latin"}, []string{"acme", "beta"}},
		"a number that the request names":           {sent(memberAcme, "hello", "acme"), []string{"acme"}, nil},
	} {
		down(c.down...)
		route, ok := d.Reroute(d.account(), c.message, c.message.Route)
		if ok != (len(c.carriers) > 0) {
			t.Errorf("%s: %v %+v", name, ok, route)
		}
		if ok && (!strings.Contains(strings.Join(c.carriers, " "), route.Carrier) || route.PoolID != poolGermany || route.Identity == c.message.Route.Identity ||
			!strings.HasPrefix(route.Why, "carrier "+c.message.Route.Carrier+" of "+c.message.Route.Identity+" is down; ")) {
			t.Errorf("%s: %+v", name, route)
		}
	}

	// 16-bit references leave less room in a part.
	m := sent(poolGermany, long, "acme")
	down("acme", "latin")
	d.carriers.cuts["beta"] = d.carriers.cuts["wide"]
	if route, ok := d.Reroute(d.account(), m, m.Route); ok {
		t.Errorf("parts cut for acme were moved to %s", route.Carrier)
	}
	// After a move the recipient stays with the new member.
	d.carriers.cuts["beta"] = d.carriers.cuts["acme"]
	if _, ok := d.Reroute(d.account(), m, m.Route); !ok {
		t.Fatal("not moved")
	}
	down()
	if got := d.accepted(t, Request{Destination: inGermany, OriginationIdentity: poolGermany, Body: "hello"}); got.Route.Carrier != "beta" {
		t.Errorf("back at %s", got.Route.Carrier)
	}
	// A pool that was deleted meanwhile.
	if err := d.directory.Change(context.Background(), customer, func(tx *resources.Tx) error { tx.Pools.Delete(poolGermany); return nil }); err != nil {
		t.Fatal(err)
	}
	if route, ok := d.Reroute(d.account(), m, m.Route); ok {
		t.Errorf("moved within a pool that is gone: %+v", route)
	}
}

// What goes to a simulator's destination never leaves for a network.
func TestSimulatorCarrier(t *testing.T) {
	d := newDesk(t, func(o *Options) { o.SimulatorCarrier = "sim" })
	m := d.accepted(t, Request{Destination: simulatorUS, OriginationIdentity: numberUS, Body: "hello"})
	if m.Route.Carrier != "sim" || m.Route.Lane != "phone-number/"+numberUS+"/simulator" || m.Route.Identity != "+12065550100" || m.Price == 0 {
		t.Errorf("%+v for %s", m.Route, m.Price)
	}
	if route, ok := d.Reroute(d.account(), m, m.Route); ok {
		t.Errorf("moved to %s", route.Carrier)
	}
	if m := d.accepted(t, Request{Destination: simulatorUS, OriginationIdentity: numberSim, Body: "hello"}); m.Route.Lane != "phone-number/"+numberSim || m.Price != 0 {
		t.Errorf("%+v for %s", m.Route, m.Price)
	}
	if m := d.accepted(t, Request{Destination: inUS, Body: "hello"}); m.Route.Carrier != "acme" {
		t.Errorf("%+v", m.Route)
	}
}
