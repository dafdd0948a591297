package record

import (
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// What is read for an audit is what the whole record says.
func TestAudit(t *testing.T) {
	var m sms.Message
	n := 0
	fill(reflect.ValueOf(&m).Elem(), &n)
	var got store.AuditedMessage
	err := AuditMessage(&got, AppendMessage(nil, &m))
	want := store.AuditedMessage{Account: m.Billed(), AcceptedAt: m.AcceptedAt, Parts: m.Parts, Price: m.Price, CarrierFee: m.CarrierFee,
		Country: m.Country, Route: m.Route.PriceKind()}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("message: %v\n%s", err, diff)
	}

	for _, route := range []sms.Route{{}, {Kind: sms.IdentitySharedRoute, Lane: "lane"}, {Kind: sms.IdentityPhoneNumber, NumberType: sms.LongCode}} {
		m.Route = route
		if err := AuditMessage(&got, AppendMessage(nil, &m)); err != nil || got.Route != route.PriceKind() {
			t.Errorf("route %+v: %q, %v", route, got.Route, err)
		}
	}

	progress := []sms.PartProgress{
		{State: sms.PartUnsent},
		{State: sms.PartTaken, SentAt: time.UnixMilli(0), Code: "ESME_ROK", Carrier: "acme", CarrierMessageID: "1", Resent: 2},
		{State: sms.PartFinal, Status: sms.StatusDelivered, SentAt: time.UnixMilli(5), DoneAt: time.UnixMilli(6), Detail: "stat:DELIVRD"},
	}
	parts := []store.AuditedPart{{State: sms.PartUnsent}, {State: sms.PartTaken, Sent: true, Code: "ESME_ROK", Resent: 2},
		{State: sms.PartFinal, Status: sms.StatusDelivered, Sent: true}}
	route := &sms.Route{Identity: "NOTICE", Lane: "lane"}
	for name, doc := range map[string][]byte{
		"progress": AppendProgress(nil, &sms.Progress{Route: route, Parts: progress}),
		"detail":   AppendDetail(nil, &store.EventDetail{Route: route, Parts: progress, Description: "d", Attempts: 3}),
	} {
		got, err := AuditParts(nil, doc)
		if diff := cmp.Diff(parts, got); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", name, err, diff)
		}
	}
	if got, err := AuditParts(nil, nil); err != nil || got != nil {
		t.Errorf("no record: %v, %v", got, err)
	}
}

func FuzzAudit(f *testing.F) {
	f.Add(AppendMessage(nil, &sms.Message{Account: "1", Parts: 2, Price: 3}))
	f.Add(AppendProgress(nil, &sms.Progress{Parts: []sms.PartProgress{{State: sms.PartTaken, Resent: 1}}}))
	f.Fuzz(func(t *testing.T, doc []byte) {
		var m store.AuditedMessage
		if whole, err := Message(1, doc); err == nil {
			if err := AuditMessage(&m, doc); err != nil || m.Account != whole.Account || m.Parts != whole.Parts || m.Price != whole.Price || m.Country != whole.Country {
				t.Fatalf("%+v of %+v, %v", m, whole, err)
			}
		}
		parts, err := AuditParts(nil, doc)
		whole, wholeErr := Progress(doc)
		if wholeErr == nil && (err != nil || len(parts) != len(whole.Parts)) {
			t.Fatalf("%d parts of %d, %v", len(parts), len(whole.Parts), err)
		}
		for i := range parts {
			if wholeErr == nil && (parts[i].State != whole.Parts[i].State || parts[i].Resent != whole.Parts[i].Resent) {
				t.Fatalf("%+v of %+v", parts[i], whole.Parts[i])
			}
		}
	})
}
