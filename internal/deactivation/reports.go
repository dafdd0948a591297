// Package deactivation keeps deactivation reports: a list a day and country of phone
// numbers that mobile networks took out of service (guide chapter 4, "Requesting
// deactivation reports"). They come from files that the operator imports, and from
// receipts whose carrier's profile says that they mean such a number.
//
// The numbers are entries of a list in the store, one list a report, so that a number
// is in a report once however often it is told of; what reports there are, and how
// long each is, are resources of the installation.
package deactivation

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"math"
	"slices"
	"strconv"
	"time"

	"heliograph/internal/numbering"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
	"heliograph/internal/store"
)

const (
	// KeptDays is how many days' reports are kept (guide chapter 4).
	KeptDays = 90
	// block bounds the numbers of one transaction.
	block = 5000
	// page bounds what is read at once.
	page = 5000

	dayForm = "2006-01-02"
)

// Reports are all reports of the installation.
type Reports struct {
	directory *resources.Directory
	lists     store.Lists
	now       func() time.Time
}

// New makes Reports.
func New(directory *resources.Directory, lists store.Lists, now func() time.Time) *Reports {
	return &Reports{directory: directory, lists: lists, now: now}
}

// Report is a day's report of a country.
type Report struct {
	Country string // ISO 3166-1 alpha-2
	Day     string // 2006-01-02, UTC
	Numbers int64
	Bytes   int64 // of its text
	Changed time.Time
}

func key(country, day string) string { return country + "/" + day }

func listOf(country, day string) int64 { return store.ListID("deactivation", country, day) }

// All are the reports, by country and day.
func (r *Reports) All() []Report {
	items := r.directory.Inventory().Reports.All()
	all := make([]Report, 0, len(items))
	for _, item := range items {
		all = append(all, reportOf(item.Value))
	}
	slices.SortFunc(all, func(a, b Report) int {
		return cmp.Or(cmp.Compare(a.Country, b.Country), cmp.Compare(a.Day, b.Day))
	})
	return all
}

func reportOf(v resources.DeactivationReport) Report {
	return Report{Country: v.Country, Day: v.Day, Numbers: v.Numbers, Bytes: v.Bytes, Changed: v.Changed}
}

// Get is a report; ok is false where there is none.
func (r *Reports) Get(country, day string) (report Report, ok bool) {
	item := r.directory.Inventory().Reports.Get(key(country, day))
	if item == nil {
		return Report{}, false
	}
	return reportOf(item.Value), true
}

// Latest is the newest report of a country; ok is false where there is none.
func (r *Reports) Latest(country string) (latest Report, ok bool) {
	for _, item := range r.directory.Inventory().Reports.All() {
		if item.Value.Country == country && item.Value.Day > latest.Day {
			latest, ok = reportOf(item.Value), true
		}
	}
	return latest, ok
}

// Text is a report's text in pieces: one number in E.164 format a line, in order. It is
// the report's as it was, though numbers may have come in meanwhile.
func (r *Reports) Text(ctx context.Context, report Report) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		left, after := report.Numbers, int64(math.MinInt64)
		for left > 0 {
			entries, err := r.lists.EntriesAfter(ctx, store.EntryScan{List: listOf(report.Country, report.Day), After: after, Limit: page})
			if err == nil && len(entries) == 0 {
				err = fmt.Errorf("%d numbers of it are not in the store", left)
			}
			if err != nil {
				yield(nil, fmt.Errorf("read deactivation report %s: %w", key(report.Country, report.Day), err))
				return
			}
			var text []byte
			for i := range entries {
				if !entries[i].At.After(report.Changed) {
					text = appendLine(text, entries[i].Key)
					left--
				}
			}
			if !yield(text, nil) {
				return
			}
			after = entries[len(entries)-1].Key
		}
	}
}

func appendLine(text []byte, digits int64) []byte {
	return append(strconv.AppendInt(append(text, '+'), digits, 10), '\n')
}

// Added says what came of numbers that were to be added.
type Added struct {
	Added   int64 `json:"added"`
	Known   int64 `json:"known"` // were in the report already
	Reports int   `json:"reports"`
}

// Add adds numbers to the reports of their countries of a day: all of them, or with an
// error those of the blocks before. A number that cannot be one is refused before
// anything is written.
//
// Errors: Validation CANNOT_PARSE naming the number's place, INVALID_PARAMETER for a
// day that is none, that is to come, or that is too long ago to be kept.
func (r *Reports) Add(ctx context.Context, day string, numbers []string) (Added, error) {
	if err := r.checkDay(day); err != nil {
		return Added{}, err
	}
	byCountry := map[string][]int64{}
	for i, text := range numbers {
		n, err := numbering.Parse(text)
		if err != nil || n.Country == "" {
			field := fmt.Sprintf("numbers[%d]", i)
			return Added{}, sms.Invalid(sms.ReasonCannotParse, field, "%s is %q, which is no phone number in E.164 format of a country.", field, text)
		}
		digits, _ := sms.DigitsKey(n.E164)
		byCountry[n.Country] = append(byCountry[n.Country], digits)
	}
	var sum Added
	for country, digits := range byCountry {
		sum.Reports++
		for start := 0; start < len(digits); start += block {
			part := digits[start:min(start+block, len(digits))]
			added, err := r.add(ctx, country, day, part)
			if err != nil {
				return sum, err
			}
			sum.Added += added
			sum.Known += int64(len(part)) - added
		}
	}
	return sum, nil
}

func (r *Reports) checkDay(day string) error {
	at, err := time.Parse(dayForm, day)
	if err != nil {
		return sms.Invalid(sms.ReasonInvalidParameter, "day", "day is %q, which is no date such as 2023-09-28.", day)
	}
	if today := r.now().UTC(); at.After(today) || at.Before(oldest(today)) {
		return sms.Invalid(sms.ReasonInvalidParameter, "day", "day is %s; reports of the last %d days are kept, up to today.", day, KeptDays)
	}
	return nil
}

// oldest is the first day whose report is kept.
func oldest(now time.Time) time.Time {
	return now.UTC().Truncate(24*time.Hour).AddDate(0, 0, 1-KeptDays)
}

// add adds digits to one report in one transaction, and says how many were new.
func (r *Reports) add(ctx context.Context, country, day string, digits []int64) (added int64, err error) {
	list := listOf(country, day)
	err = r.directory.ChangeInventory(ctx, func(tx *resources.Tx) error {
		added = 0
		keys := make([]store.EntryKey, len(digits))
		for i, d := range digits {
			keys[i] = store.EntryKey{List: list, Key: d}
		}
		known, err := r.lists.Entries(ctx, keys)
		if err != nil {
			return fmt.Errorf("read deactivation report %s: %w", key(country, day), err)
		}
		report := resources.DeactivationReport{Country: country, Day: day}
		if item := tx.Reports.Get(key(country, day)); item != nil {
			report = item.Value
		}
		// Numbers of a later change have a later time, also where the clock stands
		// still: by it a report is read as it was.
		changed := tx.Now.UTC().Truncate(time.Millisecond)
		if !changed.After(report.Changed) {
			changed = report.Changed.Add(time.Millisecond)
		}
		seen := make(map[int64]bool, len(digits))
		for i, k := range keys {
			if known[i] != nil || seen[k.Key] {
				continue
			}
			seen[k.Key] = true
			added++
			report.Bytes += int64(len(appendLine(nil, k.Key)))
			tx.Entries = append(tx.Entries, store.EntryWrite{Entry: store.Entry{EntryKey: k, At: changed}})
		}
		if added == 0 {
			return nil
		}
		report.Numbers += added
		report.Changed = changed
		tx.Reports.Put(key(country, day), report)
		return nil
	})
	return added, err
}

// OutOfService adds numbers that receipts tell of to today's reports. One that is of no
// country is passed over.
func (r *Reports) OutOfService(ctx context.Context, numbers []string) error {
	good := numbers[:0:0]
	for _, number := range numbers {
		if n, err := numbering.Parse(number); err == nil && n.Country != "" {
			good = append(good, number)
		}
	}
	if len(good) == 0 {
		return nil
	}
	_, err := r.Add(ctx, r.Today(), good)
	return err
}

// Expire lets go of reports that are older than KeptDays. Their numbers are deleted
// with what else is old.
func (r *Reports) Expire(ctx context.Context) error {
	first := oldest(r.now()).Format(dayForm)
	old := false
	for _, item := range r.directory.Inventory().Reports.All() {
		old = old || item.Value.Day < first
	}
	if !old {
		return nil
	}
	return r.directory.ChangeInventory(ctx, func(tx *resources.Tx) error {
		for _, item := range tx.Reports.All() {
			if v := item.Value; v.Day < first {
				list := listOf(v.Country, v.Day)
				tx.Dropped.Put(strconv.FormatInt(list, 10), resources.Dropped{List: list})
				tx.Reports.Delete(item.ID)
			}
		}
		return nil
	})
}

// Today is the day of what is told of now.
func (r *Reports) Today() string { return r.now().UTC().Format(dayForm) }
