package accept

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/usage"
)

// pot is what nodes agree on: what each of them may spend, in memory.
type pot struct {
	mu      sync.Mutex
	allowed map[int]sms.Money // by slot
}

func (p *pot) Allow(_ context.Context, f store.Fence, _ store.SpendKey, least, want, limit sms.Money) (sms.Money, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	left := limit
	for _, a := range p.allowed {
		left -= a
	}
	if want >= 0 {
		if left < least {
			return 0, nil
		}
		want = min(want, left)
	}
	p.allowed[f.Slot] += want
	return want, nil
}

// Two hundred senders at once against 5.00 USD, of one node and of three: what the ledger
// says, what was billed by country and route, the usage report, what the metrics tell,
// the messages and their QUEUED events agree to the last part, and nobody spends more.
func TestEverythingAddsUp(t *testing.T) {
	const limit = 5 * sms.USD
	for _, nodes := range []int{1, 3} {
		t.Run(fmt.Sprintf("%d nodes", nodes), func(t *testing.T) {
			d := newDesk(t, nil)
			d.limit.Store(int64(limit))
			limits := func(string, string) sms.Money { return sms.Money(d.limit.Load()) }
			services := []*Service{d.Service}
			if nodes > 1 {
				services = nil
				p := &pot{allowed: map[int]sms.Money{}}
				for slot := range nodes {
					s := *d.Service
					s.ledger = usage.NewSharedLedger(d.engine, p, store.Fence{Slot: slot, Epoch: 1}, limits)
					services = append(services, &s)
				}
			}
			accepted := sendUntilRefused(t, d, services)
			d.addsUp(t, services[0], accepted, limit)
			if nodes == 1 { // nothing is left that a part could be had for
				if left := limit - d.spent(t); left >= 10_000 {
					t.Errorf("%s USD are left", left)
				}
			}
			// A limit that is raised counts at once.
			d.limit.Store(int64(limit + sms.USD))
			accepted = append(accepted, sendUntilRefused(t, d, services)...)
			d.addsUp(t, services[0], accepted, limit+sms.USD)
			if got := d.spent(t); got <= limit {
				t.Errorf("%s USD are spent of the raised limit", got)
			}
			// And so does one that is lowered.
			d.limit.Store(int64(sms.USD))
			if more := sendUntilRefused(t, d, services); len(more) > 0 {
				t.Errorf("%d messages were accepted above the limit", len(more))
			}
		})
	}
}

// sendUntilRefused has two hundred senders send messages of one to three parts to the
// United States and to Britain, each until it is refused twice in a row. It gives the ids
// of what was accepted.
func sendUntilRefused(t *testing.T, d *desk, services []*Service) (accepted []string) {
	t.Helper()
	const senders = 200
	account := d.account()
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i := range senders {
		wg.Go(func() {
			for refused := 0; refused < 2; {
				r := Request{Destination: fmt.Sprintf("+1206555%04d", i), ConfigurationSet: "plain", Body: strings.Repeat("a", 1+153*rand.IntN(3)+rand.IntN(7))}
				if rand.IntN(10) == 0 {
					r.Destination = fmt.Sprintf("+44770090%04d", i)
				}
				id, err := services[i%len(services)].Send(context.Background(), account, r)
				if isReason(err, sms.ReasonMonthlySpendLimitReachedForText) {
					refused++
					continue
				}
				if refused = 0; err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				accepted = append(accepted, id)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return accepted
}

// addsUp compares everything that tells of what was spent.
func (d *desk) addsUp(t *testing.T, s *Service, accepted []string, limit sms.Money) {
	t.Helper()
	var parts int64
	var cost sms.Money
	queued := 0
	for _, id := range accepted {
		m := d.stored(t, id)
		parts += int64(m.Parts)
		cost += m.Price + m.CarrierFee
		events, err := d.engine.MessageEvents(t.Context(), m.ID)
		if err != nil || len(events) != 1 || events[0].Status != sms.StatusQueued || events[0].ConfigurationSet != "plain" {
			t.Errorf("message %s has the events %+v, %v", id, events, err)
		}
		queued += len(events)
	}
	if seq, err := d.engine.LastSeq(t.Context(), 0); err != nil || seq != int64(queued) {
		t.Errorf("%d events are written, %d of what was accepted, %v", seq, queued, err)
	}
	if cost > limit || cost == 0 {
		t.Errorf("messages of %s USD were accepted against a limit of %s", cost, limit)
	}
	ledger, err := s.ledger.Spent(t.Context(), customer, usage.ChannelText, d.now())
	if err != nil || ledger != cost || d.spent(t) != cost {
		t.Errorf("messages cost %s USD; the ledger says %s, the store %s, %v", cost, ledger, d.spent(t), err)
	}
	used := d.usage(t)
	var reported sms.Money
	var counted int64
	for _, l := range usage.Report("us-east-1", used) {
		reported += l.Amount
		if strings.HasSuffix(l.UsageType, "-MessageCount") {
			counted += l.Parts
		}
	}
	if reported != cost || counted != parts {
		t.Errorf("messages have %d parts for %s USD, the usage report %d for %s", parts, cost, counted, reported)
	}
	if told := usage.Spends(used); len(told) != 1 || told[0] != (usage.Spend{Account: customer, Channel: usage.ChannelText, Amount: cost}) {
		t.Errorf("messages cost %s USD, the metrics tell %+v", cost, told)
	}
}
