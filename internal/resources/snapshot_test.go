package resources

import (
	"slices"
	"testing"

	"heliograph/internal/sms"
)

func TestSnapshotIndexes(t *testing.T) {
	n := newNode(t)
	n.change(t, func(tx *Tx) error {
		for _, p := range []sms.PhoneNumber{
			{ID: "phone-1", Number: "+12065550100", Country: "US", Type: sms.TenDLC, PoolID: "pool-1"},
			{ID: "phone-2", Number: "+447700900001", Country: "GB", Type: sms.LongCode, PoolID: "pool-1"},
			{ID: "phone-3", Number: "+33600000001", Country: "FR", Type: sms.LongCode, InternationalSending: true},
			{ID: "phone-4", Number: "12345", Country: "CA", Type: sms.ShortCode},
		} {
			tx.PhoneNumbers.Put(p.ID, p)
		}
		for _, s := range []sms.SenderID{
			{SenderID: "HELIO", Country: "GB", PoolIDs: []string{"pool-1", "pool-2"}},
			{SenderID: "HELIO", Country: "DE", PoolIDs: []string{"pool-2"}},
			{SenderID: "OTHER", Country: "GB"},
		} {
			tx.SenderIDs.Put(s.Key(), s)
		}
		return nil
	})
	for name, s := range map[string]*Snapshot{"kept": n.Account(customer), "read again": n.again(t).Account(customer)} {
		if got := s.Number("12345"); got == nil || got.ID != "phone-4" {
			t.Errorf("%s: short code %v", name, got)
		}
		if s.Number("phone-1") != nil || s.Number("") != nil {
			t.Errorf("%s: ids are no numbers", name)
		}
		for country, want := range map[string][]string{
			"US": {"phone-1", "phone-3"}, "PR": {"phone-1", "phone-3"}, "GB": {"phone-2", "phone-3"}, "FR": {"phone-3"}, "CA": {"phone-3", "phone-4"},
		} {
			for range 2 { // found, then remembered
				var got []string
				for _, p := range s.NumbersReaching(country) {
					got = append(got, p.ID)
				}
				if !slices.Equal(got, want) {
					t.Errorf("%s: numbers reaching %s: %v", name, country, got)
				}
			}
		}
		if got := s.SenderIDsFor("GB"); len(got) != 2 || got[0].SenderID != "HELIO" || got[1].SenderID != "OTHER" {
			t.Errorf("%s: sender IDs for GB: %v", name, got)
		}
		if got := s.SenderIDsNamed("HELIO"); len(got) != 2 {
			t.Errorf("%s: %d sender IDs HELIO", name, len(got))
		}
		for pool, want := range map[string]struct{ numbers, senders int }{"pool-1": {2, 1}, "pool-2": {0, 2}, "pool-3": {0, 0}} {
			m := s.Members(pool)
			if len(s.PoolNumbers(pool)) != want.numbers || len(m.Numbers) != want.numbers ||
				len(s.PoolSenderIDs(pool)) != want.senders || len(m.SenderIDs) != want.senders {
				t.Errorf("%s: %s has %d numbers and %d sender IDs", name, pool, len(m.Numbers), len(m.SenderIDs))
			}
		}
		if got := s.Members("pool-1").Numbers[1]; got != &s.PhoneNumbers.Get("phone-2").Value {
			t.Errorf("%s: members are copies", name)
		}
	}
}
