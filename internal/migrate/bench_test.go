//go:build postgres

package migrate

import (
	"fmt"
	"os"
	"runtime"
	"runtime/metrics"
	"syscall"
	"testing"
	"time"

	"heliograph/internal/datadir"
	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/store/pgtest"
)

// many writes messages in batches, in the lanes of 100,000 origination identities. One
// in every so many waits in the queue; the others have ended with three events.
func (n *node) many(messages, queued int) {
	const batch, lanes = 500, 100_000
	lane := 1
	for done := 0; done < messages; done += batch {
		first, second, third := &store.Change{}, &store.Change{}, &store.Change{}
		for i := range min(batch, messages-done) {
			m := n.message(1)
			lane = lane * 5 % 99_991 // in no order
			m.Route.Lane = fmt.Sprintf("+44770%06d", lane%lanes)
			first.Accept = append(first.Accept, accepted(m))
			if i%queued > 0 {
				second.Parts = append(second.Parts, n.update(m, sms.UpdateTaken, 1, ""))
				third.Parts = append(third.Parts, n.update(m, sms.UpdateReceipt, 1, sms.StatusDelivered))
			}
		}
		n.apply(first)
		n.apply(second)
		n.apply(third)
	}
}

// BenchmarkThereAndBack moves b.N messages with their events into PostgreSQL, which
// waits for its disk, and back: -benchtime 1000000x. A tenth of them are queued, or
// all.
func BenchmarkThereAndBack(b *testing.B) {
	b.Run("ended", func(b *testing.B) { thereAndBack(b, 10) })
	b.Run("queued", func(b *testing.B) { thereAndBack(b, 1) })
}

func thereAndBack(b *testing.B, queued int) {
	dir := b.TempDir()
	e := openSQLite(b, datadir.Database(dir))
	join(b, e, "node").many(b.N, queued)
	if err := e.Close(); err != nil {
		b.Fatal(err)
	}
	cluster := pgtest.Start(b, pgtest.Options{Fsync: true})
	url := cluster.Database()
	back := b.TempDir()
	measure := func(what string, run func() (Result, error)) {
		cpu, server := processorTime(b), cluster.CPU()
		runtime.GC()
		r, err := run()
		if err != nil {
			b.Fatal(err)
		}
		b.Logf("%s: %d messages, %d rows in %.1f s: %.0f messages/s; CPU %.1f us/message, and the server's %.1f", what, b.N, r.Rows(), r.Took.Seconds(),
			float64(b.N)/r.Took.Seconds(), float64((processorTime(b)-cpu).Microseconds())/float64(b.N), float64((cluster.CPU()-server).Microseconds())/float64(b.N))
	}
	b.ResetTimer()
	measure("into PostgreSQL", func() (Result, error) { return ToPostgres(b.Context(), dir, url, Options{Logger: quiet}) })
	measure("and back", func() (Result, error) { return FromPostgres(b.Context(), url, back, Options{Logger: quiet}) })
	info, err := os.Stat(datadir.Database(back))
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("the file has %d MB, the heap had %d MB", info.Size()>>20, heap()>>20)
}

// heap is how much memory Go has taken from the system.
func heap() uint64 {
	s := []metrics.Sample{{Name: "/memory/classes/total:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
