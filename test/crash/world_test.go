//go:build harness

package crash

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"heliograph/internal/sms"
	"heliograph/test/rig"
)

const account = "111122223333"

// plan is what holds for a whole epoch.
type plan struct {
	window      int           // parts without an answer, in each session
	interval    time.Duration // between two messages to one recipient
	promotional string        // what becomes of lost parts: resend or give_up
	fileBytes   int           // of the embedded log
	rate        int           // messages a second
	small       bool          // the data directory is on a small file system
	skewed      bool          // each process has another clock
	slow        time.Duration // the most that an answer of a message centre takes
	limited     bool          // there is a spend limit, which is never reached
}

func drawPlan(r *rand.Rand) plan {
	return plan{
		window:      []int{5, 20, 100}[r.IntN(3)],
		interval:    []time.Duration{0, 0, 20 * time.Millisecond, 100 * time.Millisecond}[r.IntN(4)],
		promotional: []string{"resend", "give_up"}[r.IntN(2)],
		fileBytes:   []int{1 << 16, 1 << 20}[r.IntN(2)],
		rate:        []int{100, 200, 350, 800}[r.IntN(4)],
		small:       r.IntN(3) == 0,
		skewed:      r.IntN(3) == 0,
		slow:        []time.Duration{30, 30, 300}[r.IntN(3)] * time.Millisecond,
		limited:     r.IntN(2) == 0,
	}
}

// limit is the monthly spend limit as the configuration has it.
func (p plan) limit() string {
	if p.limited {
		return `1000000.00`
	}
	return "unlimited"
}

func (p plan) String() string {
	return fmt.Sprintf("window %d, recipient interval %s, lost promotional parts %s, %d messages a second, small disk %t, skewed clocks %t, answers within %s, spend limit %s",
		p.window, p.interval, p.promotional, p.rate, p.small, p.skewed, p.slow, p.limit())
}

// world is what outlives every process of an epoch: the message centres, the
// clients, and what these have seen.
type world struct {
	t       *testing.T
	seed    uint64
	number  int
	random  *rand.Rand // of the schedule
	plan    plan
	nodes   []*node
	centres map[string]*centre
	ledger  *ledger
	lanes   []lane
	figures *figures

	ended context.Context
	end   func()

	lives       atomic.Int64 // processes that were started
	key         rig.Key
	filter      string                // id of the protect configuration that filters
	twoWay      []*twoWay             // numbers
	timeout     time.Duration         // of a client's call
	later       bool                  // the time for receipts is over
	afterEnd    map[sms.PartID]string // parts that were in flight when a process ended, and were sent again: where and when
	trail       []string              // what was done, and when
	resent      map[sms.PartID]int    // times that a process said it sends a part again
	seen        int                   // MessageIds that were looked for in the store
	failing     atomic.Bool           // the store is full, broken or away, or was a moment ago
	busy        sync.WaitGroup        // clients
	handsets    []*handset
	talking     sync.WaitGroup // handsets
	tokens      atomic.Int64   // of what they wrote
	heard       []heard        // of it
	unexplained atomic.Int64   // sends that were refused, though nothing was done to the server
	stop        func()         // them
}

func newWorld(t *testing.T, seed uint64, number int, f *figures) *world {
	t.Helper()
	w := &world{t: t, seed: seed, number: number, random: rand.New(rand.NewPCG(seed, uint64(number))),
		ledger: newLedger(), figures: f, resent: map[sms.PartID]int{}, afterEnd: map[sms.PartID]string{}, centres: map[string]*centre{}, timeout: patience}
	w.plan = drawPlan(w.random)
	w.ended, w.end = context.WithCancel(context.Background())
	for _, name := range []string{"one", "two"} {
		w.centres[name] = newCentre(t, seed+uint64(number), w.plan.slow, w.ended)
	}
	return w
}

// close ends the clients, the processes and the message centres.
func (w *world) close() {
	if w.stop != nil {
		w.stop()
		w.busy.Wait()
	}
	for _, n := range w.nodes {
		if n.server != nil {
			n.slay()
		}
	}
	w.end()
	w.talking.Wait()
	for _, c := range w.centres {
		c.close()
	}
	if w.t.Failed() {
		w.t.Logf("seed %d, epoch %d: %s\n%s", w.seed, w.number, w.plan, strings.Join(w.trail, "\n"))
		for _, n := range w.nodes {
			w.t.Logf("the end of %s's standard error:\n%s", n.name, n.stderr.tail())
		}
	}
}

// did adds to the trail.
func (w *world) did(format string, args ...any) {
	w.trail = append(w.trail, time.Now().UTC().Format("15:04:05.000 ")+fmt.Sprintf(format, args...))
}

// anyNode is where a client connects to: as behind a load balancer, one that has
// answered of late.
func (w *world) anyNode(random *rand.Rand) *node {
	if len(w.nodes) == 1 {
		return w.nodes[0]
	}
	from := random.IntN(len(w.nodes))
	for i := range w.nodes {
		if n := w.nodes[(from+i)%len(w.nodes)]; time.Since(time.Unix(0, n.failed.Load())) > avoided {
			return n
		}
	}
	return w.nodes[from]
}

// avoided is how long clients connect to other nodes after one that did not answer.
const avoided = 3 * time.Second

func (w *world) anyCentre() *centre { return w.centres[[]string{"one", "two"}[w.random.IntN(2)]] }

// wait lets so many milliseconds pass.
func (w *world) wait(ms int) { time.Sleep(time.Duration(ms) * time.Millisecond) }

// lagMetric counts events that destinations have still to get.
const lagMetric = "heliograph_event_destination_lag_events"

// settle waits until nothing is queued or in flight and the message centres owe
// nothing.
func (w *world) settle() {
	w.t.Helper()
	var last map[string]float64
	defer func() {
		if w.t.Failed() {
			w.t.Logf("the queue at the end: %v; %s; %s", last, w.centres["one"], w.centres["two"])
		}
	}()
	// It is waited for as long as there is less and less.
	least := math.Inf(1)
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		last = map[string]float64{}
		found := map[string]bool{} // a node that holds nothing has nothing to count
		waiting := 0.0
		for _, n := range w.nodes {
			m, err := n.server.Metrics()
			if w.failing.Load() {
				// On a full disk there is room for outcomes, not for what is published.
				delete(m, lagMetric)
			}
			if err != nil {
				w.t.Fatalf("metrics of %s: %v\n%s", n.name, err, n.stderr.tail())
			}
			for _, name := range []string{"heliograph_queue_messages", "heliograph_queue_in_flight_parts", "heliograph_queue_held_messages", lagMetric} {
				value, ok := m[name]
				found[name] = found[name] || ok
				last[name] += value
				waiting += value
			}
		}
		for _, c := range w.centres {
			waiting += float64(c.owed.Load())
		}
		if waiting == 0 && found["heliograph_queue_messages"] && found["heliograph_queue_in_flight_parts"] && found["heliograph_queue_held_messages"] {
			return
		}
		if waiting < least {
			least, end = waiting, time.Now().Add(patience)
		}
		if time.Now().After(end) {
			w.t.Fatal("the queue does not become empty")
		}
	}
}
