package e2e

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	api "github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
	"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2/types"
	_ "modernc.org/sqlite"

	"heliograph/internal/numbering"
	"heliograph/internal/reconcile"
	"heliograph/internal/sms"
)

// reconciled is what `heliograph reconcile --json` prints.
type reconciled struct {
	Breaks []reconcile.Break `json:"breaks"`
	reconcile.Report
}

// reconcile runs the command; it must exit with the code.
func (s *server) reconcile(code int, args ...string) (r reconciled) {
	s.t.Helper()
	out, errOut, err := s.try(append([]string{"reconcile", "--json"}, args...)...)
	if got := exitCode(err); got != code {
		s.t.Fatalf("reconcile %v: exit %d, want %d: %v\n%s%s", args, got, code, err, errOut, out)
	}
	if code == 2 {
		return r
	}
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		s.t.Fatalf("%v in\n%s", err, out)
	}
	if r.Holds != (code == 0) || r.Broken != int64(len(r.Breaks)) {
		s.t.Errorf("exit %d, %d breaks and %+v", code, len(r.Breaks), r.Report)
	}
	return r
}

func exitCode(err error) int {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	if err != nil {
		return -1
	}
	return 0
}

// spoil breaks rows of the database while no server runs.
func (s *server) spoil(statements ...string) {
	s.t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(s.dir, "data", "heliograph.db"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range statements {
		result, err := db.Exec(statement)
		if err != nil {
			s.t.Fatalf("%s: %v", statement, err)
		}
		if n, err := result.RowsAffected(); err != nil || n != 1 {
			s.t.Fatalf("%s: %d rows, %v", statement, n, err)
		}
	}
}

// rowID is the number that rows of a message have, without the key that is in its
// MessageId: the time, the slot and the counter.
func rowID(t *testing.T, messageID string) int64 {
	t.Helper()
	var ms, counter, slot int64
	if _, err := fmt.Sscanf(strings.ReplaceAll(messageID[:21], "-", " "), "%8x %4x 7%3x %2x", new(int64), new(int64), &counter, &slot); err != nil {
		t.Fatalf("%s: %v", messageID, err)
	}
	if _, err := fmt.Sscanf(messageID[:8]+messageID[9:13], "%12x", &ms); err != nil {
		t.Fatalf("%s: %v", messageID, err)
	}
	return ((ms-sms.Epoch.UnixMilli())<<6|slot&63)<<16 | counter<<4
}

// TestReconcile sends messages of many outcomes, has them reconciled beside the
// server and without it, and breaks rows by hand, each of which is named.
func TestReconcile(t *testing.T) {
	t.Parallel()
	prices := filepath.Join(t.TempDir(), "prices.csv")
	if err := os.WriteFile(prices, []byte("country,route,price_per_part,carrier_fee\n*,*,0.00645,0.003\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := start(t, "prices: "+prices+"\n")
	c := s.client()
	number := lease(t, c, "US", types.RequestableNumberTypeSimulator)
	loggingSet(t, c, "Everything")
	text := func(to string, parts int) string {
		return send(t, c, &api.SendTextMessageInput{DestinationPhoneNumber: &to, OriginationIdentity: number.PhoneNumberId,
			ConfigurationSetName: aws.String("Everything"), MessageBody: aws.String(strings.Repeat("a", 153*(parts-1)+100))})
	}
	var delivered, failed []string
	for _, n := range numbering.SimulatorNumbers() {
		if n.Country != "US" {
			continue
		}
		for parts := 1; parts <= 3; parts++ {
			if id := text(n.E164, parts); n.Success {
				delivered = append(delivered, id)
			} else {
				failed = append(failed, id)
			}
		}
	}
	s.reconcile(0) // while they are under way
	ended := len(delivered) + len(failed)
	s.untilFinal(ended)
	other := func(to string, ttl int32, faults ...string) string {
		s.run(append([]string{"carriers", "faults", "sim", "--off"}, faults...)...)
		return send(t, c, &api.SendTextMessageInput{DestinationPhoneNumber: &to, OriginationIdentity: number.PhoneNumberId, TimeToLive: &ttl,
			ConfigurationSetName: aws.String("Everything"), MessageBody: aws.String("Otherwise.")})
	}
	for i, faults := range [][]string{{"--refuse-rate", "1"}, {"--status", "UNKNOWN"}, {"--duplicate-receipt-rate", "1"}, {"--down"}} {
		other(successUS, 5, faults...)
		s.untilFinal(ended + i + 1)
	}
	open := other(successUS, 3600, "--down")

	// One was refused, one was delivered with two receipts.
	accepted, sent := int64(ended+5), int64(2*ended+3)
	check := func(r reconciled) {
		t.Helper()
		want := reconcile.Messages{Accepted: accepted, Delivered: int64(len(delivered)) + 1, Failed: int64(len(failed)) + 1, Expired: 1, Unknown: 1, Queued: 1}
		if parts := (reconcile.Parts{Billed: sent + 2, HandedOver: sent, Never: 1, Waiting: 1}); r.Messages != want || r.Parts != parts || r.PartsOnTheWire != sent {
			t.Errorf("%+v, want %+v; %+v, want %+v", r.Messages, want, r.Parts, parts)
		}
		if len(r.Logs) != 1 || r.Logs[0].Written < 3*int64(ended)+10 || r.Logs[0].There != r.Logs[0].Written {
			t.Errorf("%+v", r.Logs)
		}
		if len(r.Spend) != 1 || r.Spend[0].Ledger != r.Spend[0].Messages || r.Spend[0].Compared != "exactly" {
			t.Errorf("%+v", r.Spend)
		}
	}
	check(s.reconcile(0))
	table := s.run("reconcile")
	for _, want := range []string{"messages accepted", "parts on the wire", "EVENT LOG", "everything adds up"} {
		if !strings.Contains(table, want) {
			t.Errorf("%q is not in\n%s", want, table)
		}
	}
	if r := s.reconcile(0, "--to", "2025-01"); r.Messages.Accepted != 0 {
		t.Errorf("before the first message: %+v", r.Messages)
	}
	if r := s.reconcile(0, "--from", "2025-01-01", "--to", "2100-01-01T00:00:00Z"); r.Messages.Accepted != accepted {
		t.Errorf("in a window: %+v", r.Messages)
	}
	s.reconcile(2, "--from", "yesterday")
	s.reconcile(2, "--from", "2025-02", "--to", "2025-01")
	s.stop()

	check(s.reconcile(0)) // without the server
	s.spoil(
		fmt.Sprintf("DELETE FROM event WHERE msg = %d AND final", rowID(t, delivered[0])),
		fmt.Sprintf("INSERT INTO event SELECT 1 + (SELECT max(key) FROM event), msg, account, cset, status, at, final, doc FROM event WHERE msg = %d AND final", rowID(t, failed[1])),
		fmt.Sprintf("DELETE FROM queued WHERE id = %d", rowID(t, open)),
		"UPDATE spend SET price = price + 1000000 WHERE country || route = (SELECT min(country || route) FROM spend)",
	)
	want := []string{"ended_twice " + failed[1], "lost " + delivered[0], "lost " + open, "log_gap events", "spend spend of account " + account}
	named := func(r reconciled) {
		t.Helper()
		var got []string
		for _, b := range r.Breaks {
			got = append(got, string(b.Kind)+" "+b.Message+b.Row)
		}
		slices.Sort(got)
		slices.Sort(want)
		if len(got) != len(want) {
			t.Fatalf("named %v, want %v", got, want)
		}
		for i := range want {
			if !strings.HasPrefix(got[i], want[i]) {
				t.Errorf("named %v, want %v", got, want)
			}
		}
	}
	named(s.reconcile(1))
	s.launch()
	named(s.reconcile(1))
	out, errOut, err := s.try("reconcile")
	if exitCode(err) != 1 || !strings.Contains(errOut, "5 do not add up") || !strings.Contains(out, "lost: message "+delivered[0]+": it has no final event and no open row: QUEUED SUCCESSFUL") {
		t.Errorf("exit %v: %s%s", err, errOut, out)
	}
}
