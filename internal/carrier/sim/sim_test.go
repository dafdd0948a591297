package sim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"heliograph/internal/carrier"
	"heliograph/internal/carrier/carriertest"
	"heliograph/internal/encode"
	"heliograph/internal/sms"
)

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

func TestContract(t *testing.T) {
	for _, journal := range []bool{false, true} {
		t.Run(fmt.Sprintf("journal=%t", journal), func(t *testing.T) {
			carriertest.Run(t, func(t *testing.T) carriertest.Harness {
				o := Options{Name: "sim", ReceiptDelay: time.Millisecond, RetryDelay: time.Millisecond, Window: 64, Log: quiet}
				if journal {
					o.Journal = filepath.Join(t.TempDir(), "receipts")
				}
				c, err := New(o)
				if err != nil {
					t.Fatal(err)
				}
				set := func(f Faults) func() {
					return func() {
						if err := c.SetFaults(f); err != nil {
							t.Error(err)
						}
					}
				}
				return carriertest.Harness{
					Carrier: c, Sessions: 1,
					Hold: set(Faults{SubmitDelay: time.Hour}), Release: set(Faults{}),
					Down: set(Faults{Down: true}), Up: set(Faults{}),
					Delivers: "+14254147755", Fails: "+14254147167",
				}
			})
		})
	}
}

// sink writes receipts down and keeps them unless err is set.
type sink struct {
	mu   sync.Mutex
	got  []carrier.Receipt
	in   []carrier.Inbound
	err  error
	mute bool // never answers
}

func (s *sink) Receipt(r carrier.Receipt, done func(error)) {
	s.mu.Lock()
	s.got = append(s.got, r)
	err, mute := s.err, s.mute
	s.mu.Unlock()
	if !mute {
		done(err)
	}
}

func (s *sink) Inbound(m carrier.Inbound, done func(error)) {
	s.mu.Lock()
	s.in = append(s.in, m)
	err := s.err
	s.mu.Unlock()
	done(err)
}

func (s *sink) receipts() []carrier.Receipt {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]carrier.Receipt(nil), s.got...)
}

func begin(t *testing.T, o Options, s *sink) *Carrier {
	t.Helper()
	o.Name, o.Log = "sim", quiet
	c, err := New(o)
	must(t, err)
	resume(t, c, s)
	return c
}

func resume(t *testing.T, c *Carrier, s *sink) {
	t.Helper()
	if err := c.Start(t.Context(), s, func() {}); err != nil {
		t.Fatal(err)
	}
}

func finish(t *testing.T, c *Carrier) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := c.Close(ctx); err != nil {
		t.Error(err)
	}
}

func submit(c *Carrier, destination string) carrier.Outcome {
	outcome := make(chan carrier.Outcome, 1)
	c.Submit(carrier.Part{Origination: "+12065550183", Destination: destination, Text: "hello", Encoding: encode.GSM, Number: 1, Total: 1},
		func(o carrier.Outcome) { outcome <- o })
	return <-outcome
}

func TestOutcomesFollowTheTable(t *testing.T) {
	tests := []struct {
		destination string
		want        sms.Status
	}{
		{"+14254147755", sms.StatusDelivered},   // United States, success
		{"+14254147167", sms.StatusUnreachable}, // United States, failure
		{"+447860019066", sms.StatusDelivered},
		{"+447860019067", sms.StatusUnreachable},
		{"+14255550168", sms.StatusDelivered}, // in no table
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			s := &sink{}
			c := begin(t, Options{}, s)
			defer finish(t, c)
			taken := time.Now()
			o := submit(c, tt.destination)
			if o.Kind != carrier.Accepted || o.Code != CodeAccepted {
				t.Fatalf("%s: outcome %+v", tt.destination, o)
			}
			time.Sleep(time.Second)
			got := s.receipts()
			if len(got) != 1 || got[0].Status != tt.want || !got[0].Final || got[0].Destination != tt.destination {
				t.Fatalf("%s: receipts %+v, want %s", tt.destination, got, tt.want)
			}
			if after := got[0].At.Sub(taken); after != 200*time.Millisecond {
				t.Errorf("receipt came after %s, want 200ms", after)
			}
			if c.Owed() != 0 {
				t.Errorf("%d receipts are owed, want none", c.Owed())
			}
			wantShown := 0
			if tt.want == sms.StatusDelivered {
				wantShown = 1
			}
			if shown := c.Delivered(10); len(shown) != wantShown {
				t.Errorf("handset shows %+v, want %d parts", shown, wantShown)
			}
		})
	}
}

func TestFaults(t *testing.T) {
	const parts = 40
	tests := []struct {
		name     string
		faults   Faults
		kind     carrier.OutcomeKind
		status   sms.Status // of outcomes
		pause    time.Duration
		receipts int
		final    sms.Status // of receipts
		shown    int
	}{
		{name: "none", kind: carrier.Accepted, receipts: parts, final: sms.StatusDelivered, shown: parts},
		{name: "refuse", faults: Faults{RefuseRate: 1}, kind: carrier.Refused, status: sms.StatusCarrierBlocked},
		{name: "refuse as spam", faults: Faults{RefuseRate: 1, RefuseStatus: sms.StatusSpam}, kind: carrier.Refused, status: sms.StatusSpam},
		{name: "throttle", faults: Faults{ThrottleRate: 1}, kind: carrier.RetryLater, pause: time.Second},
		{name: "throttle shortly", faults: Faults{ThrottleRate: 1, ThrottlePause: time.Millisecond}, kind: carrier.RetryLater, pause: time.Millisecond},
		{name: "unknown", faults: Faults{UnknownRate: 1}, kind: carrier.Unknown, receipts: parts, final: sms.StatusDelivered, shown: parts},
		{name: "lose receipts", faults: Faults{LoseReceiptRate: 1}, kind: carrier.Accepted, shown: parts},
		{name: "duplicate receipts", faults: Faults{DuplicateReceiptRate: 1}, kind: carrier.Accepted, receipts: 2 * parts, final: sms.StatusDelivered, shown: parts},
		{name: "status", faults: Faults{Status: sms.StatusBlocked}, kind: carrier.Accepted, receipts: parts, final: sms.StatusBlocked},
		{name: "down", faults: Faults{Down: true}, kind: carrier.OtherRoute},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &sink{}
				c := begin(t, Options{Faults: tt.faults}, s)
				defer finish(t, c)
				for range parts {
					o := submit(c, "+14254147755")
					if o.Kind != tt.kind || o.Status != tt.status || o.Pause != tt.pause {
						t.Fatalf("outcome %+v", o)
					}
				}
				time.Sleep(time.Minute)
				got := s.receipts()
				if len(got) != tt.receipts {
					t.Fatalf("%d receipts, want %d", len(got), tt.receipts)
				}
				for _, r := range got {
					if r.Status != tt.final {
						t.Fatalf("receipt %+v, want %s", r, tt.final)
					}
				}
				if n := len(c.Delivered(parts)); n != tt.shown {
					t.Errorf("handset shows %d parts, want %d", n, tt.shown)
				}
			})
		})
	}
}

func TestDelays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sink{}
		c := begin(t, Options{Faults: Faults{SubmitDelay: 3 * time.Second, ReceiptDelay: 5 * time.Second}}, s)
		defer finish(t, c)
		before := time.Now()
		submit(c, "+14254147755")
		if d := time.Since(before); d != 3*time.Second {
			t.Errorf("answered after %s, want 3s", d)
		}
		time.Sleep(time.Minute)
		if d := s.receipts()[0].At.Sub(before); d != 8*time.Second {
			t.Errorf("receipt after %s, want 8s", d)
		}
	})
}

func TestDownHoldsReceiptsAndLosesAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sink{}
		c := begin(t, Options{}, s)
		defer finish(t, c)
		submit(c, "+14254147755")
		must(t, c.SetFaults(Faults{SubmitDelay: time.Hour}))
		lost := make(chan carrier.Outcome, 1)
		c.Submit(carrier.Part{Destination: "+14254147755"}, func(o carrier.Outcome) { lost <- o })
		must(t, c.SetFaults(Faults{Down: true}))
		if o := <-lost; o.Kind != carrier.Unknown {
			t.Errorf("outcome %+v, want Unknown", o)
		}
		time.Sleep(time.Hour)
		if n := len(s.receipts()); n != 0 {
			t.Errorf("%d receipts came while down", n)
		}
		must(t, c.SetFaults(Faults{}))
		time.Sleep(time.Second)
		if n := len(s.receipts()); n != 1 {
			t.Errorf("%d receipts came, want 1", n)
		}
	})
}

func TestUnkeptReceiptsBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sink{err: errors.New("disk full")}
		c := begin(t, Options{}, s)
		defer finish(t, c)
		submit(c, "+14254147755")
		time.Sleep(200*time.Millisecond + 61*time.Second + time.Millisecond)
		var after []time.Duration
		got := s.receipts()
		for i := 1; i < len(got); i++ {
			after = append(after, got[i].At.Sub(got[i-1].At).Round(time.Second))
		}
		want := "[1s 2s 4s 8s 16s 30s]"
		if fmt.Sprint(after) != want {
			t.Errorf("given again after %v, want %s", after, want)
		}
	})
}

func TestHandsetShowsTheLatest(t *testing.T) {
	h := handset{keep: 3}
	if got := h.latest(5); len(got) != 0 {
		t.Errorf("an empty handset shows %v", got)
	}
	for i := range 5 {
		h.add(DeliveredPart{Number: i})
		want := min(i+1, 3)
		got := h.latest(9)
		if len(got) != want || got[0].Number != i || got[want-1].Number != i-want+1 {
			t.Errorf("after %d: %v", i, got)
		}
	}
	if got := h.latest(2); len(got) != 2 || got[1].Number != 3 {
		t.Errorf("two of them: %v", got)
	}
	if got := h.latest(-1); len(got) != 0 {
		t.Errorf("a negative limit: %v", got)
	}
}

func TestFaultsValidate(t *testing.T) {
	tests := []struct {
		faults Faults
		want   string // in the error; empty for none
	}{
		{Faults{}, ""},
		{Faults{RefuseRate: .5, ThrottleRate: .25, UnknownRate: .25, LoseReceiptRate: 1, DuplicateReceiptRate: 1}, ""},
		{Faults{Status: sms.StatusTTLExpired, RefuseStatus: sms.StatusInvalid}, ""},
		{Faults{RefuseRate: -.1}, "refuse_rate"},
		{Faults{ThrottleRate: 1.1}, "throttle_rate"},
		{Faults{UnknownRate: math.NaN()}, "unknown_rate"},
		{Faults{LoseReceiptRate: math.Inf(1)}, "lose_receipt_rate"},
		{Faults{DuplicateReceiptRate: 2}, "duplicate_receipt_rate"},
		{Faults{RefuseRate: .5, ThrottleRate: .3, UnknownRate: .3}, "add up to"},
		{Faults{SubmitDelay: -1}, "submit_delay"},
		{Faults{ReceiptDelay: 100 * time.Hour}, "receipt_delay"},
		{Faults{ThrottlePause: -1}, "throttle_pause"},
		{Faults{Status: sms.StatusQueued}, "status"},
		{Faults{RefuseStatus: sms.StatusDelivered}, "refuse_status"},
	}
	c, err := New(Options{Name: "sim", Log: quiet})
	must(t, err)
	for _, tt := range tests {
		before := c.Faults()
		err := c.SetFaults(tt.faults)
		if tt.want == "" {
			must(t, err)
			continue
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: error %v, want it to name %s", tt.faults, err, tt.want)
		}
		if c.Faults() != before {
			t.Errorf("%+v: refused faults are in force", tt.faults)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	for _, o := range []Options{
		{},
		{Name: "sim", Window: -1},
		{Name: "sim", Faults: Faults{RefuseRate: 2}},
		{Name: "sim", Journal: filepath.Join(t.TempDir(), "no", "such", "folder")},
	} {
		if _, err := New(o); err == nil {
			t.Errorf("%+v is accepted", o)
		}
	}
}

func BenchmarkSubmit(b *testing.B) {
	s := &sink{}
	c, err := New(Options{Name: "sim", ReceiptDelay: time.Millisecond, Journal: filepath.Join(b.TempDir(), "receipts"), Log: quiet})
	if err != nil {
		b.Fatal(err)
	}
	room := make(chan struct{}, 1)
	if err := c.Start(b.Context(), s, func() {
		select {
		case room <- struct{}{}:
		default:
		}
	}); err != nil {
		b.Fatal(err)
	}
	var answered sync.WaitGroup
	for b.Loop() {
		for c.Room() == 0 {
			<-room
		}
		answered.Add(1)
		c.Submit(carrier.Part{Destination: "+14254147755", Text: "hello"}, func(carrier.Outcome) { answered.Done() })
	}
	answered.Wait()
	if err := c.Close(b.Context()); err != nil {
		b.Fatal(err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
