//go:build postgres

package postgres

import (
	"context"
	"fmt"
	"syscall"
	"testing"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/store/pgtest"
)

// The benchmarks report the wall clock time that one message's share of a batch
// takes, the CPU time that it takes here and in the server, and the longest Apply.
// The server waits for its disk.

type bench struct {
	*testing.B
	cluster  *pgtest.Cluster
	e        *Engine
	f        store.Fence
	ids      *sms.IDs
	dispatch int64
	longest  time.Duration
	cpu      time.Duration // of this process, when the benchmark began
	server   time.Duration
}

func newBench(b *testing.B, cluster *pgtest.Cluster, url string, o Options) *bench {
	b.Helper()
	e := open(b, url, o)
	f, err := e.Join(context.Background(), "bench")
	if err != nil {
		b.Fatal(err)
	}
	return &bench{B: b, cluster: cluster, e: e, f: f, ids: sms.NewIDs(0, 0), cpu: cpuTime(b), server: cluster.CPU()}
}

// restart leaves out what was done so far.
func (b *bench) restart() {
	b.ResetTimer()
	b.longest, b.cpu, b.server = 0, cpuTime(b.B), b.cluster.CPU()
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
	b.ReportMetric(float64((b.cluster.CPU()-b.server).Microseconds())/float64(messages), "server-us/msg")
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

func durable(b *testing.B) *pgtest.Cluster {
	return pgtest.Start(b, pgtest.Options{Fsync: true})
}

func BenchmarkAccept(bm *testing.B) {
	cluster := durable(bm)
	for _, size := range []int{1, 16, 64, 256} {
		bm.Run(fmt.Sprint(size), func(bb *testing.B) {
			b := newBench(bb, cluster, cluster.Database(), Options{})
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
	cluster := durable(bm)
	for _, size := range []int{16, 64, 256} {
		bm.Run(fmt.Sprint(size), func(bb *testing.B) {
			b := newBench(bb, cluster, cluster.Database(), Options{})
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

// steady is what group commit does under load: one transaction holds the steps of
// four batches, each a step further in its life.
func (b *bench) steady(size int) {
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
}

func BenchmarkSteady(bm *testing.B) {
	cluster := durable(bm)
	for _, size := range []int{16, 64, 256} {
		bm.Run(fmt.Sprint(size), func(bb *testing.B) {
			newBench(bb, cluster, cluster.Database(), Options{}).steady(size)
		})
	}
}

// BenchmarkSnapshot is BenchmarkSteady while another session keeps a snapshot, as
// a dump does, so that nothing dead can be cleared.
func BenchmarkSnapshot(bm *testing.B) {
	cluster := durable(bm)
	bm.Run("64", func(bb *testing.B) {
		url := cluster.Database()
		b := newBench(bb, cluster, url, Options{})
		defer snapshot(bb, b.e)()
		b.steady(64)
	})
}

func snapshot(t testing.TB, e *Engine) (release func()) {
	tx, err := e.reads.Begin(context.Background())
	if err == nil {
		_, err = tx.Exec(context.Background(), "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SET LOCAL idle_in_transaction_session_timeout = 0; SELECT 1")
	}
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := tx.Rollback(context.Background()); err != nil {
			t.Error(err)
		}
	}
}

// BenchmarkPooled is BenchmarkSteady through PgBouncer in transaction mode.
func BenchmarkPooled(bm *testing.B) {
	cluster := durable(bm)
	bounced := cluster.Bouncer()
	bm.Run("64", func(bb *testing.B) {
		url := cluster.Database()
		newBench(bb, cluster, bounced(pgtest.Name(url)), Options{}).steady(64)
	})
}

func BenchmarkQueuedAfter(bm *testing.B) {
	cluster := durable(bm)
	b := newBench(bm, cluster, cluster.Database(), Options{})
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
	cluster := durable(bm)
	b := newBench(bm, cluster, cluster.Database(), Options{})
	changes, ids := b.accept(256)
	b.apply(changes...)
	for b.Loop() {
		if _, err := b.e.Messages(context.Background(), ids); err != nil {
			b.Fatal(err)
		}
	}
	b.report(b.N * len(ids))
}

// BenchmarkOpen opens an engine on a database that has its tables.
func BenchmarkOpen(b *testing.B) {
	cluster := durable(b)
	url := cluster.Database()
	for b.Loop() {
		if err := open(b, url, Options{}).Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// Asking for news where there is none, as each node does all the time; each op asks
// about so many other nodes, with a million events in their logs.
func BenchmarkNoNews(bm *testing.B) {
	cluster := durable(bm)
	url := cluster.Database()
	bn := newBench(bm, cluster, url, Options{})
	cluster.Exec(url, "INSERT INTO event SELECT n % 8 + 1, n / 8, n, '111122223333', 'set', 'QUEUED', 0, false, NULL FROM generate_series(8, 1000007) AS n; ANALYZE event")
	bounced := cluster.Bouncer()(pgtest.Name(url))
	for _, way := range []struct{ name, url string }{{"direct", url}, {"pooled", bounced}} {
		for _, nodes := range []int{2, 8} {
			bm.Run(fmt.Sprintf("%s-%d", way.name, nodes), func(bm *testing.B) {
				e := open(bm, way.url, Options{})
				b := &bench{B: bm, cluster: cluster, e: e, cpu: cpuTime(bm), server: cluster.CPU()}
				var after []store.SlotSeq
				for slot := range nodes {
					last, err := bn.e.number(bm.Context(), "last", "SELECT max(seq) FROM event WHERE slot = $1::bigint", slot+1)
					if err != nil {
						bm.Fatal(err)
					}
					after = append(after, store.SlotSeq{Slot: slot + 1, Seq: last})
				}
				bm.ResetTimer()
				for range bm.N {
					if n, err := e.News(bm.Context(), after, []string{"acme"}, true, 1000); err != nil || len(n.Queued) > 0 {
						bm.Fatal(n, err)
					}
				}
				b.report(bm.N)
			})
		}
	}
}

// Reading news: of a page of 1000 events, one in three is a message that waits; each
// op is one event.
func BenchmarkNews(bm *testing.B) {
	cluster := durable(bm)
	b := newBench(bm, cluster, cluster.Database(), Options{})
	const waiting = 333
	changes, _ := b.accept(waiting)
	b.apply(changes...)
	for i := range 2 {
		changes, ids := b.accept(waiting)
		b.apply(changes...)
		if i == 0 {
			b.apply(b.outcome(ids, sms.UpdateTaken)...)
		}
	}
	b.restart()
	pages := bm.N/1000 + 1
	for range pages {
		n, err := b.e.News(bm.Context(), []store.SlotSeq{{Slot: b.f.Slot}}, []string{"acme"}, false, 1000)
		if err != nil || len(n.Queued) < waiting {
			bm.Fatal(len(n.Queued), err)
		}
	}
	b.report(pages * 1000)
}

// What the recipients of a batch cost its commit.
func BenchmarkRecipients(bm *testing.B) {
	cluster := durable(bm)
	for _, size := range []int{0, 64} {
		bm.Run(fmt.Sprint(size), func(bm *testing.B) {
			b := newBench(bm, cluster, cluster.Database(), Options{})
			key := uint64(447700900000)
			b.restart()
			for range bm.N {
				mark := b.mark([]sms.ID{16})
				for range size {
					key++
					mark.Mark[0].Recipients = append(mark.Mark[0].Recipients, store.Recipient{Key: key, Interval: time.Second})
				}
				b.apply(mark)
			}
			b.report(bm.N)
		})
	}
}

func BenchmarkTake(bm *testing.B) {
	cluster := durable(bm)
	b := newBench(bm, cluster, cluster.Database(), Options{})
	b.restart()
	for range bm.N {
		if _, _, err := b.e.Take(bm.Context(), "SendTextMessage/111122223333", 1000, 25, 50); err != nil {
			bm.Fatal(err)
		}
	}
	b.report(bm.N)
}

func BenchmarkAllow(bm *testing.B) {
	cluster := durable(bm)
	b := newBench(bm, cluster, cluster.Database(), Options{})
	b.restart()
	for range bm.N {
		if _, err := b.e.Allow(bm.Context(), b.f, store.SpendKey{Account: "111122223333", Month: "2026-08", Channel: "TEXT"}, 1, 1000, 1<<50); err != nil {
			bm.Fatal(err)
		}
	}
	b.report(bm.N)
}
