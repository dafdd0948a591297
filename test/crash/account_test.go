//go:build harness

package crash

import (
	"encoding/json"
	"math"

	"heliograph/internal/feedback"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/usage"
)

// verifyUsage: what was billed for each country and kind of route, and for how many
// parts, is what the messages there cost.
func (w *world) verifyUsage(engine audited, of map[int]*kept) {
	w.t.Helper()
	want := map[store.UsageKey]store.Sums{}
	months := map[string]bool{}
	for _, k := range of {
		if k.sent.filtered {
			continue
		}
		key := store.UsageKey{Account: k.Billed(), Month: usage.Month(k.AcceptedAt), Channel: usage.ChannelText, Country: k.Country, Route: k.Route.PriceKind()}
		s := store.Sums{Parts: int64(k.Parts), Price: k.Price, Fee: k.CarrierFee}
		if s.Fee > 0 {
			s.FeeParts = s.Parts
		}
		want[key] = want[key].Plus(s)
		months[key.Month] = true
	}
	wrong := 0
	for month := range months {
		rows, err := engine.Usage(w.t.Context(), account, month)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, row := range rows {
			if want[row.UsageKey] != row.Sums {
				w.complain(&wrong, "%+v was billed %+v, the messages cost %+v", row.UsageKey, row.Sums, want[row.UsageKey])
			}
			delete(want, row.UsageKey)
		}
	}
	for key, sums := range want {
		w.complain(&wrong, "%+v cost %+v, and nothing was billed", key, sums)
	}
}

// verifyFeedback: a message whose feedback is wanted waits for it, or has it once; more
// than once only where it was put more than once.
func (w *world) verifyFeedback(engine audited, of map[int]*kept) {
	w.t.Helper()
	waits := map[sms.ID]bool{}
	for after := int64(math.MinInt64); ; {
		page, err := engine.EntriesAfter(w.t.Context(), store.EntryScan{List: store.ListID(feedback.List()...), After: after, Limit: 1000})
		if err != nil {
			w.t.Fatal(err)
		}
		for i := range page {
			after = page[i].Key
			waits[sms.ID(after)] = true
		}
		if len(page) < 1000 {
			break
		}
	}
	wrong := 0
	for n, k := range of {
		rows, last := 0, ""
		for _, v := range k.events {
			if v.Status == store.StatusFeedback {
				rows, last = rows+1, v.Detail.Description
			}
		}
		about, pending := &k.sent.feedback, waits[k.ID]
		delete(waits, k.ID)
		most := max(1, len(about.put)+about.lost)
		switch {
		case !about.enabled && (pending || rows > 0):
			w.complain(&wrong, "the message %06d wants no feedback, waits for it: %t, and has it %d times", n, pending, rows)
		case !about.enabled:
		case pending == (rows > 0):
			w.complain(&wrong, "the message %06d waits for feedback: %t, and has it %d times", n, pending, rows)
		case rows > most, len(about.put) > 0 && rows == 0:
			w.complain(&wrong, "the message %06d has feedback %d times, and it was put %d times, %d more without an answer", n, rows, len(about.put), about.lost)
		case len(about.put) > 0 && about.lost == 0 && len(w.nodes) == 1 && last != about.stands:
			w.complain(&wrong, "the feedback of the message %06d is %s, and %s was put last", n, last, about.stands)
		}
		w.figures.opinions += min(rows, 1)
		if pending {
			w.figures.pending++
		}
	}
	for id := range waits {
		w.complain(&wrong, "the message %d waits for feedback, and is not in the store", id)
	}
}

// verifyLog: every event of the sets that have the log group is a line of it, once, and
// nothing else is.
func (w *world) verifyLog(engine audited, events []store.Event) {
	w.t.Helper()
	snapshot := w.snapshot(engine)
	item := snapshot.LogGroups.Get(logGroup)
	if item == nil {
		w.t.Fatal("the log group is gone")
	}
	type place struct {
		slot int
		seq  int64
	}
	ids := w.messageIDs()
	want := map[place]string{}
	for _, v := range events {
		if _, has := sets[v.ConfigurationSet][logGroup]; has && !v.Aside() {
			want[place{v.Slot, v.Seq}] = eventKey(ids.Format(v.Message), v.Status.EventType(), v.At.UnixMilli(), v.Final)
		}
	}
	wrong := 0
	scan := store.LogScan{Group: store.ListID(sms.LogGroupList(account, item.ID, item.Created)...), Slot: store.AnySlot, Limit: 1000}
	for {
		page, err := engine.LogEvents(w.t.Context(), scan)
		if err != nil {
			w.t.Fatal(err)
		}
		for i := range page {
			scan.After = page[i].Place()
			var v published
			if err := json.Unmarshal(page[i].Message, &v); err != nil {
				w.complain(&wrong, "the log group has the line %q: %v", page[i].Message, err)
				continue
			}
			at := place{page[i].Slot, page[i].Seq}
			if want[at] != v.key() {
				w.complain(&wrong, "event %d of slot %d is %q in the log group, and %q in the log of events", at.seq, at.slot, v.key(), want[at])
			}
			delete(want, at)
		}
		w.figures.lines += len(page)
		if len(page) < scan.Limit {
			break
		}
	}
	for at, key := range want {
		w.complain(&wrong, "event %d of slot %d, %s, is not in the log group", at.seq, at.slot, key)
	}
}

// snapshot is the account's resources.
func (w *world) snapshot(engine store.Engine) *resources.Snapshot {
	w.t.Helper()
	d, err := resources.Open(w.t.Context(), engine, nil, "aws", "us-east-1", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return d.Account(account)
}
