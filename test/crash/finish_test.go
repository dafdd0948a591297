//go:build harness

package crash

import (
	"path/filepath"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/store/sqlite"
)

// finish ends the load, lets a last process come to the end of everything, and
// holds all that is left against all that was seen. Where it is later, that is
// when receipts are not waited for any more.
func (e *epoch) finish(later bool) {
	e.t.Helper()
	e.stop()
	e.busy.Wait()
	e.skew.Store(0)
	e.start([]string{plainBinary})
	e.ready()
	e.lastWords()
	e.settle()
	e.checkCounted()
	e.terminate()
	e.endIncomplete()
	e.terminate()
	if later {
		e.waitForReceipts()
	}
	e.publishRest()
	e.reconciles()
	engine := e.open()
	defer engine.Close()
	e.verify(engine, 0)
}

// waitForReceipts starts a process whose clock is past the time for which receipts
// are waited for, until it has given all of them up.
func (e *epoch) waitForReceipts() {
	e.t.Helper()
	e.later = true
	engine := e.open()
	counts, err := engine.Counts(e.t.Context())
	engine.Close()
	if err != nil {
		e.t.Fatal(err)
	}
	e.start([]string{crashBinary}, "HELIOGRAPH_CRASH_CLOCK="+(sms.ReceiptWait+4*time.Hour).String())
	e.ready()
	for end := time.Now().Add(2 * patience); ; time.Sleep(time.Second) {
		m, err := e.server.Metrics()
		if err != nil {
			e.t.Fatal(err)
		}
		givenUp, parked := m["heliograph_messages_without_receipt_total"], m["heliograph_receipts_parked"]
		if int64(givenUp) == counts.Awaiting && parked == 0 {
			break
		}
		if time.Now().After(end) {
			e.t.Errorf("%v of %d messages were given up, and %v receipts wait for a part", givenUp, counts.Awaiting, parked)
			break
		}
	}
	e.terminate()
}

// open opens the store that the last process has left.
func (e *epoch) open() *sqlite.Engine {
	e.t.Helper()
	engine, err := sqlite.Open(e.t.Context(), filepath.Join(e.data(), "heliograph.db"), sqlite.Options{Sealer: keysIn(e.t, e.data())})
	if err != nil {
		e.t.Fatal(err)
	}
	return engine
}

// publishRest starts the server until every event was published: what was not
// when it was told to stop is left for the next start.
func (e *epoch) publishRest() {
	e.t.Helper()
	for range 10 {
		engine := e.open()
		last, err := engine.LastSeq(e.t.Context(), 0)
		if err != nil {
			e.t.Fatal(err)
		}
		cursors, err := engine.Cursors(e.t.Context())
		if err != nil {
			e.t.Fatal(err)
		}
		lag, err := engine.LagDestinations(e.t.Context())
		if err != nil {
			e.t.Fatal(err)
		}
		engine.Close()
		if len(lag) == 0 && len(cursors) == 1 && cursors[0] == (store.Cursor{Slot: 0, Seq: last}) {
			return
		}
		e.start([]string{plainBinary})
		e.ready()
		e.wait(1000)
		e.terminate()
	}
	e.t.Error("there are events that are not published, however often the server is started")
}
