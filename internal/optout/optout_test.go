package optout

import (
	"testing"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

var now = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

const days = 24 * time.Hour

func entry(mark int64, at, until time.Time) *store.Entry {
	return &store.Entry{EntryKey: store.EntryKey{List: 7, Key: 4917612345678}, Mark: mark, At: at, Until: until}
}

func TestKeyAndNumber(t *testing.T) {
	for number, digits := range map[string]int64{"+12065550123": 12065550123, "12065550123": 12065550123, "+4917612345678": 4917612345678} {
		key, ok := Key(7, number)
		if !ok || key != (store.EntryKey{List: 7, Key: digits}) {
			t.Errorf("Key(%s) = %v, %v", number, key, ok)
		}
	}
	for _, number := range []string{"", "+", "HELIO", "+49 176", "+1234567890123456789"} {
		if key, ok := Key(7, number); ok {
			t.Errorf("Key(%q) = %v", number, key)
		}
	}
	if got := Number(entry(ByHand, now, now)); got != "+4917612345678" {
		t.Errorf("the entry's number is %s", got)
	}
}

func TestLists(t *testing.T) {
	alerts, news := &sms.OptOutList{Name: "Alerts"}, &sms.OptOutList{Name: "News"}
	ids := map[int64]bool{}
	for _, id := range []int64{List("111122223333", alerts, now), List("111122223333", news, now), List("444455556666", alerts, now),
		List("111122223333", alerts, now.Add(time.Millisecond))} {
		ids[id] = true
	}
	if len(ids) != 4 {
		t.Errorf("four lists have %d numbers", len(ids))
	}
	if List("111122223333", alerts, now) != List("111122223333", alerts, now.In(time.FixedZone("", 3600))) {
		t.Error("a list's number depends on the time zone")
	}
}

func TestPut(t *testing.T) {
	then, before := now.Add(-time.Hour), now.Add(-40*days)
	key := entry(0, now, now).EntryKey
	for _, c := range []struct {
		name    string
		old     *store.Entry
		by      int64
		want    store.Entry
		changed bool
	}{
		{"a new one by hand", nil, ByHand, store.Entry{EntryKey: key, At: now, Mark: ByHand}, true},
		{"a new one by itself", nil, ByEndUser, store.Entry{EntryKey: key, At: now, Mark: ByEndUser}, true},
		{"twice by hand", entry(ByHand, then, time.Time{}), ByHand, *entry(ByHand, then, time.Time{}), false},
		{"twice by itself", entry(ByEndUser, then, time.Time{}), ByEndUser, *entry(ByEndUser, then, time.Time{}), false},
		{"by hand after itself", entry(ByEndUser, then, time.Time{}), ByHand, *entry(ByEndUser, then, time.Time{}), false},
		{"by itself after hand", entry(ByHand, then, before), ByEndUser, *entry(ByEndUser, now, before), true},
		{"opted in before, by hand", entry(OptedIn, then, before), ByHand, *entry(ByHand, now, before), true},
		{"opted in before, by itself", entry(OptedIn, then, before), ByEndUser, *entry(ByEndUser, now, before), true},
	} {
		w, changed := Put(c.old, key, c.by, now.In(time.FixedZone("", 7200)).Add(900*time.Microsecond))
		if as := w.Absent == (c.old == nil) && (c.old == nil || w.Expect != nil && w.Expect.Same(*c.old.Expected())); changed && !as {
			t.Errorf("%s: %+v is written over what was not read", c.name, w)
		}
		if changed != c.changed || w.Delete || w.EntryKey != c.want.EntryKey || w.Mark != c.want.Mark || w.At != c.want.At || w.Until != c.want.Until {
			t.Errorf("%s: %+v, %v, want %+v, %v", c.name, w, changed, c.want, c.changed)
		}
		if !OptedOut(&w.Entry) || EndUser(&w.Entry) != (c.want.Mark == ByEndUser) {
			t.Errorf("%s: the number is not opted out as it was asked for", c.name)
		}
	}
}

func TestOptIn(t *testing.T) {
	then := now.Add(-time.Hour)
	for _, c := range []struct {
		name   string
		old    *store.Entry
		kind   sms.ErrorKind // KindInternal: none
		reason sms.Reason
	}{
		{"opted out by hand", entry(ByHand, then, time.Time{}), 0, ""},
		{"opted out by itself", entry(ByEndUser, then, time.Time{}), 0, ""},
		{"opted in long ago", entry(ByEndUser, then, now.Add(-30*days)), 0, ""},
		{"opted in 30 days ago, nearly", entry(ByEndUser, then, now.Add(-30*days+time.Millisecond)), sms.KindValidation, "PHONE_NUMBER_CANNOT_BE_OPTED_IN"},
		{"opted in just now", entry(ByHand, then, now.Add(-2*time.Hour)), sms.KindValidation, "PHONE_NUMBER_CANNOT_BE_OPTED_IN"},
		{"not there", nil, sms.KindNotFound, ""},
		{"not there any more", entry(OptedIn, then, then), sms.KindNotFound, ""},
	} {
		w, err := OptIn(c.old, "+4917612345678", now)
		if c.kind != 0 {
			e, ok := sms.AsError(err)
			if !ok || e.Kind != c.kind || e.Reason != c.reason {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		if err != nil || OptedOut(&w.Entry) || w.EntryKey != c.old.EntryKey || w.Mark != OptedIn || w.Until != now || w.At != then || w.Delete || w.Expect == nil || !w.Expect.Same(*c.old.Expected()) {
			t.Errorf("%s: %+v, %v", c.name, w, err)
		}
	}
}

func TestOptInByEndUser(t *testing.T) {
	recently := now.Add(-days)
	for name, old := range map[string]*store.Entry{"never": nil, "opted in": entry(OptedIn, recently, recently)} {
		if w, changed := OptInByEndUser(old, now); changed {
			t.Errorf("%s: %+v is written", name, w)
		}
	}
	w, changed := OptInByEndUser(entry(ByEndUser, recently, recently), now)
	if !changed || w.Mark != OptedIn || w.Until != now || w.Expect == nil || w.Expect.Mark != ByEndUser {
		t.Errorf("an end user cannot opt in again the next day: %+v, %v", w, changed)
	}
	// What the end user does counts for those who opt in by hand.
	w, _ = Put(&w.Entry, w.EntryKey, ByEndUser, now)
	if _, err := OptIn(&w.Entry, "+4917612345678", now.Add(29*days)); err == nil {
		t.Error("a number that opted itself in and out is opted in by hand within 30 days")
	}
}

func TestPast(t *testing.T) {
	old := now.Add(-30 * days)
	for _, c := range []struct {
		e    *store.Entry
		want bool
	}{
		{entry(OptedIn, old, old), true},
		{entry(OptedIn, old, old.Add(time.Millisecond)), false},
		{entry(ByHand, old, old), false},
		{entry(ByEndUser, old, time.Time{}), false},
	} {
		if got := Past(c.e, now); got != c.want {
			t.Errorf("%+v: %v", c.e, got)
		}
	}
}
