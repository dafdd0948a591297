//go:build harness

package crash

import (
	"fmt"
	"maps"
	"os"
	"testing"
	"time"
)

// epoch is the life of one data directory, and of one node in it.
type epoch struct {
	*world
	*node
	unmount func()
	before  *snapshot // of the store, as the last kill left it
}

// newEpoch makes the directory, the message centres and the configuration.
func newEpoch(t *testing.T, seed uint64, number int, f *figures) *epoch {
	t.Helper()
	e := &epoch{world: newWorld(t, seed, number, f)}
	e.node = e.addNode("the server")
	if e.plan.small {
		e.unmount = mountSmall(t, e.dir, smallDisk)
	}
	e.launch.Config = e.configuration()
	return e
}

func (e *epoch) configuration() string {
	return fmt.Sprintf(`account: %q
tier: production
limits: {text_monthly_spend_usd: %s}
api: {request_rates: unlimited}
recipient_interval: %s
two_way: {reassembly_timeout: 6h, answers_per_hour: 0}
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
`, account, e.plan.limit(), e.plan.interval, e.plan.promotional, e.plan.fileBytes, e.centres["one"].Address, e.plan.window,
		e.centres["two"].Address, e.plan.window, inventory())
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

// ready waits until the server serves, and holds what it says of the parts that
// were in flight when the last process was killed against the store as it was
// then.
func (e *epoch) ready() {
	e.t.Helper()
	e.serves()
	if e.before != nil {
		e.checkRecovered()
	}
	e.before = nil
}

// checkRecovered compares what was in flight at the kill with what the process
// that follows says. Its standard error may come a little after its standard
// output.
func (e *epoch) checkRecovered() {
	e.t.Helper()
	after := e.readLog()
	for end := time.Now().Add(patience); !maps.Equal(after, e.before.resend) && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
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
	e.slay()
	e.killed(how)
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
	e.node.terminate()
	e.look()
	// Parts whose answer was lost keep their mark until they were sent again.
	for part := range e.before.inFlight {
		if e.resent[part] == 0 {
			e.t.Errorf("part %d was in flight after an orderly end", part)
		}
	}
}

// close ends everything, and removes the directory unless the test failed.
func (e *epoch) close() {
	e.world.close()
	if e.unmount != nil {
		e.unmount()
	} else if e.t.Failed() {
		e.t.Logf("its directory is left for a look: %s", e.dir)
		return
	}
	os.RemoveAll(e.dir)
}
