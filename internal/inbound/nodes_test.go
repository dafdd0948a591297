//go:build postgres

package inbound

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"heliograph/internal/resources"
	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/store/pgtest"
	"heliograph/internal/store/postgres"
)

// TestSharedDatabase: several nodes over one database get the parts of messages at the
// same time, some of them twice. Each message is made once, by one of them.
func TestSharedDatabase(t *testing.T) {
	url := pgtest.Start(t, pgtest.Options{Fsync: true}).Database()
	var flows []*Flow
	var engine *postgres.Engine
	var slots []int
	for i := range 3 {
		e, err := postgres.Open(t.Context(), url, postgres.Options{Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		fence, err := e.Join(t.Context(), fmt.Sprint("node", i))
		if err != nil {
			t.Fatal(err)
		}
		engine, slots = e, append(slots, fence.Slot)
		committer := store.NewCommitter(e, fence, store.CommitterOptions{})
		directory, err := resources.Open(t.Context(), e, committer, "aws", "us-east-1", time.Now)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			err = errors.Join(directory.EnsureAccount(t.Context(), customer, resources.Production),
				directory.Change(t.Context(), customer, func(tx *resources.Tx) error {
					tx.PhoneNumbers.Put("phone-two", sms.PhoneNumber{ID: "phone-two", Number: twoWay, Country: "US", Type: sms.LongCode, Carrier: "acme",
						TwoWay: sms.TwoWay{Enabled: true, ChannelARN: "arn:aws:sns:us-east-1:111122223333:in"}, OptOutList: sms.DefaultOptOutList})
					return nil
				}))
			if err != nil {
				t.Fatal(err)
			}
		}
		ids, err := sms.NewMessageIDs(make([]byte, 16))
		if err != nil {
			t.Fatal(err)
		}
		f := New(Options{Lists: e, Committer: committer, Directory: directory, IDs: sms.NewIDs(fence.Slot, 0), MessageIDs: ids, Keys: testKeys,
			Metrics: NewMetrics(prometheus.NewRegistry()), Log: slog.New(slog.DiscardHandler), Now: time.Now})
		ctx, stop := context.WithCancel(context.Background())
		f.Run(ctx)
		t.Cleanup(func() {
			stop()
			f.Close()
			committer.Close()
			if err := e.Close(); err != nil {
				t.Error(err)
			}
		})
		flows = append(flows, f)
	}
	want := []string{}
	for reference := range uint16(30) {
		parts, whole := message5(reference%20, fmt.Sprint("message ", reference))
		want = append(want, whole)
		parts = append(parts, parts[rand.IntN(5)], parts[rand.IntN(5)])
		rand.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
		var wg sync.WaitGroup
		for _, p := range parts {
			wg.Add(1)
			flows[rand.IntN(len(flows))].Inbound(p, func(err error) {
				if err != nil {
					t.Errorf("part %d of message %d: %v", p.Number, reference, err)
				}
				wg.Done()
			})
		}
		wg.Wait()
	}
	got := []string{}
	for _, slot := range slots {
		events, err := engine.EventsAfter(t.Context(), slot, 0, 1000)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			var p Payload
			if err := json.Unmarshal(e.Detail.Content.Body, &p); err != nil {
				t.Error(err)
			}
			got = append(got, p.MessageBody)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("published %q, want %q", got, want)
	}
	left, err := engine.EntriesAfter(t.Context(), store.EntryScan{List: pendingList, After: math.MinInt64, Limit: 1000})
	left = slices.DeleteFunc(left, func(e store.Entry) bool { return Copy(&e) })
	if err != nil || len(left) != 0 {
		t.Errorf("%d parts wait that are no copies, %v", len(left), err)
	}
}
