package admin_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"heliograph/internal/admin"
	"heliograph/internal/reconcile"
	"heliograph/internal/sms"
	"heliograph/internal/store"
)

func TestReconcile(t *testing.T) {
	r := newRig(t)
	o := admin.Reconciliation(first, &reconcile.Walker{Store: r.engine, MessageID: r.ids.Format, Now: time.Now})
	r.operations[o.Target] = o
	id := sms.FirstID(accepted)
	m := r.accept(id)
	r.update(m, sms.PartUpdate{Number: 1, Kind: sms.UpdateTaken, At: accepted.Add(time.Second)})

	walk := func() (*reconcile.Report, []reconcile.Break) {
		var broken []reconcile.Break
		report, err := reconcile.Run(t.Context(), reconcile.Window{Now: time.Now()}, func(_ context.Context, s reconcile.Step) (reconcile.Answer, error) {
			body, err := json.Marshal(s)
			if err != nil {
				t.Fatal(err)
			}
			return call[reconcile.Answer](r, "Reconcile", string(body)), nil
		}, func(b reconcile.Break) error {
			broken = append(broken, b)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return report, broken
	}
	// The rig's messages cost something that its ledger does not know.
	report, broken := walk()
	if report.Messages.Awaiting != 1 || report.Parts.HandedOver != 1 || report.Parts.Waiting != 1 || len(broken) != 1 || broken[0].Kind != reconcile.KindSpend {
		t.Errorf("%+v, %+v", report, broken)
	}
	r.commit(&store.Change{Spend: []store.SpendDelta{{UsageKey: store.UsageKey{Account: first, Month: "2026-03", Channel: "TEXT"}, Sums: store.Sums{Price: m.Price + m.CarrierFee}}}})
	if report, broken = walk(); !report.Holds {
		t.Errorf("%+v", broken)
	}
	r.commit(&store.Change{Mark: []store.Dispatch{{Seq: 1, Shard: "sim", Parts: []sms.PartID{id.Part(3)}}}})
	if _, broken = walk(); len(broken) != 1 || broken[0].Message != r.ids.Format(id) {
		t.Errorf("%+v", broken)
	}

	if e := r.refused("Reconcile", `{"stage":"nonsense"}`); e.Reason != sms.ReasonInvalidParameter {
		t.Errorf("%+v", e)
	}
	if e := r.refused("Reconcile", `{"phase":"messages"}`); e.Reason != sms.ReasonInvalidRequest {
		t.Errorf("%+v", e)
	}
	if _, err := r.raw(second, "Reconcile", `{}`); err == nil {
		t.Error("another account may reconcile")
	}
}
