package app

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"heliograph/internal/config"
	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// opened is a service with everything made and nothing running.
func opened(t *testing.T) *service {
	t.Helper()
	environment := map[string]string{"HELIOGRAPH_DATA_DIR": t.TempDir()}
	cfg, err := config.Load("", func(name string) (string, bool) { v, ok := environment[name]; return v, ok })
	if err != nil {
		t.Fatal(err)
	}
	cfg.Carriers[0].Sim.Faults.Down = true
	s := &service{cfg: cfg, log: slog.New(slog.DiscardHandler), metrics: newMetrics(), fatal: make(chan error, 1)}
	if err := s.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.manager.Finish(context.Background(), func() {})
		s.committer.Close()
		if err := s.engine.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// samples gathers every sample as "name{label values}".
func samples(t *testing.T, from prometheus.Gatherer) map[string]float64 {
	t.Helper()
	families, err := from.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for _, f := range families {
		for _, m := range f.Metric {
			var labels []string
			for _, l := range m.Label {
				labels = append(labels, l.GetValue())
			}
			value := m.GetGauge().GetValue() + m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
			out[f.GetName()+"{"+strings.Join(labels, ",")+"}"] = value
		}
	}
	return out
}

func TestMetricsOfWhatIsCommitted(t *testing.T) {
	s := opened(t)
	if err := s.manager.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	accept := func(class store.Class) *store.Change {
		m := &sms.Message{ID: sms.NewIDs(0, 0).Next(now.Add(time.Duration(class) * time.Second)), Account: s.cfg.Account, AcceptedAt: now,
			ExpiresAt: now.Add(time.Hour), Destination: "+447700900123", Parts: 1, Route: sms.Route{Carrier: "sim", Lane: "a"}}
		return &store.Change{Accept: []store.Accepted{{Message: m, Queued: store.Queued{ID: m.ID, Shard: "sim", Lane: "a", Class: class,
			Parts: 1, Due: now, Expires: m.ExpiresAt}}}}
	}
	first := accept(store.ClassTransactional)
	for _, c := range []*store.Change{first, accept(store.ClassPromotional)} {
		if err := s.committer.Commit(c); err != nil {
			t.Fatal(err)
		}
	}
	id := first.Accept[0].Message.ID
	end := &store.Change{Parts: []store.PartChange{{Shard: "sim", Account: s.cfg.Account, Update: sms.PartUpdate{
		Message: id, Parts: 1, Number: 1, Kind: sms.UpdateSettled, Status: sms.StatusSpam, Carrier: "sim", At: now}}}}
	if err := s.committer.Commit(end); err != nil {
		t.Fatal(err)
	}
	s.metrics.publication("a/b/c", 5, now, time.Millisecond)

	got := samples(t, s.metrics.registry)
	for name, want := range map[string]float64{
		"heliograph_messages_accepted_total{sim,transactional}": 1,
		"heliograph_messages_accepted_total{sim,promotional}":   1,
		"heliograph_message_events_total{QUEUED}":               2,
		"heliograph_message_events_total{SPAM}":                 1,
		"heliograph_messages_ended_total{SPAM}":                 1,
		"heliograph_queue_messages{sim,transactional}":          1, // the queue was not told of its end
		"heliograph_queue_messages{sim,promotional}":            1,
		"heliograph_queue_parts{sim}":                           2,
		"heliograph_carrier_window_parts{sim}":                  1000,
		"heliograph_carrier_up{sim}":                            0,
		"heliograph_shard_held{sim}":                            1,
		"heliograph_nodes{}":                                    1,
		"heliograph_lease_changes_total{claimed}":               3, // the shard, the log and the sweep
		"heliograph_events_published_total{a/b/c}":              5,
		"heliograph_event_publish_delay_seconds{a/b/c}":         1,
		"heliograph_store_commit_failures_total{}":              0,
	} {
		if has, ok := got[name]; !ok || has != want {
			t.Errorf("%s is %v, want %v", name, has, want)
		}
	}
	if age := got["heliograph_queue_oldest_age_seconds{sim,transactional}"]; age < 0 || age > 60 {
		t.Errorf("the oldest message waits for %v s", age)
	}
	if n := got["heliograph_store_commit_changes{}"]; n < 3 || n != got["heliograph_store_commit_seconds{}"] {
		t.Errorf("%v commits", n)
	}
}
