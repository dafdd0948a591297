package usage

import (
	"testing"
	"time"

	"heliograph/internal/sms"
)

// A limit that is lowered makes void what a node has to spend, for all others to
// have.
func TestSharedLimitIsLowered(t *testing.T) {
	p := newPot()
	limit := sms.Money(10_000)
	l := p.ledger(0, func(string, string) sms.Money { return limit })
	at := november.Add(-time.Hour)
	for range 15 {
		send(t, p, l, 10, at)
	}
	d, err := reserve(t.Context(), l, customer, 10, at) // 16 of 31, with a slice of 16
	if err != nil || p.allowed[0] != 310 {
		t.Fatalf("%v, %v", err, p.allowed)
	}
	limit = 165
	if send(t, p, l, 10, at) || p.allowed[0] != 160 {
		t.Errorf("160 are spent or held of %d, %v", limit, p.allowed)
	}
	l.Return(d.taken)
	if !send(t, p, l, 10, at) || send(t, p, l, 10, at) {
		t.Error("what was returned is there once")
	}
	if send(t, p, l, 5, at) != true || p.allowed[0] != 165 || p.spent() != 165 {
		t.Errorf("%v, spent %d", p.allowed, p.spent())
	}
}

// What is given back goes to where it was taken from, however the limit was changed
// meanwhile.
func TestSharedReturnAfterTheLimitChanged(t *testing.T) {
	at := november.Add(-time.Hour)
	for name, c := range map[string]struct {
		before, then, after sms.Money // limits: when it is reserved, returned and spent
		reserved            int
		passes              int // of messages of 1 USD
	}{
		"a limit is set":            {-1, 2 * sms.USD, 2 * sms.USD, 10, 2},
		"the limit is taken away":   {2 * sms.USD, -1, 2 * sms.USD, 2, 2},
		"the limit is lowered":      {10 * sms.USD, 2 * sms.USD, 2 * sms.USD, 10, 2},
		"the limit is raised":       {2 * sms.USD, 4 * sms.USD, 4 * sms.USD, 2, 4},
		"the limit stays as it was": {2 * sms.USD, 2 * sms.USD, 2 * sms.USD, 2, 2},
		"it is lowered afterwards":  {10 * sms.USD, 10 * sms.USD, 2 * sms.USD, 10, 2},
	} {
		for ledger, shared := range map[string]bool{"of several nodes": true, "of one": false} {
			t.Run(name+", "+ledger, func(t *testing.T) {
				p := newPot()
				limit := c.before
				l := NewLedger(p, func(string, string) sms.Money { return limit })
				if shared {
					l = p.ledger(0, func(string, string) sms.Money { return limit })
				}
				var taken []Reservation
				for range c.reserved {
					d, err := reserve(t.Context(), l, customer, sms.USD, at)
					if err != nil {
						t.Fatal(err)
					}
					taken = append(taken, d.taken)
				}
				limit = c.then
				if c.before >= 0 && c.then == c.before/5 && send(t, p, l, sms.USD, at) { // asks, and is refused
					t.Error("more than the limit is reserved, and one more passes")
				}
				for _, r := range taken {
					l.Return(r)
				}
				limit = c.after
				passed := 0
				for range 12 {
					if send(t, p, l, sms.USD, at.Add(2*refusalLasts)) {
						passed++
					}
				}
				if passed != c.passes {
					t.Errorf("%d messages of 1 USD pass, not %d", passed, c.passes)
				}
			})
		}
	}
}

// What is sent while there is no limit counts once there is one again: what was in the
// purse, or comes back to it late, is not spent besides.
func TestSharedLimitIsAwayForAWhile(t *testing.T) {
	p := newPot()
	limit := 100 * sms.USD
	l := p.ledger(0, func(string, string) sms.Money { return limit })
	at := november.Add(-time.Hour)
	for range 15 {
		send(t, p, l, sms.USD, at)
	}
	d, err := reserve(t.Context(), l, customer, sms.USD, at)
	if err != nil || p.allowed[0] <= 16*sms.USD {
		t.Fatalf("%v, %v: the purse is to hold something", p.allowed, err)
	}
	limit = -1
	for p.spent() < 99*sms.USD {
		send(t, p, l, sms.USD, at)
	}
	l.Return(d.taken)
	limit = 100 * sms.USD
	p.allowed[0] = max(p.allowed[0], p.spent()) // as the store counts
	for range 5 {
		send(t, p, l, sms.USD, at)
	}
	if p.spent() != limit {
		t.Errorf("%s are spent of %s", p.spent(), limit)
	}
}
