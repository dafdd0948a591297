//go:build harness

package crash

import (
	"math/rand/v2"
	"testing"
	"time"
)

// TestCrash is epoch after epoch, until the server was killed as often as was
// asked for.
func TestCrash(t *testing.T) {
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	kills, perEpoch := *rounds, 25
	if kills == 0 {
		kills, perEpoch = 30, 9
	}
	t.Logf("seed %d", seed)
	f := newFigures()
	began := time.Now()
	for n := 0; f.killed() < kills && !t.Failed(); n++ {
		if *onlyEpoch >= 0 {
			n = *onlyEpoch
		}
		// The end of the wait for receipts takes a minute, so only one epoch of a
		// long run goes on until then.
		runEpoch(t, seed, n, perEpoch, n == 1 && *rounds > 0, f)
		if *onlyEpoch >= 0 {
			break
		}
	}
	t.Logf("seed %d: in %s\n%s", seed, time.Since(began).Round(time.Second), f)
}

func runEpoch(t *testing.T, seed uint64, number, rounds int, later bool, f *figures) {
	e := newEpoch(t, seed, number, f)
	defer e.close()
	e.begin()
	e.wait(e.random.IntN(300))
	e.kill("moment")
	for range rounds {
		if t.Failed() {
			return
		}
		e.round()
	}
	e.finish(later)
	t.Logf("epoch %d: %s: %d messages, %s", number, e.plan, len(e.ledger.all()), e.centres["one"])
}

// eventually waits for what has to happen.
func eventually(t *testing.T, what string, happened func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !happened(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited %s in vain for %s", patience, what)
		}
	}
}
