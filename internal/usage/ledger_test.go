package usage

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// spends is a store that holds what accounts spent before.
type spends struct {
	store.Engine
	mu    sync.Mutex
	sums  map[[3]string]sms.Money
	reads int
	err   error
}

func (s *spends) Spend(_ context.Context, account, month, channel string) (sms.Money, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	return s.sums[[3]string{account, month, channel}], s.err
}

const customer = "111122223333"

var november = time.Date(2026, 11, 30, 23, 59, 59, 999e6, time.UTC)

func limited(limit sms.Money) Limit { return func(string, string) sms.Money { return limit } }

func reason(err error) sms.Reason {
	if e, ok := sms.AsError(err); ok {
		return e.Reason
	}
	return ""
}

// bill is what a message of one part to Britain costs.
func bill(account string, amount sms.Money, at time.Time) store.SpendDelta {
	return Bill(account, ChannelText, "GB", string(sms.LongCode), 1, amount, 0, at)
}

// reserved is what a message is billed and what the ledger took for it.
type reserved struct {
	store.SpendDelta
	taken Reservation
}

func reserve(ctx context.Context, l *Ledger, account string, amount sms.Money, at time.Time) (reserved, error) {
	d := bill(account, amount, at)
	taken, err := l.Reserve(ctx, d, at)
	if err != nil {
		d = store.SpendDelta{}
	}
	return reserved{d, taken}, err
}

func check(ctx context.Context, l *Ledger, account string, amount sms.Money, at time.Time) error {
	return l.Check(ctx, bill(account, amount, at))
}

func TestMonth(t *testing.T) {
	for want, at := range map[string]time.Time{
		"2026-11": november,
		"2026-12": november.Add(time.Millisecond),
		"2027-01": time.Date(2026, 12, 31, 20, 0, 0, 0, time.FixedZone("", -5*3600)),
	} {
		if got := Month(at); got != want {
			t.Errorf("%v is in %s, want %s", at, got, want)
		}
	}
}

func TestReserve(t *testing.T) {
	ctx := t.Context()
	s := &spends{sums: map[[3]string]sms.Money{{customer, "2026-11", ChannelText}: 900_000, {customer, "2026-11", "VOICE"}: 5 * sms.USD}}
	l := NewLedger(s, limited(sms.USD))

	d, err := reserve(ctx, l, customer, 60_000, november)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := reserve(ctx, l, customer, 40_001, november); reason(err) != sms.ReasonMonthlySpendLimitReachedForText {
		t.Errorf("one millionth above the limit: %v", err)
	}
	if err := check(ctx, l, customer, 40_001, november); reason(err) != sms.ReasonMonthlySpendLimitReachedForText {
		t.Errorf("one millionth above the limit, checked: %v", err)
	}
	if err := check(ctx, l, customer, 40_000, november); err != nil {
		t.Errorf("exactly the limit, checked: %v", err)
	}
	if _, err := reserve(ctx, l, customer, 40_000, november); err != nil {
		t.Errorf("exactly the limit: %v", err)
	}
	if _, err := reserve(ctx, l, customer, 0, november); err != nil {
		t.Errorf("what costs nothing: %v", err)
	}
	if spent, err := l.Spent(ctx, customer, ChannelText, november); err != nil || spent != sms.USD {
		t.Errorf("spent %s, %v", spent, err)
	}
	l.Return(d.taken)
	if _, err := reserve(ctx, l, customer, 60_000, november); err != nil {
		t.Errorf("what was returned: %v", err)
	}
	if _, err := reserve(ctx, l, customer, sms.USD, november.Add(time.Second)); err != nil {
		t.Errorf("a new month: %v", err)
	}
	if _, err := reserve(ctx, l, "444455556666", sms.USD, november); err != nil {
		t.Errorf("another account: %v", err)
	}
	if s.reads != 3 {
		t.Errorf("the store was read %d times, for two months and two accounts", s.reads)
	}
}

// Text and voice have a limit each.
func TestChannels(t *testing.T) {
	l := NewLedger(&spends{}, func(_, channel string) sms.Money {
		return map[string]sms.Money{ChannelText: 100, ChannelVoice: 10}[channel]
	})
	voice := func(amount sms.Money) error {
		_, err := l.Reserve(t.Context(), Bill(customer, ChannelVoice, "GB", "", 1, amount, 0, november), november)
		return err
	}
	if _, err := reserve(t.Context(), l, customer, 100, november); err != nil {
		t.Errorf("text: %v", err)
	}
	if err := voice(10); err != nil {
		t.Errorf("voice: %v", err)
	}
	if err := voice(1); reason(err) != sms.ReasonMonthlySpendLimitReachedForVoice {
		t.Errorf("voice above its limit: %v", err)
	}
}

func TestBill(t *testing.T) {
	for name, c := range map[string]struct {
		fee  sms.Money
		want store.Sums
	}{
		"without a carrier fee": {0, store.Sums{Parts: 3, Price: 30}},
		"with one":              {6, store.Sums{Parts: 3, Price: 30, FeeParts: 3, Fee: 6}},
	} {
		want := store.SpendDelta{UsageKey: store.UsageKey{Account: customer, Month: "2026-11", Channel: ChannelText, Country: "US", Route: "TEN_DLC"}, Sums: c.want}
		if got := Bill(customer, ChannelText, "US", string(sms.TenDLC), 3, 30, c.fee, november); got != want {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestLimits(t *testing.T) {
	ctx := t.Context()
	if _, err := reserve(ctx, NewLedger(&spends{}, limited(-1)), customer, 1e15, november); err != nil {
		t.Errorf("without a limit: %v", err)
	}
	l := NewLedger(&spends{}, limited(0))
	if _, err := reserve(ctx, l, customer, 1, november); reason(err) != sms.ReasonMonthlySpendLimitReachedForText {
		t.Errorf("a limit of nothing: %v", err)
	}
	if _, err := reserve(ctx, l, customer, 0, november); err != nil {
		t.Errorf("a limit of nothing, for nothing: %v", err)
	}
	// A limit that was lowered below what is spent stops what costs, alone.
	l = NewLedger(&spends{sums: map[[3]string]sms.Money{{customer, "2026-11", ChannelText}: 2 * sms.USD}}, limited(sms.USD))
	if _, err := reserve(ctx, l, customer, 0, november); err != nil {
		t.Errorf("above the limit, for nothing: %v", err)
	}
	if _, err := reserve(ctx, l, customer, 1, november); reason(err) != sms.ReasonMonthlySpendLimitReachedForText {
		t.Errorf("above the limit: %v", err)
	}
}

// A sum that cannot be read lets nothing pass, and is asked for again.
func TestStoreFails(t *testing.T) {
	ctx := t.Context()
	s := &spends{err: store.ErrUnavailable}
	l := NewLedger(s, limited(sms.USD))
	for range 2 {
		if d, err := reserve(ctx, l, customer, 1, november); !errors.Is(err, store.ErrUnavailable) || d != (reserved{}) {
			t.Fatalf("%+v, %v", d, err)
		}
	}
	if _, err := l.Spent(ctx, customer, ChannelText, november); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("%v", err)
	}
	s.err = nil
	if _, err := reserve(ctx, l, customer, sms.USD, november); err != nil {
		t.Error(err)
	}
}

// Many senders at once spend exactly the limit, also when some give back.
func TestReserveIsExact(t *testing.T) {
	l := NewLedger(&spends{}, limited(sms.USD))
	var granted, kept atomic.Int64
	var wg sync.WaitGroup
	for sender := range 200 {
		wg.Go(func() {
			for range 20 {
				d, err := reserve(context.Background(), l, customer, 7_000, november)
				if err != nil {
					continue
				}
				if granted.Add(1); sender%4 == 0 && granted.Load()%2 == 0 {
					l.Return(d.taken)
					continue
				}
				kept.Add(int64(d.Amount()))
			}
		})
	}
	wg.Wait()
	for { // what was returned last may not have been taken again
		if d, err := reserve(context.Background(), l, customer, 7_000, november); err == nil {
			kept.Add(int64(d.Amount()))
			continue
		}
		break
	}
	if got, want := kept.Load(), int64(sms.USD/7_000*7_000); got != want {
		t.Errorf("kept %d of %d", got, want)
	}
	if spent, _ := l.Spent(context.Background(), customer, ChannelText, november); int64(spent) != kept.Load() {
		t.Errorf("the ledger says %d, the senders %d", spent, kept.Load())
	}
}
