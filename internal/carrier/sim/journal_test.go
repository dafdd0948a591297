package sim

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"heliograph/internal/carrier"
	"heliograph/internal/sms"
)

func TestJournalOutlivesTheProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "receipts")
	synctest.Test(t, func(t *testing.T) {
		// Three parts are accepted; one receipt is kept, one is in the sink's
		// hands without answer, one is not due when the process ends.
		s := &sink{}
		c := begin(t, Options{Journal: path}, s)
		submit(c, "+14254147755")
		time.Sleep(time.Second)
		s.mu.Lock()
		s.mute = true
		s.mu.Unlock()
		open := []carrier.Outcome{submit(c, "+14254147167")}
		time.Sleep(time.Second)
		must(t, c.SetFaults(Faults{ReceiptDelay: time.Hour}))
		open = append(open, submit(c, "+14254147755"))
		finish(t, c)
		if n := len(s.receipts()); n != 2 {
			t.Fatalf("%d receipts before the restart, want 2", n)
		}

		file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
		must(t, err)
		_, err = file.WriteString("+ 18aa torn li")
		must(t, err)
		must(t, file.Close())

		s = &sink{}
		c, err = New(Options{Name: "sim", Journal: path, Log: quiet})
		must(t, err)
		if c.Owed() != 2 {
			t.Errorf("%d receipts are owed after the restart, want 2", c.Owed())
		}
		resume(t, c, s)
		later := submit(c, "+14254147755")
		time.Sleep(2 * time.Hour)
		got := s.receipts()
		if len(got) != 3 {
			t.Fatalf("receipts %+v, want 3", got)
		}
		want := map[string]sms.Status{
			open[0].CarrierMessageID: sms.StatusUnreachable,
			open[1].CarrierMessageID: sms.StatusDelivered,
			later.CarrierMessageID:   sms.StatusDelivered,
		}
		if len(want) != 3 {
			t.Errorf("ids were given twice: %v", want)
		}
		for _, r := range got {
			if want[r.CarrierMessageIDs[0]] != r.Status {
				t.Errorf("receipt %+v, want one of %v", r, want)
			}
		}
		finish(t, c)
	})
	info, err := os.Stat(path)
	must(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("journal has mode %v, want 0600", info.Mode())
	}
}

func TestJournalIsRewritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "receipts")
	j, _, err := openJournal(path, quiet)
	must(t, err)
	keep := &owed{id: "00000000000000ff", due: time.UnixMilli(5), status: sms.StatusDelivered, destination: "+14254147755"}
	must(t, j.append(appendOwed(nil, keep)))
	for n := 0; !j.outgrown(1); n++ {
		id := fmt.Sprintf("%0*x", idLength, 1000+n)
		r := *keep
		r.id = id
		must(t, j.append(appendSettled(appendOwed(nil, &r), id)))
	}
	must(t, j.compact([]*owed{keep}))
	must(t, j.append(appendSettled(nil, "0000000000000001")))
	must(t, j.close())
	text, err := os.ReadFile(path)
	must(t, err)
	want := "+ 00000000000000ff 5 DELIVERED +14254147755\n- 0000000000000001\n"
	if string(text) != want {
		t.Errorf("journal is %q, want %q", text, want)
	}
}

func TestUnwritableJournalAcceptsNothing(t *testing.T) {
	s := &sink{}
	c := begin(t, Options{Journal: filepath.Join(t.TempDir(), "receipts"), ReceiptDelay: time.Nanosecond}, s)
	must(t, c.journal.file.Close())
	if o := submit(c, "+14254147755"); o.Kind != carrier.RetryLater || o.Code != CodeJournal || o.Pause == 0 {
		t.Errorf("outcome %+v, want RetryLater with a pause", o)
	}
	if c.Owed() != 0 || len(c.Delivered(1)) != 0 {
		t.Error("a part that was not accepted is owed a receipt or was delivered")
	}
	if err := c.Close(t.Context()); err == nil {
		t.Error("closing the journal twice gives no error")
	}
}

func FuzzJournalLine(f *testing.F) {
	f.Add("+ 00000000000000ff 5 DELIVERED +14254147755")
	f.Add("- 00000000000000ff")
	f.Add("+ 00000000000000ff 5 DELIVERED")
	f.Fuzz(func(t *testing.T, line string) {
		r, added, ok := parseLine(line)
		if !ok {
			return
		}
		var again []byte
		if added {
			again = appendOwed(nil, r)
		} else {
			again = appendSettled(nil, r.id)
		}
		r2, added2, ok := parseLine(strings.TrimSuffix(string(again), "\n"))
		if !ok || added2 != added || *r2 != *r {
			t.Errorf("%q reads as %+v, written %q reads as %+v", line, r, again, r2)
		}
	})
}
