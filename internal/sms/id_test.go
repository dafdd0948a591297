package sms

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestIDCarriesItsFacts(t *testing.T) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 891_999_999, time.UTC)
	for _, slot := range []int{0, 1, 17, MaxSlot} {
		id := NewIDs(slot, 0).Next(at)
		if got := id.Time(); !got.Equal(at.Truncate(time.Millisecond)) {
			t.Errorf("slot %d: made at %v, reads %v", slot, at, got)
		}
		if got := id.Slot(); got != slot {
			t.Errorf("slot %d reads %d", slot, got)
		}
		if first := FirstID(at); first > id {
			t.Errorf("slot %d: FirstID %d is above %d", slot, first, id)
		}
		if next := FirstID(at.Add(time.Millisecond)); next <= id {
			t.Errorf("slot %d: FirstID of the next millisecond %d is not above %d", slot, next, id)
		}
		for n := 1; n <= MaxParts; n++ {
			if whole, part := id.Part(n).Split(); whole != id || part != n {
				t.Errorf("part %d of %d splits into %d and %d", n, id, whole, part)
			}
		}
	}
	if got := FirstID(Epoch.Add(-time.Hour)); got != 0 {
		t.Errorf("FirstID before the epoch is %d", got)
	}
}

// IDs ascend whatever the clock does, also over a restart, and nodes never make
// the same.
func TestIDsAscend(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		slot := rapid.IntRange(0, MaxSlot).Draw(t, "slot")
		ids := NewIDs(slot, 0)
		now := Epoch.Add(time.Duration(rapid.Int64Range(-1_000, 1e11).Draw(t, "start")) * time.Millisecond)
		last := ID(0)
		for range rapid.IntRange(1, 60).Draw(t, "count") {
			now = now.Add(time.Duration(rapid.IntRange(-3000, 3000).Draw(t, "step")) * time.Microsecond)
			if rapid.IntRange(0, 9).Draw(t, "restart") == 0 {
				ids = NewIDs(slot, last)
			}
			traced := rapid.Bool().Draw(t, "traced")
			next := ids.Next
			if traced {
				next = ids.NextTraced
			}
			id := next(now)
			if id.Traced() != traced {
				t.Fatalf("%d: traced %v, wanted %v", id, id.Traced(), traced)
			}
			if id <= last || id.Slot() != slot || id&(1<<partBits-1) != 0 {
				t.Fatalf("%d after %d, slot %d", id, last, id.Slot())
			}
			if now.After(Epoch) && id.Time().Before(now.Truncate(time.Millisecond)) {
				t.Fatalf("made at %v, reads %v", now, id.Time())
			}
			last = id
		}
	})
}

func TestIDsBorrowFromTheNextMillisecond(t *testing.T) {
	now := Epoch.Add(time.Hour)
	ids := NewIDs(3, 0)
	var last ID
	for range 1<<(counterBits-tracedBits) + 1 {
		last = ids.Next(now)
	}
	if got := last.Time(); !got.Equal(now.Add(time.Millisecond)) {
		t.Errorf("ID number 2,049 of a millisecond reads %v after it", got.Sub(now))
	}
	if last.Slot() != 3 {
		t.Errorf("slot %d", last.Slot())
	}
}

func TestIDsOfManyCallersDiffer(t *testing.T) {
	const callers, each = 8, 2_000
	ids := NewIDs(5, 0)
	now := time.Now()
	var wg sync.WaitGroup
	made := make([][]ID, callers)
	for i := range callers {
		wg.Go(func() {
			for range each {
				made[i] = append(made[i], ids.Next(now))
			}
		})
	}
	wg.Wait()
	all := slices.Concat(made...)
	slices.Sort(all)
	if n := len(slices.Compact(all)); n != callers*each {
		t.Errorf("%d different IDs of %d", n, callers*each)
	}
}

func messageIDs(t testing.TB, key string) *MessageIDs {
	t.Helper()
	m, err := NewMessageIDs([]byte(key))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

const testKey = "0123456789abcdef"

func TestMessageIDKey(t *testing.T) {
	for _, n := range []int{0, 15, 17, 24, 32} {
		if _, err := NewMessageIDs(make([]byte, n)); err == nil {
			t.Errorf("a key of %d bytes was taken", n)
		}
	}
}

var uuid7 = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

// A MessageId is a UUID of version 7 (RFC 9562, section 5.7): its first 48 bits
// are the milliseconds since 1970.
func TestMessageIDFormat(t *testing.T) {
	m := messageIDs(t, testKey)
	at := time.UnixMilli(0x019c_8a12_3456)
	s := m.Format(NewIDs(MaxSlot, 0).Next(at))
	if !uuid7.MatchString(s) {
		t.Errorf("%s is not a UUID of version 7", s)
	}
	if !strings.HasPrefix(s, "019c8a12-3456-7000-bf") {
		t.Errorf("%s does not carry the time, the counter 0 and slot 63", s)
	}
	if other := messageIDs(t, "another 16 bytes").Format(NewIDs(MaxSlot, 0).Next(at)); other == s {
		t.Error("the key makes no difference")
	}
}

func TestMessageIDRoundTrip(t *testing.T) {
	m := messageIDs(t, testKey)
	rapid.Check(t, func(t *rapid.T) {
		id := ID(rapid.Int64Min(0).Draw(t, "id")) &^ (1<<partBits - 1)
		s := m.Format(id)
		if !uuid7.MatchString(s) {
			t.Fatalf("%d is written %s", id, s)
		}
		if got, err := m.Parse(s); err != nil || got != id {
			t.Fatalf("%d comes back as %d, %v", id, got, err)
		}
	})
}

func TestMessageIDsSortAsTheirIDs(t *testing.T) {
	m, ids := messageIDs(t, testKey), NewIDs(9, 0)
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	last := ""
	for i := range 5_000 {
		s := m.Format(ids.Next(now.Add(time.Duration(i) * 100 * time.Microsecond)))
		if s <= last {
			t.Fatalf("%s after %s", s, last)
		}
		last = s
	}
}

func TestForgedMessageIDsAreRefused(t *testing.T) {
	m := messageIDs(t, testKey)
	good := m.Format(NewIDs(7, 0).Next(time.Date(2026, 5, 5, 5, 5, 5, 5, time.UTC)))
	refused := map[string]string{
		"empty":              "",
		"of another key":     messageIDs(t, "another 16 bytes").Format(NewIDs(7, 0).Next(time.Date(2026, 5, 5, 5, 5, 5, 5, time.UTC))),
		"random UUID":        "f81d4fae-7dec-41d0-a765-00a0c91e6bf6",
		"before the epoch":   "00000000-0000-7000-8000-000000000000",
		"far in the future":  "ffffffff-ffff-7fff-bfff-ffffffffffff",
		"capitals":           strings.ToUpper(good),
		"without dashes":     strings.ReplaceAll(good, "-", ""),
		"in braces":          "{" + good + "}",
		"dashes elsewhere":   strings.Replace(good, "-", "0", 1),
		"not hexadecimal":    good[:35] + "g",
		"something behind":   good + " ",
		"multi-byte, length": good[:34] + "é",
	}
	for i := range good {
		if good[i] == '-' {
			continue
		}
		flipped := []byte(good)
		if flipped[i]++; good[i] == '9' || good[i] == 'f' {
			flipped[i] = '0'
		}
		refused["digit "+string(rune('A'+i))+" changed"] = string(flipped)
	}
	for name, s := range refused {
		if id, err := m.Parse(s); !errors.Is(err, ErrMessageID) || id != 0 {
			t.Errorf("%s: %q gives %d, %v", name, s, id, err)
		}
	}
	if _, err := m.Parse(good); err != nil {
		t.Errorf("%s: %v", good, err)
	}
}

// What is parsed is exactly what was formatted: no two spellings of one message.
func FuzzParseMessageID(f *testing.F) {
	m := messageIDs(f, testKey)
	f.Add(m.Format(NewIDs(1, 0).Next(Epoch.Add(time.Hour))))
	f.Add(m.Format(0))
	f.Add("f81d4fae-7dec-41d0-a765-00a0c91e6bf6")
	f.Add("ffffffff-ffff-ffff-ffff-ffffffffffff")
	f.Add("--------------------------é---------")
	f.Fuzz(func(t *testing.T, s string) {
		id, err := m.Parse(s)
		if err != nil {
			if !errors.Is(err, ErrMessageID) {
				t.Fatal(err)
			}
			return
		}
		if got := m.Format(id); got != s || id < 0 {
			t.Fatalf("%q is %d, which is written %q", s, id, got)
		}
	})
}

func BenchmarkFormat(b *testing.B) {
	m := messageIDs(b, testKey)
	b.ReportAllocs()
	for i := range b.N {
		m.Format(ID(i) << partBits)
	}
}
