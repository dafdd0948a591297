//go:build harness

package crash

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
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
	}
}

func (p plan) String() string {
	return fmt.Sprintf("window %d, recipient interval %s, lost promotional parts %s, %d messages a second, small disk %t, skewed clocks %t, answers within %s",
		p.window, p.interval, p.promotional, p.rate, p.small, p.skewed, p.slow)
}

// epoch is the life of one data directory.
type epoch struct {
	t       *testing.T
	seed    uint64
	number  int
	random  *rand.Rand // of the schedule
	plan    plan
	dir     string
	unmount func()
	centres map[string]*centre
	ledger  *ledger
	lanes   []lane
	figures *figures

	ended context.Context
	end   func()

	launch  rig.Launch
	server  *rig.Server
	traced  bool // it is run by strace
	later   bool // the time for receipts is over
	key     rig.Key
	up      atomic.Bool  // clients may expect answers
	skew    atomic.Int64 // of the server's clock
	stderr  *stderr
	before  *snapshot          // of the store, as the last kill left it
	resent  map[sms.PartID]int // times that the server said it sends a part again
	counted int                // and of all parts, since the last process began
	seen    int                // MessageIds that were looked for in the store
	failing atomic.Bool        // the disk is full or broken, or was a moment ago
	busy    sync.WaitGroup     // clients
	stop    func()             // them
}

// newEpoch makes the directory, the message centres and the configuration.
func newEpoch(t *testing.T, seed uint64, number int, f *figures) *epoch {
	t.Helper()
	e := &epoch{t: t, seed: seed, number: number, random: rand.New(rand.NewPCG(seed, uint64(number))),
		ledger: newLedger(), figures: f, resent: map[sms.PartID]int{}, centres: map[string]*centre{}}
	e.plan = drawPlan(e.random)
	e.ended, e.end = context.WithCancel(context.Background())
	var err error
	if e.dir, err = os.MkdirTemp("", "heliograph-epoch-"); err != nil {
		t.Fatal(err)
	}
	if e.plan.small {
		e.unmount = mountSmall(t, e.dir, smallDisk)
	}
	for _, name := range []string{"one", "two"} {
		e.centres[name] = newCentre(t, seed+uint64(number), e.plan.slow, e.ended)
	}
	address, err := rig.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	e.stderr = newStderr(t)
	e.launch = rig.Launch{Dir: e.dir, Listen: address, Stderr: e.stderr, Config: e.configuration()}
	return e
}

func (e *epoch) configuration() string {
	var inventory strings.Builder
	for _, n := range numbers {
		fmt.Fprintf(&inventory, "  - {number: %q, country: GB, type: LONG_CODE, carrier: %s, parts_per_second: %d}\n", n.number, n.carrier, n.rate)
	}
	return fmt.Sprintf(`account: %q
tier: production
api: {request_rates: unlimited}
recipient_interval: %s
failover_after: 300ms
lost_outcomes: {transactional: resend, promotional: %s}
events: {local_file_bytes: %d, local_files: 10000}
carriers:
  - name: one
    smpp: {address: %q, system_id: helio, password: secret, window: %d, reconnect_min: 20ms, reconnect_max: 200ms, throttle_pause: 50ms, response_timeout: 1s}
  - name: two
    smpp: {address: %q, system_id: helio, password: secret, window: %d, sessions: 2, reconnect_min: 20ms, reconnect_max: 200ms, throttle_pause: 50ms, response_timeout: 1s}
numbers:
%slog: {level: warn, format: json}
`, account, e.plan.interval, e.plan.promotional, e.plan.fileBytes, e.centres["one"].Address, e.plan.window,
		e.centres["two"].Address, e.plan.window, inventory.String())
}

// capacity is how many parts may be without an answer at all message centres.
func (e *epoch) capacity() int { return 3 * e.plan.window }

// begin starts the server for the first time, after it was killed in the middle
// of its first steps, and makes the resources.
func (e *epoch) begin() {
	e.t.Helper()
	for range e.random.IntN(3) {
		e.start([]string{plainBinary})
		e.wait(e.random.IntN(120))
		e.kill("first start")
	}
	e.start([]string{plainBinary})
	e.ready()
	e.prepare()
	e.runClients()
}

// start starts a process of the server.
func (e *epoch) start(command []string, env ...string) {
	e.t.Helper()
	e.counted, e.traced = 0, command[0] == "strace"
	launch := e.launch
	launch.Command, launch.Env = command, env
	var err error
	if e.server != nil {
		select {
		case <-e.server.Done():
		default:
			e.t.Fatal("the process before is still there")
		}
	}
	if e.server, err = launch.Start(); err != nil {
		e.t.Fatal(err)
	}
}

// ready waits until the server serves, and holds what it says of the parts that
// were in flight when the last process was killed against the store as it was
// then.
func (e *epoch) ready() {
	e.t.Helper()
	if err := e.server.AwaitReady(patience); err != nil {
		e.t.Fatalf("%v\n%s", err, e.stderr.tail())
	}
	if e.key.Secret == "" {
		var err error
		if e.key, err = e.server.Key(); err != nil {
			e.t.Fatal(err)
		}
	}
	if e.before != nil {
		e.checkRecovered()
	}
	e.before = nil
	e.up.Store(true)
}

// checkRecovered compares what was in flight at the kill with what the process
// that follows says. Its standard error may come a little after its standard
// output.
func (e *epoch) checkRecovered() {
	e.t.Helper()
	after := e.readLog()
	for end := time.Now().Add(5 * time.Second); !maps.Equal(after, e.before.resend) && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		maps.Copy(after, e.readLog())
	}
	if !maps.Equal(after, e.before.resend) {
		e.t.Errorf("%d parts were in flight at the kill and may be sent again; the next process says so of %d, which are others",
			len(e.before.resend), len(after))
	}
}

// kill ends the process as a power cut does and reads the store as it is then.
func (e *epoch) kill(how string) {
	e.t.Helper()
	e.up.Store(false)
	e.slay()
	e.killed(how)
}

// slay ends the process, also where another one runs it.
func (e *epoch) slay() {
	if child := childOf(e.server.Command.Process.Pid); e.traced && child != 0 {
		syscall.Kill(child, syscall.SIGKILL)
		<-e.server.Done()
		return
	}
	e.server.Kill()
}

// childOf is a process's child, 0 where it has none.
func childOf(pid int) (child int) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err == nil {
		fmt.Sscan(string(text), &child)
	}
	return child
}

// killed is what follows a kill, however the process was killed.
func (e *epoch) killed(how string) {
	e.t.Helper()
	e.up.Store(false)
	e.figures.kill(how)
	e.readLog()
	e.look()
	e.figures.flying(len(e.before.inFlight))
	if n := len(e.before.inFlight); n > 4*e.capacity() {
		e.t.Errorf("%d parts were in flight at a kill, and the windows hold %d", n, e.capacity())
	}
}

// terminate ends the process as an operator does.
func (e *epoch) terminate() {
	e.t.Helper()
	e.server.Signal(syscall.SIGTERM)
	select {
	case <-e.server.Done():
	case <-time.After(patience):
		e.server.Signal(syscall.SIGQUIT)
		<-e.server.Done()
		e.t.Errorf("the server did not stop in time\n%s", e.stderr.tail())
	}
	e.up.Store(false)
	if err := e.server.Exit(); err != nil {
		e.t.Errorf("the server ended with %v\n%s", err, e.stderr.tail())
	}
	e.readLog()
	e.look()
	// Parts whose answer was lost keep their mark until they were sent again.
	for part := range e.before.inFlight {
		if e.resent[part] == 0 {
			e.t.Errorf("part %d was in flight after an orderly end", part)
		}
	}
}

// wait lets so many milliseconds pass.
func (e *epoch) wait(ms int) { time.Sleep(time.Duration(ms) * time.Millisecond) }

// close ends the clients, the message centres and the process, and removes the
// directory unless the test failed.
func (e *epoch) close() {
	if e.stop != nil {
		e.stop()
		e.busy.Wait()
	}
	if e.server != nil {
		e.slay()
	}
	e.end()
	for _, c := range e.centres {
		c.close()
	}
	if e.t.Failed() {
		e.t.Logf("seed %d, epoch %d: %s", e.seed, e.number, e.plan)
		e.t.Logf("the end of its standard error:\n%s", e.stderr.tail())
		if e.unmount == nil {
			e.t.Logf("its directory is left for a look: %s", e.dir)
			return
		}
	}
	if e.unmount != nil {
		e.unmount()
	}
	os.RemoveAll(e.dir)
}

// data is the server's data directory.
func (e *epoch) data(name ...string) string {
	return filepath.Join(append([]string{e.dir, "data"}, name...)...)
}
