package sms

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var foldTime = time.Date(2026, 4, 1, 12, 0, 0, 0, time.UTC)

// Steps of the tables. A step's time is its place in its list, in seconds.
func taken(n int) PartUpdate { return PartUpdate{Number: n, Kind: UpdateTaken, Carrier: "acme"} }
func settled(n int, s Status) PartUpdate {
	return PartUpdate{Number: n, Kind: UpdateSettled, Status: s, Carrier: "acme"}
}
func receipt(n int, s Status) PartUpdate {
	return PartUpdate{Number: n, Kind: UpdateReceipt, Status: s}
}
func unsentFinal(s Status) PartUpdate { return PartUpdate{Kind: UpdateUnsentFinal, Status: s} }
func takenFinal(s Status) PartUpdate  { return PartUpdate{Kind: UpdateTakenFinal, Status: s} }

func TestFold(t *testing.T) {
	successful := Announcement{Status: StatusSuccessful}
	final := func(s Status) Announcement { return Announcement{Status: s, Final: true} }
	for name, c := range map[string]struct {
		parts int
		steps []PartUpdate
		want  []Announcement
	}{
		"one part delivered":                {1, []PartUpdate{taken(1), receipt(1, StatusDelivered)}, []Announcement{successful, final(StatusDelivered)}},
		"one part failed by its receipt":    {1, []PartUpdate{taken(1), receipt(1, StatusUnreachable)}, []Announcement{successful, final(StatusUnreachable)}},
		"one part refused by the carrier":   {1, []PartUpdate{settled(1, StatusInvalid)}, []Announcement{final(StatusInvalid)}},
		"a route without receipts":          {1, []PartUpdate{settled(1, StatusSuccessful)}, []Announcement{final(StatusSuccessful)}},
		"expired before it left":            {1, []PartUpdate{unsentFinal(StatusTTLExpired)}, []Announcement{final(StatusTTLExpired)}},
		"no receipt in time":                {1, []PartUpdate{taken(1), takenFinal(StatusUnknown)}, []Announcement{successful, final(StatusUnknown)}},
		"taken, not final":                  {1, []PartUpdate{taken(1)}, []Announcement{successful}},
		"a receipt for a part that is here": {1, []PartUpdate{receipt(1, StatusDelivered)}, nil},
		"SUCCESSFUL with the last part": {3, []PartUpdate{taken(2), taken(1), taken(3), receipt(1, StatusDelivered), receipt(3, StatusDelivered), receipt(2, StatusDelivered)},
			[]Announcement{successful, final(StatusDelivered)}},
		"a receipt before the last part": {2, []PartUpdate{taken(1), receipt(1, StatusDelivered), taken(2), receipt(2, StatusDelivered)},
			[]Announcement{successful, final(StatusDelivered)}},
		"a failed part keeps SUCCESSFUL back": {2, []PartUpdate{settled(1, StatusBlocked), taken(2), receipt(2, StatusDelivered)},
			[]Announcement{final(StatusBlocked)}},
		"a failed receipt keeps SUCCESSFUL back": {2, []PartUpdate{taken(1), receipt(1, StatusSpam), taken(2), receipt(2, StatusDelivered)},
			[]Announcement{final(StatusSpam)}},
		"the first part that failed decides": {3, []PartUpdate{taken(1), taken(2), taken(3), receipt(3, StatusSpam), receipt(2, StatusBlocked), receipt(1, StatusDelivered)},
			[]Announcement{successful, final(StatusBlocked)}},
		"the rest expires": {3, []PartUpdate{taken(1), unsentFinal(StatusTTLExpired), receipt(1, StatusDelivered)},
			[]Announcement{final(StatusTTLExpired)}},
		"the rest has no receipt": {2, []PartUpdate{taken(1), taken(2), receipt(1, StatusDelivered), takenFinal(StatusUnknown)},
			[]Announcement{successful, final(StatusUnknown)}},
		"all settled on a route without receipts": {2, []PartUpdate{settled(1, StatusSuccessful), settled(2, StatusSuccessful)},
			[]Announcement{final(StatusSuccessful)}},
		"settled, then taken on a route with receipts": {2, []PartUpdate{settled(1, StatusSuccessful), taken(2), receipt(2, StatusDelivered)},
			[]Announcement{final(StatusSuccessful)}},
		"delivered, then settled": {2, []PartUpdate{taken(1), receipt(1, StatusDelivered), settled(2, StatusSuccessful)},
			[]Announcement{final(StatusSuccessful)}},
		"refused when it was submitted again": {1, []PartUpdate{taken(1), settled(1, StatusBlocked), receipt(1, StatusDelivered)},
			[]Announcement{successful, final(StatusDelivered)}},
		"everything twice": {1, []PartUpdate{taken(1), taken(1), receipt(1, StatusDelivered), receipt(1, StatusDelivered), taken(1)},
			[]Announcement{successful, final(StatusDelivered)}},
		"after the final one": {1, []PartUpdate{settled(1, StatusBlocked), taken(1), receipt(1, StatusDelivered), unsentFinal(StatusTTLExpired), takenFinal(StatusUnknown)},
			[]Announcement{final(StatusBlocked)}},
		"parts that the message does not have": {1, []PartUpdate{taken(0), taken(2), receipt(-1, StatusDelivered)}, nil},
		"an update of no kind":                 {1, []PartUpdate{{Number: 1}}, nil},
	} {
		p := NewProgress(c.parts, nil)
		var got []Announcement
		for i, u := range c.steps {
			u.At = foldTime.Add(time.Duration(i) * time.Second)
			next, out, changed := p.Fold(u)
			if !changed && (len(out) != 0 || !cmp.Equal(p, next)) {
				t.Errorf("%s, step %d: nothing changed, and yet %v %v", name, i, out, cmp.Diff(p, next))
			}
			p, got = next, append(got, out...)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
}

func TestFoldKeepsWhatTheCarrierSaid(t *testing.T) {
	route := &Route{Identity: "HELIO", Carrier: "acme"}
	before := NewProgress(2, route)
	p, _, _ := before.Fold(PartUpdate{Number: 1, Kind: UpdateTaken, Carrier: "acme", CarrierMessageID: "0A", IndexID: "10", Code: "ESME_ROK", Resent: 1, At: foldTime})
	p, _, _ = p.Fold(PartUpdate{Number: 1, Kind: UpdateReceipt, Status: StatusDelivered, CarrierMessageID: "10", Code: "000", Detail: "DELIVRD", At: foldTime.Add(time.Second)})
	p, _, _ = p.Fold(PartUpdate{Number: 2, Kind: UpdateSettled, Status: StatusInvalid, Carrier: "beta", Code: "ESME_RINVDSTADR", At: foldTime.Add(2 * time.Second)})
	want := Progress{Route: route, Parts: []PartProgress{
		{State: PartFinal, Status: StatusDelivered, Carrier: "acme", CarrierMessageID: "0A", IndexID: "10", Code: "000", Detail: "DELIVRD",
			SentAt: foldTime, DoneAt: foldTime.Add(time.Second), Resent: 1},
		{State: PartFinal, Status: StatusInvalid, Carrier: "beta", Code: "ESME_RINVDSTADR", SentAt: foldTime.Add(2 * time.Second), DoneAt: foldTime.Add(2 * time.Second)},
	}}
	if diff := cmp.Diff(want, p); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(NewProgress(2, route), before); diff != "" {
		t.Errorf("Fold changed what it was given:\n%s", diff)
	}
}

var failures = []Status{StatusInvalid, StatusUnreachable, StatusUnknown, StatusBlocked, StatusCarrierUnreachable, StatusSpam,
	StatusInvalidMessage, StatusCarrierBlocked, StatusTTLExpired}

func TestFailed(t *testing.T) {
	for _, s := range failures {
		if !s.Failed() {
			t.Errorf("%s is no failure", s)
		}
	}
	for _, s := range []Status{StatusQueued, StatusPending, StatusSuccessful, StatusDelivered} {
		if s.Failed() {
			t.Errorf("%s is a failure", s)
		}
	}
	if got := StatusCarrierBlocked.EventType(); got != "TEXT_CARRIER_BLOCKED" {
		t.Error(got)
	}
}

func anyUpdate(parts int) *rapid.Generator[PartUpdate] {
	return rapid.Custom(func(t *rapid.T) PartUpdate {
		u := PartUpdate{
			Kind:   UpdateKind(rapid.IntRange(int(UpdateTaken), int(UpdateTakenFinal)).Draw(t, "kind")),
			Number: rapid.IntRange(0, parts+1).Draw(t, "number"),
			At:     foldTime.Add(time.Duration(rapid.IntRange(0, 1000).Draw(t, "at")) * time.Second),
		}
		statuses := failures
		switch u.Kind {
		case UpdateTaken:
			return u
		case UpdateSettled:
			statuses = append([]Status{StatusSuccessful, StatusSuccessful, StatusSuccessful}, failures...)
		case UpdateReceipt:
			statuses = append([]Status{StatusDelivered, StatusDelivered, StatusDelivered}, failures...)
		}
		u.Status = rapid.SampledFrom(statuses).Draw(t, "status")
		return u
	})
}

// Whatever the order and repetition of updates, a message is announced final
// exactly once, when its last part is, with the status that its parts give.
func TestFoldAnnouncesOneEnd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.IntRange(1, 10).Draw(t, "parts")
		updates := rapid.SliceOf(anyUpdate(parts)).Draw(t, "updates")
		// In the end all parts are ended, as expiry and the wait for receipts do.
		updates = append(updates, unsentFinal(StatusTTLExpired), takenFinal(StatusUnknown))
		updates = append(updates, rapid.SliceOfN(anyUpdate(parts), 0, 5).Draw(t, "late")...)

		p := NewProgress(parts, nil)
		successful, finals := 0, 0
		for i, u := range updates {
			next, out, changed := p.Fold(u)
			if !changed && (len(out) > 0 || !cmp.Equal(next, p)) {
				t.Fatalf("update %d changed nothing and gave %v", i, out)
			}
			if changed && finals > 0 {
				t.Fatalf("update %d changed a message that was final", i)
			}
			for _, a := range out {
				switch {
				case finals > 0:
					t.Fatalf("%v after the final one", a)
				case a.Status == StatusSuccessful:
					successful++
				case !a.Final:
					t.Fatalf("%v is announced without being final", a)
				}
				if a.Final {
					finals++
					checkEnd(t, next, a.Status)
				} else if next.Unsent() > 0 {
					t.Fatalf("%v with %d parts unsent", a, next.Unsent())
				}
			}
			p = next
		}
		if finals != 1 || successful > 1 {
			t.Fatalf("%d final announcements, %d SUCCESSFUL", finals, successful)
		}
	})
}

func checkEnd(t *rapid.T, p Progress, got Status) {
	want := StatusDelivered
	for i, part := range p.Parts {
		if part.State != PartFinal {
			t.Fatalf("%s is final while part %d is %s", got, i+1, part.State)
		}
		if part.Status == StatusSuccessful && !want.Failed() {
			want = StatusSuccessful
		}
		if part.Status.Failed() && !want.Failed() {
			want = part.Status
		}
	}
	if got != want {
		t.Fatalf("final as %s, want %s of %+v", got, want, p.Parts)
	}
}
