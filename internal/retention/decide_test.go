package retention

import (
	"reflect"
	"testing"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t
}

func TestKeepPass(t *testing.T) {
	now := at("2026-09-21T13:46:40Z")
	got := Keep{Messages: 90 * 24 * time.Hour, Receipts: 168 * time.Hour}.pass(now)
	want := store.Pass{Messages: sms.FirstID(at("2026-06-23T13:46:40Z")), Receipts: at("2026-09-14T13:46:40Z"), Month: "2025-08", Within: within}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := (Keep{Receipts: time.Hour}).pass(now); got.Messages != 0 {
		t.Errorf("messages that are kept for ever: %+v", got)
	}
}

func TestFirstMonth(t *testing.T) {
	for now, want := range map[string]string{
		"2026-09-30T23:59:59Z":      "2025-08",
		"2026-10-01T00:00:00Z":      "2025-09",
		"2026-01-31T12:00:00Z":      "2024-12",
		"2026-03-31T12:00:00Z":      "2025-02",
		"2026-10-01T01:00:00+02:00": "2025-08", // spend is kept by months of UTC
	} {
		if got := firstMonth(at(now)); got != want {
			t.Errorf("at %s: %s, want %s", now, got, want)
		}
	}
}

func TestEvery(t *testing.T) {
	const day = 24 * time.Hour
	for _, c := range []struct {
		keep Keep
		want time.Duration
	}{
		{Keep{Messages: 90 * day, Receipts: 7 * day}, 10 * time.Minute},
		{Keep{Messages: 0, Receipts: 7 * day}, 10 * time.Minute},
		{Keep{Messages: time.Minute, Receipts: 7 * day}, 6 * time.Second},
		{Keep{Messages: time.Second, Receipts: 7 * day}, time.Second},
		{Keep{Messages: 90 * day, Receipts: time.Minute}, 6 * time.Second},
		{Keep{Messages: 90 * day, Receipts: 7 * day, Bodies: time.Hour}, 6 * time.Minute},
		{Keep{Messages: 90 * day, Receipts: 7 * day, Numbers: time.Minute}, 6 * time.Second},
	} {
		if got := c.keep.every(); got != c.want {
			t.Errorf("%+v: %v, want %v", c.keep, got, c.want)
		}
	}
}

func TestPause(t *testing.T) {
	for took, want := range map[time.Duration]time.Duration{0: time.Millisecond, 10 * time.Millisecond: 40 * time.Millisecond, time.Second: 4 * time.Second} {
		if got := pause(took, false); got != want {
			t.Errorf("after %v: %v, want %v", took, got, want)
		}
		if got := pause(took, true); got != max(want/2, time.Millisecond) {
			t.Errorf("after %v, when behind: %v", took, got)
		}
	}
}

func TestBounded(t *testing.T) {
	began := at("2026-09-21T12:00:00Z")
	for _, c := range []struct {
		wall   time.Time
		passed time.Duration
		want   time.Time
	}{
		{began.Add(time.Minute), time.Minute, began.Add(time.Minute)},
		{began.Add(-time.Hour), time.Minute, began.Add(-time.Hour)},
		{began.Add(61 * time.Minute), time.Minute, began.Add(61 * time.Minute)},
		{began.AddDate(1, 0, 0), time.Minute, began.Add(61 * time.Minute)},
	} {
		if got := bounded(c.wall, began, c.passed); !got.Equal(c.want) {
			t.Errorf("%v after %v: %v, want %v", c.wall, c.passed, got, c.want)
		}
	}
}
