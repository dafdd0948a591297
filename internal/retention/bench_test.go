package retention

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/store/sqlite"
)

// BenchmarkBeside says how long commits of 16 messages take, one every two
// milliseconds, without old rows and while 100,000 old messages are deleted.
func BenchmarkBeside(b *testing.B) {
	for _, old := range []int{0, 100_000} {
		b.Run(fmt.Sprint(old), func(b *testing.B) {
			for b.Loop() {
				beside(b, old)
			}
		})
	}
}

func beside(b *testing.B, old int) {
	e, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "heliograph.db"), sqlite.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer e.Close()
	f, err := e.Join(b.Context(), "bench")
	if err != nil {
		b.Fatal(err)
	}
	ids := sms.NewIDs(0, 0)
	commit := func(n int, at time.Time) {
		c := &store.Change{}
		for range n {
			id := ids.Next(at)
			m := &sms.Message{ID: id, Account: "111122223333", Parts: 1, Body: strings.Repeat("x", 60), AcceptedAt: at, ConfigurationSet: "set"}
			c.Accept = append(c.Accept, store.Accepted{Message: m, Queued: store.Queued{Shard: "acme", Lane: "lane", Parts: 1}})
			for _, u := range []sms.PartUpdate{{Kind: sms.UpdateTaken}, {Kind: sms.UpdateReceipt, Status: sms.StatusDelivered}} {
				u.Message, u.Parts, u.Number, u.At, u.Carrier, u.CarrierMessageID = id, 1, 1, at, "acme", "0a1b2c3d4e"
				c.Parts = append(c.Parts, store.PartChange{Account: m.Account, ConfigurationSet: "set", Update: u})
			}
		}
		if err := e.Apply(b.Context(), f, []*store.Change{c}); err != nil {
			b.Fatal(err)
		}
	}
	for range old / 256 {
		commit(256, time.Now().Add(-2*time.Hour))
	}
	seq, err := e.LastSeq(b.Context(), 0)
	if err != nil {
		b.Fatal(err)
	}
	if err := e.Apply(b.Context(), f, []*store.Change{{Cursors: []store.Cursor{{Seq: seq}}}}); err != nil {
		b.Fatal(err)
	}
	registry := prometheus.NewRegistry()
	l := New(Options{Pruner: e, Fence: f, Mine: func() bool { return true }, Keep: Keep{Messages: time.Hour, Receipts: time.Hour},
		Metrics: NewMetrics(registry), Log: slog.New(slog.DiscardHandler), Now: time.Now})
	l.began, l.running = time.Now(), time.Now()
	ctx, stop := context.WithTimeout(b.Context(), 2*time.Minute)
	defer stop()
	before, err := e.Sizes(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	began := time.Now()
	ended := make(chan time.Duration, 1)
	go func() {
		l.prune(ctx)
		ended <- time.Since(began)
	}()
	var took []time.Duration
	ticker := time.NewTicker(2 * time.Millisecond)
	defer ticker.Stop()
	pruning := time.Duration(0)
	for pruning == 0 || time.Since(began) < 5*time.Second {
		<-ticker.C
		at := time.Now()
		commit(16, at)
		took = append(took, time.Since(at))
		select {
		case pruning = <-ended:
		default:
		}
	}
	slices.Sort(took)
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	b.ReportMetric(ms(took[len(took)/2]), "ms-p50")
	b.ReportMetric(ms(took[len(took)*99/100]), "ms-p99")
	b.ReportMetric(ms(took[len(took)-1]), "ms-longest")
	b.ReportMetric(0, "ns/op")
	if old == 0 {
		return
	}
	time.Sleep(100 * time.Millisecond)
	after, err := e.Sizes(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(old)/pruning.Seconds(), "pruned/s")
	b.ReportMetric(float64(before.Database+before.Log)/1e6, "MB-before")
	b.ReportMetric(float64(after.Database)/1e6, "MB-after")
	families, err := registry.Gather()
	if err != nil {
		b.Fatal(err)
	}
	for _, family := range families {
		if h := family.GetMetric()[0].GetHistogram(); family.GetName() == "heliograph_prune_held_seconds" {
			b.ReportMetric(h.GetSampleSum()/float64(h.GetSampleCount())*1000, "ms-held/step")
		}
	}
}
