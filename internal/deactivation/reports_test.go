package deactivation

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"heliograph/internal/resources"
	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/store/sqlite"
)

func newReports(t *testing.T) (*Reports, *time.Time) {
	t.Helper()
	engine, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "test.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	fence, err := engine.Join(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	committer := store.NewCommitter(engine, fence, store.CommitterOptions{})
	t.Cleanup(func() {
		committer.Close()
		engine.Close()
	})
	at := time.Date(2026, 11, 23, 18, 0, 0, 0, time.UTC)
	now := func() time.Time { return at }
	directory, err := resources.Open(t.Context(), engine, committer, "aws", "us-east-1", now)
	if err != nil {
		t.Fatal(err)
	}
	return New(directory, engine, now), &at
}

func (r *Reports) text(t *testing.T, country, day string) string {
	t.Helper()
	report, ok := r.Get(country, day)
	if !ok {
		return "none"
	}
	var all strings.Builder
	for text, err := range r.Text(t.Context(), report) {
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	if int64(all.Len()) != report.Bytes {
		t.Errorf("%s of %s has %d bytes and says %d", country, day, all.Len(), report.Bytes)
	}
	return all.String()
}

// A number is in a day's report of its country once.
func TestAdd(t *testing.T) {
	r, _ := newReports(t)
	var many []string
	for i := range block + 10 {
		many = append(many, fmt.Sprintf("+1206%07d", 5_000_000+i))
	}
	for _, c := range []struct {
		numbers []string
		want    Added
	}{
		{[]string{"+12065550101", "+12065550100", "+447700900123", "+12065550101"}, Added{Added: 3, Known: 1, Reports: 2}},
		{[]string{"+12065550100"}, Added{Known: 1, Reports: 1}},
		{[]string{"+12065550099"}, Added{Added: 1, Reports: 1}},
	} {
		if got, err := r.Add(t.Context(), "2026-11-23", c.numbers); err != nil || got != c.want {
			t.Errorf("%v: %+v, %v; want %+v", c.numbers, got, err, c.want)
		}
	}
	if got := r.text(t, "US", "2026-11-23"); got != "+12065550099\n+12065550100\n+12065550101\n" {
		t.Errorf("US: %q", got)
	}
	if got := r.text(t, "GB", "2026-11-23"); got != "+447700900123\n" {
		t.Errorf("GB: %q", got)
	}
	if got, err := r.Add(t.Context(), "2026-11-01", many); err != nil || got.Added != block+10 || strings.Count(r.text(t, "US", "2026-11-01"), "\n") != block+10 {
		t.Errorf("more than a block: %+v, %v", got, err)
	}
	if got, ok := r.Latest("US"); !ok || got.Day != "2026-11-23" || got.Numbers != 3 {
		t.Errorf("the latest: %+v", got)
	}
	if got := r.All(); len(got) != 3 || got[0].Country != "GB" || got[1].Day != "2026-11-01" {
		t.Errorf("all: %+v", got)
	}
}

func TestAddRefuses(t *testing.T) {
	r, _ := newReports(t)
	for day, numbers := range map[string][]string{
		"2026-11-24": {"+12065550100"}, "2026-08-25": {"+12065550100"}, "yesterday": {"+12065550100"}, "2026-11-23": {"+12065550100", "12"},
	} {
		_, err := r.Add(t.Context(), day, numbers)
		if e, ok := sms.AsError(err); !ok || e.Kind != sms.KindValidation {
			t.Errorf("%s %v: %v", day, numbers, err)
		}
	}
	if got := r.All(); len(got) != 0 {
		t.Errorf("what was refused is there: %+v", got)
	}
}

func TestExpire(t *testing.T) {
	r, at := newReports(t)
	for _, day := range []string{"2026-11-22", "2026-11-23"} {
		if _, err := r.Add(t.Context(), day, []string{"+12065550100"}); err != nil {
			t.Fatal(err)
		}
	}
	*at = at.AddDate(0, 0, KeptDays-1)
	if err := r.Expire(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := r.All(); len(got) != 1 || got[0].Day != "2026-11-23" {
		t.Errorf("left: %+v", got)
	}
	if got := r.directory.Inventory().Dropped.All(); len(got) != 1 || got[0].Value != (resources.Dropped{List: listOf("US", "2026-11-22")}) {
		t.Errorf("dropped: %+v", got)
	}
}

func TestOutOfService(t *testing.T) {
	r, _ := newReports(t)
	if err := r.OutOfService(t.Context(), []string{"+12065550100", "+12065550101", "nobody"}); err != nil {
		t.Fatal(err)
	}
	if got := r.text(t, "US", r.Today()); got != "+12065550100\n+12065550101\n" {
		t.Errorf("%q", got)
	}
	if err := r.OutOfService(t.Context(), []string{"nobody"}); err != nil {
		t.Error(err)
	}
}

// A report that is being read is not changed by what comes in meanwhile.
func TestTextOfAReportThatChanges(t *testing.T) {
	r, _ := newReports(t)
	add := func(numbers ...string) {
		if _, err := r.Add(t.Context(), "2026-11-23", numbers); err != nil {
			t.Fatal(err)
		}
	}
	add("+491701234567", "+4917012345678")
	before, _ := r.Get("DE", "2026-11-23")
	add("+49170123456", "+491701234568")
	var text strings.Builder
	for piece, err := range r.Text(t.Context(), before) {
		if err != nil {
			t.Fatal(err)
		}
		text.Write(piece)
	}
	if got := text.String(); got != "+491701234567\n+4917012345678\n" {
		t.Errorf("read %q", got)
	}
}
