package main

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"heliograph/internal/credentials"
	"heliograph/internal/reconcile"
)

func aReport() *reconcile.Report {
	r := reconcile.NewReport(time.Time{}, time.Time{}, time.Date(2026, 3, 15, 12, 0, 0, 0, time.UTC))
	r.Messages = reconcile.Messages{Accepted: 12, Delivered: 6, Failed: 1, Expired: 1, Unknown: 1, Successful: 1, Queued: 1}
	r.MessagesUnaccounted = 1
	r.Parts = reconcile.Parts{Billed: 20, HandedOver: 16, Never: 1, Waiting: 2, Resent: 3}
	r.PartsOnTheWire, r.PartsInFlight, r.PartsUnaccounted = 19, 2, 1
	r.Logs = []reconcile.Log{{Slot: 0, Written: 30, There: 25, Pruned: 5, Behind: 28, Ahead: 2}}
	r.Waiting = []reconcile.Wait{{Destination: "111122223333/set/d", Events: 4}}
	r.Losses = []reconcile.Loss{{Destination: "111122223333/set/d", Lost: 3}, {Destination: "111122223333/set/gone", Lost: 1, Dropped: 20}}
	r.Spend = []reconcile.Spend{{Account: "111122223333", Month: "2026-03", Channel: "TEXT", Ledger: "1.00", Messages: "0.90", Compared: "at_most"}}
	r.Broken = 1
	return r
}

const printed = `accepted               from the first message  to 2026-03-15T12:00:00.000Z
messages accepted      12
  delivered            6
  failed               1
  expired              1
  unknown              1
  successful           1  without receipts
  queued               1  open
  awaiting receipts    0  open
  unaccounted for      1
parts billed           20
  handed over          16
  never handed over    1  expired, filtered, or could not be written
  not handed over yet  2  2 parts are marked as in flight
  unaccounted for      1
parts sent again       3
parts on the wire      19  handed over + sent again

EVENT LOG  WRITTEN  THERE  PRUNED  PUBLISHED OR WAITING  TO BE PUBLISHED
slot 0     30       25     5       28                    2

EVENT DESTINATION   WAITING
111122223333/set/d  4

EVENT DESTINATION      LOST TO IT  DROPPED WITH IT
111122223333/set/d     3           0
111122223333/set/gone  1           20

SPEND OF ACCOUNT  MONTH    LEDGER USD  MESSAGES USD  COMPARED
111122223333      2026-03  1.00        0.90          at most

1 do not add up
`

func TestPrintReport(t *testing.T) {
	var out bytes.Buffer
	p := &reportPrinter{w: &out}
	for _, b := range []reconcile.Break{{Kind: reconcile.KindNeither, Message: "0193", Why: "it is gone"}, {Kind: reconcile.KindSpend, Row: "spend of 1", Why: "it is more"},
		{Kind: reconcile.KindMark, Message: "0193", Row: "dispatch 4 of slot 0", Why: "it has no such part"}} {
		if err := p.broken(b); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.finish(aReport()); err != nil {
		t.Fatal(err)
	}
	want := "lost: message 0193: it is gone\nspend: spend of 1: it is more\nmark: dispatch 4 of slot 0, message 0193: it has no such part\n\n" + printed
	if got := out.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// With and without anything that breaks, what is printed is one document.
func TestPrintReportAsJSON(t *testing.T) {
	for n := range 3 {
		var out bytes.Buffer
		p := &reportPrinter{w: &out, json: true}
		for range n {
			if err := p.broken(reconcile.Break{Kind: reconcile.KindNeither, Message: "0193", Why: `"gone"`}); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.finish(aReport()); err != nil {
			t.Fatal(err)
		}
		var got struct {
			Breaks []reconcile.Break
			reconcile.Report
		}
		d := json.NewDecoder(&out)
		d.DisallowUnknownFields()
		if err := d.Decode(&got); err != nil || len(got.Breaks) != n || got.Breaks == nil || got.PartsOnTheWire != 19 || got.Spend[0].Ledger != "1.00" || d.More() {
			t.Errorf("%d: %v: %+v", n, err, got)
		}
	}
}

// What cannot be looked at is told from what does not add up.
func TestReconcileCannotLook(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("HELIOGRAPH_API_LISTEN", "127.0.0.1:1")
	fails := func(want string, args ...string) {
		t.Helper()
		if _, problems, code := command(t, "", append([]string{"reconcile"}, args...)...); code != 2 || !strings.Contains(problems, want) {
			t.Errorf("%v: exit %d: %s", args, code, problems)
		}
	}
	fails(`--from is "yesterday"; a time such as 2026-01-31T12:00:00Z, a day such as 2026-01-31 or a month such as 2026-01 is needed`, "--from", "yesterday")
	fails(`--to is "2026-13"`, "--to", "2026-13")
	fails("--from has to be earlier", "--from", "2026-02", "--to", "2026-02-01")
	fails("there is no data/credentials")
	if _, err := credentials.Open(credentials.Options{Directory: "data", Account: "111122223333", Partition: "aws", Region: "us-east-1", Log: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}
	fails("there is no database")
	if _, err := os.Stat(filepath.Join("data", "heliograph.db")); !os.IsNotExist(err) {
		t.Errorf("a database was made: %v", err)
	}
}

func TestReconcile(t *testing.T) {
	server(t, "")
	out := succeed(t, "reconcile")
	if !strings.Contains(out, "messages accepted      0\n") || !strings.HasSuffix(out, "\neverything adds up\n") {
		t.Errorf("a server that has accepted nothing:\n%s", out)
	}
}
