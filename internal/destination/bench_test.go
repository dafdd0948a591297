package destination_test

import (
	"context"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"heliograph/internal/destination"
	"heliograph/internal/destination/local"
	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/store/sqlite"
)

const account = "111122223333"

// BenchmarkRouter follows a stored log of one event a message into the local
// event log, with the messages in memory.
func BenchmarkRouter(b *testing.B) {
	ctx := b.Context()
	engine, err := sqlite.Open(ctx, filepath.Join(b.TempDir(), "heliograph.db"), sqlite.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = engine.Close() }()
	fence, err := engine.Join(ctx, "bench")
	if err != nil {
		b.Fatal(err)
	}
	ids := sms.NewIDs(fence.Slot, 0)
	messages := map[sms.ID]*sms.Message{}
	for n := 0; n < b.N; n += 500 {
		change := &store.Change{}
		for range min(500, b.N-n) {
			m := &sms.Message{ID: ids.Next(time.Now()), Account: account, AcceptedAt: time.Now(), ExpiresAt: time.Now().Add(time.Hour),
				Destination: "+14255550156", Country: "US", Route: sms.Route{Identity: "+12065550152"}, Type: sms.Transactional,
				Encoding: "GSM", Parts: 1, ConfigurationSet: "cs", Context: map[string]string{"account": "bar"}}
			messages[m.ID] = m
			change.Accept = append(change.Accept, store.Accepted{Message: m, Queued: store.Queued{ID: m.ID, Shard: "sim", Lane: "l", Parts: 1}})
		}
		if err := engine.Apply(ctx, fence, []*store.Change{change}); err != nil {
			b.Fatal(err)
		}
	}
	key, err := sms.NewMessageIDs(make([]byte, 16))
	if err != nil {
		b.Fatal(err)
	}
	log := local.New(filepath.Join(b.TempDir(), "events"), local.Options{})
	var published atomic.Int64
	done := make(chan struct{})
	router := destination.NewRouter(destination.Options{Slot: fence.Slot, Log: engine, MessageID: key.Format,
		Destinations: func(string, string) []sms.EventDestination {
			return []sms.EventDestination{{Name: "all", Enabled: true, EventTypes: []string{"TEXT_ALL"}}}
		},
		Messages: func(_ context.Context, ids []sms.ID) ([]*sms.Message, error) {
			out := make([]*sms.Message, len(ids))
			for i, id := range ids {
				out[i] = messages[id]
			}
			return out, nil
		},
		Factory: func(account, set string, d sms.EventDestination) (destination.Publisher, error) {
			return log.Publisher(account, set, d.Name)
		},
		Published: func(_ string, n int, _ time.Time, _ time.Duration) {
			if published.Add(int64(n)) == int64(b.N) {
				close(done)
			}
		},
	})
	committer := store.NewCommitter(engine, fence, store.CommitterOptions{Observers: []func([]*store.Change){router.Observe}})
	defer committer.Close()

	cpu := cpuTime(b)
	b.ResetTimer()
	run, cancel := context.WithCancel(ctx)
	ended := make(chan error)
	go func() { ended <- router.Run(run, committer) }()
	<-done
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64((cpuTime(b)-cpu).Microseconds())/float64(b.N), "cpu-us/event")
	cancel()
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
	if s := router.Stats(); s.Detached != 0 || s.Cursor != int64(b.N) {
		b.Errorf("stats are %+v", s)
	}
}

func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
