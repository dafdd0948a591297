package reconcile

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/store/sqlite"
)

var noon = time.Date(2026, 3, 15, 12, 0, 0, 0, time.UTC)

// rig is a store with messages, whose rows a test can break.
type rig struct {
	*testing.T
	engine *sqlite.Engine
	fence  store.Fence
	path   string
	ids    *sms.IDs
	walker *Walker
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{T: t, path: filepath.Join(t.TempDir(), "heliograph.db"), ids: sms.NewIDs(0, 0)}
	var err error
	if r.engine, err = sqlite.Open(t.Context(), r.path, sqlite.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.engine.Close() })
	if r.fence, err = r.engine.Join(t.Context(), "node"); err != nil {
		t.Fatal(err)
	}
	r.walker = &Walker{Store: r.engine, MessageID: name0, Now: func() time.Time { return noon }}
	return r
}

func name0(id sms.ID) string { return fmt.Sprint(int64(id)) }

func (r *rig) apply(changes ...*store.Change) {
	r.Helper()
	if err := r.engine.Apply(r.Context(), r.fence, changes); err != nil {
		r.Fatal(err)
	}
}

// accept commits a message that costs 1 USD a part.
func (r *rig) accept(at time.Time, parts int) *sms.Message {
	r.Helper()
	m := &sms.Message{ID: r.ids.Next(at), Account: "111122223333", AcceptedAt: at, Parts: parts, ConfigurationSet: "set",
		Country: "GB", Route: sms.Route{Kind: sms.IdentitySharedRoute},
		Price: sms.Money(parts) * sms.USD * 9 / 10, CarrierFee: sms.Money(parts) * sms.USD / 10}
	r.apply(&store.Change{Accept: []store.Accepted{{Message: m, Queued: store.Queued{ID: m.ID, Shard: "acme", Lane: "lane", Parts: parts}}},
		Spend: []store.SpendDelta{{UsageKey: store.UsageKey{Account: m.Account, Month: at.UTC().Format("2006-01"), Channel: "TEXT", Country: m.Country, Route: m.Route.PriceKind()},
			Sums: store.Sums{Parts: int64(m.Parts), Price: m.Price, FeeParts: int64(m.Parts), Fee: m.CarrierFee}}}})
	return m
}

func (r *rig) update(m *sms.Message, kind sms.UpdateKind, number int, status sms.Status) {
	r.Helper()
	r.apply(&store.Change{Parts: []store.PartChange{{Shard: "acme", Account: m.Account, ConfigurationSet: m.ConfigurationSet,
		Update: sms.PartUpdate{Message: m.ID, Parts: m.Parts, Number: number, Kind: kind, Status: status, Carrier: "acme",
			CarrierMessageID: "1", Code: "code", At: m.AcceptedAt.Add(time.Second)}}}})
}

// lives commits one message of each kind of end, and two that are open.
func (r *rig) lives(at time.Time) (all []*sms.Message) {
	r.Helper()
	for _, end := range []sms.Status{sms.StatusDelivered, sms.StatusUnreachable, sms.StatusUnknown} {
		m := r.accept(at, 2)
		r.update(m, sms.UpdateTaken, 1, "")
		r.update(m, sms.UpdateTaken, 2, "")
		r.update(m, sms.UpdateReceipt, 2, sms.StatusDelivered)
		r.update(m, sms.UpdateReceipt, 1, end)
		all = append(all, m)
	}
	expired, successful, open, queued := r.accept(at, 3), r.accept(at, 1), r.accept(at, 1), r.accept(at, 1)
	r.update(expired, sms.UpdateTaken, 1, "")
	r.update(expired, sms.UpdateUnsentFinal, 0, sms.StatusTTLExpired)
	r.update(expired, sms.UpdateReceipt, 1, sms.StatusDelivered)
	r.update(successful, sms.UpdateSettled, 1, sms.StatusSuccessful)
	r.update(open, sms.UpdateTaken, 1, "")
	return append(all, expired, successful, open, queued)
}

// exec breaks something.
func (r *rig) exec(statement string, args ...any) {
	r.Helper()
	db, err := sql.Open("sqlite", r.path)
	if err != nil {
		r.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statement, args...); err != nil {
		r.Fatal(err)
	}
}

func (r *rig) run(in Window) (*Report, []string) {
	r.Helper()
	in.Now = noon
	var broken []string
	report, err := Run(r.Context(), in, r.walker.Do, func(b Break) error {
		broken = append(broken, strings.TrimSpace(strings.Join([]string{string(b.Kind), b.Message, b.Row, b.Why}, "|")))
		return nil
	})
	if err != nil {
		r.Fatal(err)
	}
	if report.Broken != int64(len(broken)) || report.Holds != (len(broken) == 0) {
		r.Errorf("%d are told of, and the report counts %d and says %t", len(broken), report.Broken, report.Holds)
	}
	return report, broken
}

func (r *rig) holds(in Window) *Report {
	r.Helper()
	report, broken := r.run(in)
	if !report.Holds {
		r.Fatal(broken)
	}
	return report
}

func TestReportOfAWholeStore(t *testing.T) {
	r := newRig(t)
	r.lives(noon.AddDate(0, -1, 0))
	r.lives(noon.Add(-time.Hour))
	young := r.lives(noon.Add(-time.Second))
	r.apply(&store.Change{Mark: []store.Dispatch{{Seq: 1, Shard: "acme", Parts: []sms.PartID{young[5].ID.Part(1), young[6].ID.Part(1)}}},
		Cursors: []store.Cursor{{Slot: 0, Seq: 40}}, Lag: []store.LagBatch{{LagKey: store.LagKey{Destination: "1/set/d", First: 3}, Seqs: []int64{3, 4, 40}}}})
	loss := func(destination string, slot int, kind store.LossKind, events int64) store.Loss {
		return store.Loss{Destination: destination, Slot: slot, Kind: kind, Events: events}
	}
	r.apply(&store.Change{Losses: []store.Loss{loss("1/set/d", 0, store.EventsLost, 4), loss("1/set/d", 3, store.EventsLost, 1), loss("1/set/gone", 0, store.EventsDropped, 5)}})
	got := r.holds(Window{})
	last, err := r.engine.LastSeq(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	want := NewReport(time.Time{}, time.Time{}, noon)
	want.Messages = Messages{Accepted: 21, Delivered: 3, Failed: 3, Expired: 3, Unknown: 3, Successful: 3, Queued: 3, Awaiting: 3}
	want.Parts = Parts{Billed: 36, HandedOver: 27, Never: 6, Waiting: 3}
	want.PartsOnTheWire, want.PartsInFlight, want.Holds = 27, 2, true
	want.Logs = []Log{{Written: last, There: last, Behind: 40, Ahead: last - 40}}
	want.Waiting = []Wait{{"1/set/d", 3}}
	want.Losses = []Loss{{"1/set/d", 5, 0}, {"1/set/gone", 0, 5}}
	want.Spend = []Spend{{"111122223333", "2026-02", "TEXT", "12.00", "12.00", 12, exactly}, {"111122223333", "2026-03", "TEXT", "24.00", "24.00", 24, exactly}}
	if diff := cmp.Diff(want, got, cmp.FilterPath(func(p cmp.Path) bool {
		f, field := p.Last().(cmp.StructField)
		return field && !slices.Contains([]string{"From", "To"}, f.Name()) && f.Name()[0] >= 'a'
	}, cmp.Ignore())); diff != "" {
		t.Error(diff)
	}
}

func TestWindows(t *testing.T) {
	r := newRig(t)
	for month := range 3 {
		r.lives(time.Date(2026, time.Month(month+1), 1, 0, 0, 0, 0, time.UTC)) // at the very beginning
		r.lives(time.Date(2026, time.Month(month+1), 10, 0, 0, 0, 0, time.UTC))
	}
	february, march := time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name     string
		from, to time.Time
		accepted int64
		spend    string
	}{
		{"all", time.Time{}, time.Time{}, 42, "2026-01 exactly 2026-02 exactly 2026-03 exactly"},
		{"a month", february, march, 14, "2026-01 not_whole 2026-02 exactly 2026-03 not_whole"},
		{"up to a month", time.Time{}, march, 28, "2026-01 exactly 2026-02 exactly 2026-03 not_whole"},
		{"from a month on", february, time.Time{}, 28, "2026-01 not_whole 2026-02 exactly 2026-03 exactly"},
		{"from the middle of a month", february.Add(time.Hour), time.Time{}, 21, "2026-01 not_whole 2026-02 not_whole 2026-03 exactly"},
		{"until the end of time", february, time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC), 28, "2026-01 not_whole 2026-02 exactly 2026-03 exactly"},
		{"part of a month", february.Add(time.Hour), march.Add(-time.Hour), 7, "2026-01 not_whole 2026-02 not_whole 2026-03 not_whole"},
		{"nothing", march.Add(time.Hour), march.Add(2 * time.Hour), 0, "2026-01 not_whole 2026-02 not_whole 2026-03 not_whole"},
		{"the future", noon.Add(time.Hour), time.Time{}, 0, "2026-01 not_whole 2026-02 not_whole 2026-03 not_whole"},
	} {
		t.Run(strings.ReplaceAll(c.name, " ", "-"), func(t *testing.T) {
			got := (&rig{T: t, walker: r.walker}).holds(Window{From: c.from, To: c.to})
			var spend []string
			for _, s := range got.Spend {
				spend = append(spend, s.Month, s.Compared)
			}
			if strings.Join(spend, " ") != c.spend || got.Messages.Accepted != c.accepted {
				t.Errorf("%d messages, spend %v", got.Messages.Accepted, spend)
			}
			written := int64(0)
			for _, l := range got.Logs {
				written += l.Written
			}
			// Of each seven messages there are so many events.
			if each := int64(17); written != c.accepted/7*each {
				t.Errorf("%d events are in the window with %d messages", written, c.accepted)
			}
		})
	}
}

func TestBrokenRows(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(*rig, []*sms.Message)
		want  []string // %d stands for the message
		which int
	}{
		{"a final event is gone", func(r *rig, m []*sms.Message) { r.exec("DELETE FROM event WHERE msg = ? AND final", int64(m[0].ID)) },
			[]string{"lost|%d||it has no final event and no open row: QUEUED SUCCESSFUL", "log_gap||events 3 to 3 of slot 0|they were written and are not in the log"}, 0},
		{"a final event comes twice", func(r *rig, m []*sms.Message) {
			r.exec("INSERT INTO event SELECT 1 + (SELECT max(key) FROM event), msg, account, cset, status, at, final, doc FROM event WHERE msg = ? AND final", int64(m[1].ID))
		}, []string{"ended_twice|%d||it has 2 final events: QUEUED SUCCESSFUL UNREACHABLE. UNREACHABLE."}, 1},
		{"the ledger says more", func(r *rig, m []*sms.Message) { r.exec("UPDATE spend SET price = price + 1") },
			[]string{"spend||spend of account 111122223333 in 2026-03 on TEXT to GB by SHARED_ROUTE|the ledger has 12.000001 USD, and its messages cost 12.00 USD"}, 0},
		{"the ledger has more parts", func(r *rig, m []*sms.Message) {
			r.exec("UPDATE spend SET parts = parts + 1, fee_parts = fee_parts + 1, price = price - 1, fee = fee + 1")
		}, []string{"spend||spend of account 111122223333 in 2026-03 on TEXT to GB by SHARED_ROUTE|the ledger has 13 parts for 10.799999 USD and 13 carrier fees of 1.200001 USD, " +
			"and its messages 12 parts for 10.80 USD and 12 carrier fees of 1.20 USD"}, 0},
		{"the ledger has another country", func(r *rig, m []*sms.Message) { r.exec("UPDATE spend SET country = 'FR'") },
			[]string{"spend||spend of account 111122223333 in 2026-03 on TEXT to FR by SHARED_ROUTE|the ledger has 12.00 USD, and its messages cost 0.00 USD",
				"spend||spend of account 111122223333 in 2026-03 on TEXT to GB by SHARED_ROUTE|the ledger has 0.00 USD, and its messages cost 12.00 USD"}, 0},
		{"a month from before countries were kept", func(r *rig, m []*sms.Message) {
			r.exec("UPDATE spend SET country = '', route = '', price = price + fee + 1, fee = 0, parts = 0, fee_parts = 0")
		}, []string{"spend||spend of account 111122223333 in 2026-03 on TEXT|the ledger has 12.000001 USD, and its messages cost 12.00 USD"}, 0},
		{"the ledger is gone", func(r *rig, m []*sms.Message) { r.exec("DELETE FROM spend") },
			[]string{"spend||spend of account 111122223333 in 2026-03 on TEXT to GB by SHARED_ROUTE|the ledger has 0.00 USD, and its messages cost 12.00 USD"}, 0},
		{"the ledger has a month without messages", func(r *rig, m []*sms.Message) {
			r.exec("INSERT INTO spend VALUES ('1', 'never', 'TEXT', 'GB', 'SHARED_ROUTE', 0, 1, 0, 0)")
		},
			[]string{"spend||spend of account 1 in never on TEXT to GB by SHARED_ROUTE|the ledger has 0.000001 USD, and its messages cost 0.00 USD"}, 0},
		{"a queued row is gone", func(r *rig, m []*sms.Message) { r.exec("DELETE FROM queued") },
			[]string{"lost|%d||it has no final event and no open row: QUEUED"}, 6},
		{"a message is gone", func(r *rig, m []*sms.Message) { r.exec("DELETE FROM message WHERE id = ?", int64(m[5].ID)) },
			[]string{"no_message|%d||the message is not there, but 2 of its events are: QUEUED SUCCESSFUL, and it is awaiting receipts",
				"spend||spend of account 111122223333 in 2026-03 on TEXT to GB by SHARED_ROUTE|the ledger has 12.00 USD, and its messages cost 11.00 USD"}, 5},
		{"an end is undone", func(r *rig, m []*sms.Message) {
			r.exec("INSERT INTO queued SELECT ?, 'acme', 'lane', 0, 2, 0, 0, 0, NULL", int64(m[2].ID))
		}, []string{"open_and_ended|%d||it has a final event, QUEUED SUCCESSFUL UNKNOWN., and it is queued"}, 2},
		{"the router ran ahead", func(r *rig, m []*sms.Message) { r.exec("INSERT INTO router VALUES (0, 99)") },
			[]string{"cursor||router of slot 0|it is at event 99, and the log ends at 17: what comes in between is never published"}, 0},
		{"lag of nothing", func(r *rig, m []*sms.Message) {
			r.apply(&store.Change{Lag: []store.LagBatch{{LagKey: store.LagKey{Destination: "1/set/d", First: 5}, Seqs: []int64{5, 50}},
				{LagKey: store.LagKey{Destination: "1/set/e", First: 7}, Seqs: []int64{8, 7}}}})
		}, []string{"lag||lag of 1/set/d from event 5 of slot 0|it names event 50, and the log ends at 17",
			"lag||lag of 1/set/e from event 7 of slot 0|it begins with event 8"}, 0},
		{"a mark of nothing", func(r *rig, m []*sms.Message) {
			r.apply(&store.Change{Mark: []store.Dispatch{{Seq: 4, Shard: "acme", Parts: []sms.PartID{m[4].ID.Part(1), m[4].ID.Part(2)}}}})
		}, []string{"mark|%d|dispatch 4 of slot 0|part 2 is marked as in flight, and there is no such part"}, 4},
	} {
		t.Run(strings.ReplaceAll(c.name, " ", "-"), func(t *testing.T) {
			r := newRig(t)
			messages := r.lives(noon.Add(-time.Hour))
			r.holds(Window{})
			c.spoil(r, messages)
			report, got := r.run(Window{})
			for i, want := range c.want {
				c.want[i] = strings.ReplaceAll(want, "%d", name0(messages[c.which].ID))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			if report.MessagesUnaccounted < 0 {
				t.Errorf("%+v", report.Messages)
			}
		})
	}
}

// What retention deletes, a message with all its events, breaks nothing. What is
// missing of younger messages does.
func TestPruned(t *testing.T) {
	r := newRig(t)
	prune := func(m *sms.Message) {
		r.exec("DELETE FROM event WHERE msg = ?", int64(m.ID))
		r.exec("DELETE FROM message WHERE id = ?", int64(m.ID))
	}
	old := r.lives(noon.AddDate(0, -2, 0))
	young := r.lives(noon.Add(-time.Hour))
	for _, m := range old[:5] {
		prune(m)
	}
	if report, broken := r.run(Window{}); report.Holds || len(broken) != 3 { // two gaps, and January's spend
		t.Error(broken)
	}
	report := r.holds(Window{PrunedBefore: noon.AddDate(0, -1, 0)})
	if l := report.Logs[0]; l.Pruned != 14 || l.There+l.Pruned != l.Written || report.Spend[0].Compared != atMost || report.Spend[1].Compared != exactly {
		t.Errorf("%+v, %+v", l, report.Spend)
	}
	r.walker.Retention = 30 * 24 * time.Hour
	r.holds(Window{})
	r.exec("DELETE FROM spend WHERE month = '2026-01'") // in its own time
	r.holds(Window{})

	prune(young[1])
	if _, broken := r.run(Window{}); len(broken) != 2 || !strings.HasPrefix(broken[0], "log_gap||events 21 to 23 ") || !strings.HasPrefix(broken[1], "spend|") {
		t.Error(broken)
	}
}

// What was really pruned is known, whatever the configuration says.
func TestPrunedByTheStore(t *testing.T) {
	r := newRig(t)
	r.lives(noon.AddDate(0, -2, 0))
	young := r.lives(noon.Add(-time.Hour))
	last, err := r.engine.LastSeq(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	r.apply(&store.Change{Cursors: []store.Cursor{{Slot: 0, Seq: last}}})
	prune := func(before time.Time, messages int) {
		t.Helper()
		n := 0
		for pass := (&store.Pass{Messages: sms.FirstID(before), Within: time.Second}); !pass.Done(); {
			p, err := r.engine.Prune(t.Context(), r.fence, pass)
			if err != nil {
				t.Fatal(err)
			}
			n += p.Messages
		}
		if n != messages {
			t.Fatalf("%d messages were pruned", n)
		}
		report := r.holds(Window{})
		if l := report.Logs[0]; l.Written != last || l.There+l.Pruned != last || l.Pruned == 0 || report.Spend[0].Compared != atMost {
			t.Errorf("%+v, %+v", l, report.Spend)
		}
	}
	prune(noon.AddDate(0, -1, 0), 5)
	prune(noon, 5)
	// What is missing at the end of the log is missed by its message.
	r.exec("DELETE FROM event WHERE msg = ?", int64(young[6].ID))
	if _, broken := r.run(Window{}); len(broken) != 1 || !strings.HasPrefix(broken[0], "event_order|"+name0(young[6].ID)) {
		t.Error(broken)
	}
}

// Messages go on while they are judged.
func TestUnderWay(t *testing.T) {
	r := newRig(t)
	r.walker.Now = time.Now
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for range 200 {
			select {
			case <-stop:
				return
			default:
				r.lives(time.Now())
			}
		}
	}()
	defer func() { close(stop); <-stopped }()
	for range 20 {
		r.holds(Window{})
	}
}

func TestStepsThatThereAreNot(t *testing.T) {
	r := newRig(t)
	for _, s := range []Step{{Stage: "nonsense"}, {Stage: StageRecount, Month: "March"}} {
		if _, err := r.walker.Do(t.Context(), s); err == nil {
			t.Errorf("%+v is carried out", s)
		} else if _, ok := sms.AsError(err); !ok {
			t.Errorf("%+v: %v", s, err)
		}
	}
}
