package sqlite

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// The benchmarks report the wall clock time and the CPU time that one message's
// share of a batch takes, and the longest Apply.

type bench struct {
	*testing.B
	e        *Engine
	f        store.Fence
	ids      *sms.IDs
	dispatch int64
	longest  time.Duration
	cpu      time.Duration // of the process, when the benchmark began
}

func newBench(b *testing.B, o Options) *bench {
	b.Helper()
	e, err := Open(context.Background(), filepath.Join(b.TempDir(), "heliograph.db"), o)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = e.Close() })
	f, err := e.Join(context.Background(), "bench")
	if err != nil {
		b.Fatal(err)
	}
	return &bench{B: b, e: e, f: f, ids: sms.NewIDs(0, 0), cpu: cpuTime(b)}
}

func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func (b *bench) apply(changes ...*store.Change) {
	began := time.Now()
	if err := b.e.Apply(context.Background(), b.f, changes); err != nil {
		b.Fatal(err)
	}
	b.longest = max(b.longest, time.Since(began))
}

func (b *bench) report(messages int) {
	b.StopTimer()
	b.ReportMetric(float64((cpuTime(b.B)-b.cpu).Microseconds())/float64(messages), "cpu-us/msg")
	each := float64(b.Elapsed().Microseconds()) / float64(messages)
	b.ReportMetric(each, "us/msg")
	b.ReportMetric(1e6/each, "msg/s")
	b.ReportMetric(float64(b.longest.Microseconds())/1000, "ms-longest")
	b.ReportMetric(0, "ns/op")
}

func (b *bench) accept(n int) (changes []*store.Change, ids []sms.ID) {
	for range n {
		now := time.Now()
		id := b.ids.Next(now)
		m := &sms.Message{ID: id, Account: "111122223333", AcceptedAt: now, ExpiresAt: now.Add(time.Hour),
			Destination: "+447700900123", Country: "GB", Type: sms.Transactional, Body: "Your one-time code is 123456. It expires in ten minutes.",
			Encoding: "GSM", Parts: 1, ConfigurationSet: "notifications", Price: 40_000, CarrierFee: 2_000,
			Route: sms.Route{Identity: "+447700900001", Kind: sms.IdentityPhoneNumber, NumberType: sms.LongCode,
				IdentityID: "phone-0123456789abcdef0123456789abcdef", Carrier: "acme", Lane: "phone-0123456789abcdef0123456789abcdef",
				PartsPerSecond: 10, Why: "given"}}
		changes = append(changes, &store.Change{
			Accept: []store.Accepted{{Message: m, Queued: store.Queued{ID: id, Shard: "acme", Lane: m.Route.Lane, Parts: 1, Due: now, Expires: m.ExpiresAt}}},
			Spend:  []store.SpendDelta{{UsageKey: store.UsageKey{Account: m.Account, Month: "2026-08", Channel: "TEXT"}, Sums: store.Sums{Price: m.Price + m.CarrierFee}}},
		})
		ids = append(ids, id)
	}
	return changes, ids
}

func (b *bench) mark(ids []sms.ID) *store.Change {
	b.dispatch++
	d := store.Dispatch{Seq: b.dispatch, Shard: "acme"}
	for _, id := range ids {
		d.Parts = append(d.Parts, id.Part(1))
	}
	return &store.Change{Mark: []store.Dispatch{d}}
}

func (b *bench) outcome(ids []sms.ID, kind sms.UpdateKind) (changes []*store.Change) {
	now := time.Now()
	for _, id := range ids {
		u := sms.PartUpdate{Message: id, Parts: 1, Number: 1, Kind: kind, Carrier: "acme", CarrierMessageID: "0a1b2c3d4e", Code: "ESME_ROK", At: now}
		if kind == sms.UpdateReceipt {
			u.Status, u.Code = sms.StatusDelivered, "000"
		}
		changes = append(changes, &store.Change{Parts: []store.PartChange{{Update: u, Shard: "acme", Account: "111122223333",
			ConfigurationSet: "notifications", Expires: now.Add(time.Hour)}}})
	}
	if kind == sms.UpdateTaken {
		changes = append(changes, &store.Change{Unmark: []store.SlotSeq{{Seq: b.dispatch}}})
	}
	return changes
}

func BenchmarkAccept(bm *testing.B) {
	for _, size := range []int{1, 16, 64, 256} {
		bm.Run(fmt.Sprint(size), func(bb *testing.B) {
			b := newBench(bb, Options{})
			for b.Loop() {
				changes, _ := b.accept(size)
				b.apply(changes...)
			}
			b.report(b.N * size)
		})
	}
}

// BenchmarkLife commits each step of a batch's life by itself: accepted, marked,
// taken, receipts and cursor.
func BenchmarkLife(bm *testing.B) {
	for _, size := range []int{16, 64} {
		bm.Run(fmt.Sprint(size), func(bb *testing.B) {
			b := newBench(bb, Options{})
			for b.Loop() {
				changes, ids := b.accept(size)
				b.apply(changes...)
				b.apply(b.mark(ids))
				b.apply(b.outcome(ids, sms.UpdateTaken)...)
				b.apply(b.outcome(ids, sms.UpdateReceipt)...)
				b.apply(&store.Change{Cursors: []store.Cursor{{Seq: b.e.seq}}})
			}
			b.report(b.N * size)
		})
	}
}

// BenchmarkSteady is what group commit does under load: one transaction holds
// the steps of four batches, each a step further in its life.
func BenchmarkSteady(bm *testing.B) {
	for _, size := range []int{16, 64} {
		bm.Run(fmt.Sprint(size), func(bb *testing.B) {
			b := newBench(bb, Options{})
			var accepted, marked, taken []sms.ID
			for b.Loop() {
				changes, ids := b.accept(size)
				changes = append(changes, b.outcome(taken, sms.UpdateReceipt)...)
				changes = append(changes, b.outcome(marked, sms.UpdateTaken)...)
				changes = append(changes, b.mark(accepted), &store.Change{Cursors: []store.Cursor{{Seq: b.e.seq}}})
				b.apply(changes...)
				accepted, marked, taken = ids, accepted, marked
			}
			b.report(b.N * size)
		})
	}
}

func BenchmarkQueuedAfter(bm *testing.B) {
	b := newBench(bm, Options{})
	for range 100 {
		changes, _ := b.accept(500)
		b.apply(changes...)
	}
	read := 0
	for b.Loop() {
		var after store.Place
		for {
			rows, err := b.e.QueuedAfter(context.Background(), "acme", after, 1000)
			if err != nil {
				b.Fatal(err)
			}
			if len(rows) == 0 {
				break
			}
			read += len(rows)
			after = rows[len(rows)-1].Place()
		}
	}
	b.report(read)
}

func BenchmarkMessages(bm *testing.B) {
	b := newBench(bm, Options{})
	changes, ids := b.accept(256)
	b.apply(changes...)
	for b.Loop() {
		if _, err := b.e.Messages(context.Background(), ids); err != nil {
			b.Fatal(err)
		}
	}
	b.report(b.N * len(ids))
}

// BenchmarkOpen opens a new database each time, BenchmarkReopen an existing one.
func BenchmarkOpen(b *testing.B) {
	for b.Loop() {
		e, err := Open(context.Background(), filepath.Join(b.TempDir(), "heliograph.db"), Options{})
		if err != nil {
			b.Fatal(err)
		}
		if err := e.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReopen(b *testing.B) {
	path := filepath.Join(b.TempDir(), "heliograph.db")
	for b.Loop() {
		e, err := Open(context.Background(), path, Options{})
		if err != nil {
			b.Fatal(err)
		}
		if err := e.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPrune prunes messages that had a whole life, with their events, and has
// the file shrink.
func BenchmarkPrune(bm *testing.B) {
	b := newBench(bm, Options{})
	const each, within = 256, 10 * time.Millisecond
	var messages, steps int
	var held time.Duration
	var shrunk int64
	for b.Loop() {
		b.StopTimer()
		used := cpuTime(b.B)
		for range 400 {
			changes, ids := b.accept(each)
			b.apply(append(changes, b.mark(ids))...)
			b.apply(b.outcome(ids, sms.UpdateTaken)...)
			b.apply(b.outcome(ids, sms.UpdateReceipt)...)
		}
		last, err := b.e.LastSeq(b.Context(), 0)
		if err != nil {
			b.Fatal(err)
		}
		b.apply(&store.Change{Cursors: []store.Cursor{{Seq: last}}})
		b.cpu += cpuTime(b.B) - used
		b.longest = 0
		b.StartTimer()
		for p := (&store.Pass{Messages: sms.FirstID(time.Now().Add(time.Hour)), Within: within}); !p.Done(); steps++ {
			n, err := b.e.Prune(b.Context(), b.f, p)
			if err != nil {
				b.Fatal(err)
			}
			messages, held, b.longest = messages+n.Messages, held+n.Held, max(b.longest, n.Held)
		}
		for more := true; more; {
			n, err := b.e.Shrink(b.Context(), b.f, within)
			if err != nil {
				b.Fatal(err)
			}
			shrunk, more, b.longest = shrunk+n.Bytes, n.More, max(b.longest, n.Held)
		}
	}
	b.ReportMetric(float64(held.Microseconds())/1000/float64(steps), "ms-held/step")
	b.ReportMetric(float64(shrunk)/float64(messages), "B-shrunk/msg")
	b.report(messages)
}

// BenchmarkEntries reads one entry that is there or not, of a list of so many.
func BenchmarkEntries(bm *testing.B) {
	for _, size := range []int{10, 1_000_000} {
		bm.Run(fmt.Sprint(size), func(bb *testing.B) {
			b := newBench(bb, Options{})
			list, other := store.ListID("opt-out", "111122223333", "a"), store.ListID("protect")
			const step = 7919 // between two numbers
			for first := 0; first < size; first += 2000 {
				c := &store.Change{}
				for i := first; i < min(first+2000, size); i++ {
					c.Entries = append(c.Entries, store.EntryWrite{Entry: store.Entry{EntryKey: store.EntryKey{List: list, Key: 447_000_000_000 + int64(i)*step}, At: time.UnixMilli(1_790_000_000_000), Mark: 1}})
				}
				b.apply(c)
			}
			each := bytesPerEntry(b, size)
			for _, keys := range []int{1, 3} {
				bb.Run(fmt.Sprint(keys), func(bb *testing.B) {
					r := rand.New(rand.NewPCG(1, 1))
					for bb.Loop() {
						wanted := []store.EntryKey{{List: list, Key: 447_000_000_000 + r.Int64N(int64(size))*step + r.Int64N(2)},
							{List: other, Key: 1}, {List: list, Key: r.Int64()}}
						if _, err := b.e.Entries(context.Background(), wanted[:keys]); err != nil {
							bb.Fatal(err)
						}
					}
					bb.ReportMetric(each, "B/entry")
				})
			}
		})
	}
}

// bytesPerEntry is what the file takes up for each of the entries, which are nearly all
// that is in a long list's.
func bytesPerEntry(b *bench, entries int) float64 {
	b.Helper()
	pages, free, size, err := b.e.pages(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	return float64((pages-free)*size) / float64(entries)
}
