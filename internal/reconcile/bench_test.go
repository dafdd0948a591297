package reconcile

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/store/sqlite"
)

// BenchmarkReconcile makes b.N messages with their whole lives, then reconciles
// them: go test -bench Reconcile -benchtime 1000000x. HELIOGRAPH_BENCH_DIR keeps the
// store.
func BenchmarkReconcile(b *testing.B) {
	if b.N == 1 {
		return // the try run
	}
	dir := os.Getenv("HELIOGRAPH_BENCH_DIR")
	if dir == "" {
		dir = b.TempDir()
	}
	e, err := sqlite.Open(b.Context(), filepath.Join(dir, "heliograph.db"), sqlite.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer e.Close()
	benchmark(b, e)
}

// engine is what can be filled and reconciled.
type engine interface {
	store.Engine
	Store
}

func benchmark(b *testing.B, e engine) {
	if last, err := e.LastID(b.Context(), 0); err != nil {
		b.Fatal(err)
	} else if last == 0 {
		fillStore(b, e, b.N)
	}
	w := &Walker{Store: e, MessageID: func(sms.ID) string { return "" }, Now: time.Now}
	runtime.GC()
	used, began := cpuTime(b), time.Now()
	b.ResetTimer()
	r, err := Run(b.Context(), Window{Now: time.Now()}, w.Do, func(x Break) error {
		b.Errorf("%+v", x)
		return nil
	})
	if err != nil || !r.Holds {
		b.Fatalf("%+v, %v", r, err)
	}
	b.StopTimer()
	n := float64(r.Messages.Accepted)
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	b.ReportMetric(float64(memory.HeapSys)/(1<<20), "MB-heap")
	b.ReportMetric(n/time.Since(began).Seconds(), "msg/s")
	b.ReportMetric(float64((cpuTime(b)-used).Nanoseconds())/n/1000, "cpu-us/msg")
	b.ReportMetric(0, "ns/op")
}

func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// fillStore commits messages: most are delivered, some wait.
func fillStore(b *testing.B, e store.Engine, n int) {
	f, err := e.Join(context.Background(), "bench")
	if err != nil {
		b.Fatal(err)
	}
	ids := sms.NewIDs(0, 0)
	start := time.Now().Add(-10 * time.Minute)
	for made := 0; made < n; {
		size := min(512, n-made)
		var accept, taken, done []*store.Change
		for i := range size {
			now := start.Add(time.Duration(made+i) * time.Microsecond)
			id := ids.Next(now)
			m := &sms.Message{ID: id, Account: "111122223333", AcceptedAt: now, ExpiresAt: now.Add(time.Hour),
				Destination: "+447700900123", Country: "GB", Type: sms.Transactional, Body: "Your one-time code is 123456. It expires in ten minutes.",
				Encoding: "GSM", Parts: 1, ConfigurationSet: "notifications", Price: 40_000, CarrierFee: 2_000,
				Route: sms.Route{Identity: "+447700900001", Kind: sms.IdentityPhoneNumber, NumberType: sms.LongCode,
					IdentityID: "phone-0123456789abcdef0123456789abcdef", Carrier: "acme", Lane: "phone-0123456789abcdef0123456789abcdef",
					PartsPerSecond: 10, Why: "given"}}
			accept = append(accept, &store.Change{
				Accept: []store.Accepted{{Message: m, Queued: store.Queued{ID: id, Shard: "acme", Lane: m.Route.Lane, Parts: 1, Due: now, Expires: m.ExpiresAt}}},
				Spend: []store.SpendDelta{{UsageKey: store.UsageKey{Account: m.Account, Month: now.UTC().Format("2006-01"), Channel: "TEXT", Country: m.Country, Route: m.Route.PriceKind()},
					Sums: store.Sums{Parts: 1, Price: m.Price, FeeParts: 1, Fee: m.CarrierFee}}},
			})
			part := func(kind sms.UpdateKind, status sms.Status) *store.Change {
				return &store.Change{Parts: []store.PartChange{{Shard: "acme", Account: m.Account, ConfigurationSet: m.ConfigurationSet, Expires: m.ExpiresAt,
					Update: sms.PartUpdate{Message: id, Parts: 1, Number: 1, Kind: kind, Status: status, Carrier: "acme", CarrierMessageID: "0a1b2c3d4e", Code: "000", At: now}}}}
			}
			if i%100 != 0 {
				taken = append(taken, part(sms.UpdateTaken, ""))
			}
			if i%100 > 1 {
				done = append(done, part(sms.UpdateReceipt, sms.StatusDelivered))
			}
		}
		for _, changes := range [][]*store.Change{accept, taken, done} {
			if err := e.Apply(context.Background(), f, changes); err != nil {
				b.Fatal(err)
			}
		}
		made += size
	}
}
