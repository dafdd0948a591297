//go:build harness && postgres

package crash

import (
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"heliograph/internal/store/pgtest"
)

// TestCrashPostgres is TestCrash for three nodes over one PostgreSQL.
func TestCrashPostgres(t *testing.T) {
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	kills, perEpoch := *rounds, 20
	if kills == 0 {
		kills, perEpoch = 8, 10
	}
	t.Logf("seed %d", seed)
	cluster := pgtest.Start(t, pgtest.Options{Fsync: true})
	f := newFigures()
	began := time.Now()
	for n := 0; f.killed() < kills && !t.Failed(); n++ {
		if *onlyEpoch >= 0 {
			n = *onlyEpoch
		}
		runFleet(t, cluster, seed, n, perEpoch, f)
		if *onlyEpoch >= 0 {
			break
		}
	}
	t.Logf("seed %d: in %s\n%s", seed, time.Since(began).Round(time.Second), f)
}

func runFleet(t *testing.T, cluster *pgtest.Cluster, seed uint64, number, rounds int, f *figures) {
	e := newFleet(t, cluster, seed, number, *nodesFlag, f)
	defer e.close()
	e.begin()
	e.wait(e.random.IntN(500))
	for range rounds {
		if t.Failed() {
			return
		}
		e.round()
	}
	e.finish()
	t.Logf("epoch %d: %s: %d messages, %s", number, e.plan, len(e.ledger.all()), e.centres["one"])
}

// fleetFaults are what a round may do, by how often.
var fleetFaults = []struct {
	name   string
	weight int
	strict bool // it costs answers only by ending processes
	run    func(*fleet, *node)
}{
	{"moment", 10, true, (*fleet).killAtMoment},
	{"point", 6, true, (*fleet).killAtPoint},
	{"start", 3, true, (*fleet).killAtStart},
	{"two", 2, true, (*fleet).killTwo},
	{"all", 1, true, (*fleet).killAll},
	{"stopping", 2, false, (*fleet).killWhileStopping},
	{"pause", 3, false, (*fleet).pauseShort},
	{"long pause", 2, false, (*fleet).pauseLong},
	{"cut from the database", 3, false, (*fleet).cutDatabase},
	{"blocked from the database", 2, false, (*fleet).blockDatabase},
	{"long blocked from the database", 2, false, (*fleet).blockDatabaseLong},
	{"database down", 2, false, (*fleet).databaseDown},
	{"terminate", 3, false, (*fleet).terminateOne},
	{"roll", 1, false, (*fleet).roll},
	{"cut", 2, false, (*fleet).cutCentre},
	{"outage", 1, false, (*fleet).centreOutage},
}

// round does something to one node or to all, and has all of them serve again.
func (e *fleet) round() {
	e.t.Helper()
	weights := 0
	for _, f := range fleetFaults {
		if f.strict || !e.strict {
			weights += f.weight
		}
	}
	pick := e.random.IntN(weights)
	n := e.nodes[e.random.IntN(len(e.nodes))]
	for _, f := range fleetFaults {
		if e.strict && !f.strict {
			continue
		}
		if pick -= f.weight; pick < 0 {
			e.figures.round("round " + f.name)
			e.did("%s, %s", f.name, n.name)
			f.run(e, n)
			break
		}
	}
	e.recover()
	e.look()
	e.wait(e.random.IntN(500))
}

// away lets some time pass before a node comes back: often less than its lease, and
// sometimes more.
func (e *fleet) away() {
	if e.random.IntN(4) == 0 {
		e.wait(5000 + e.random.IntN(3000))
	} else {
		e.wait(e.random.IntN(1500))
	}
}

func (e *fleet) killAtMoment(n *node) {
	e.wait(e.random.IntN(700))
	e.kill(n, "moment")
	e.away()
}

func (e *fleet) killAtPoint(n *node) {
	p := points[e.random.IntN(len(points)+4)%len(points)]
	moment := []string{"before", "after", "answered"}[e.random.IntN(3)]
	e.kill(n, "moment")
	n.startNext(nil, fmt.Sprintf("HELIOGRAPH_CRASH_AT=%s/%s/%d", moment, p.kind, e.random.IntN(p.most)+1))
	if err := n.server.AwaitReady(patience); err == nil {
		n.up.Store(true)
		select {
		case <-n.server.Done():
		case <-time.After(2 * time.Second):
			e.kill(n, "moment")
			return
		}
	}
	<-n.server.Done()
	state, _ := n.server.Command.ProcessState.Sys().(syscall.WaitStatus)
	if !state.Signaled() || state.Signal() != syscall.SIGKILL {
		e.t.Fatalf("%s ended with %v\n%s", n.name, n.server.Exit(), n.stderr.tail())
	}
	e.killed(n, "point "+moment+" "+p.kind)
	e.away()
}

func (e *fleet) killAtStart(n *node) {
	e.kill(n, "moment")
	n.startNext(nil)
	e.wait(e.random.IntN(400))
	e.kill(n, "start")
}

func (e *fleet) killTwo(n *node) {
	for _, other := range e.nodes {
		if other != n {
			e.kill(other, "two")
			e.wait(e.random.IntN(100))
		}
	}
	e.away()
}

func (e *fleet) killAll(*node) {
	for _, n := range e.nodes {
		e.kill(n, "all")
	}
	e.away()
	for _, n := range e.nodes {
		n.startNext(nil)
	}
	for _, n := range e.nodes {
		n.serves()
	}
}

func (e *fleet) killWhileStopping(n *node) {
	n.up.Store(false)
	n.server.Signal(syscall.SIGTERM)
	e.wait(e.random.IntN(200))
	e.kill(n, "stopping")
}

// pauseShort stops a process for less than its lease: it goes on.
func (e *fleet) pauseShort(n *node) {
	n.up.Store(false)
	n.server.Signal(syscall.SIGSTOP)
	e.wait(200 + e.random.IntN(1800))
	n.server.Signal(syscall.SIGCONT)
	e.wait(300)
	if e.random.IntN(2) == 0 {
		e.kill(n, "pause")
	}
}

// pauseLong stops a process until others have its place, and wakes it: no part
// leaves it and no row of it lands.
func (e *fleet) pauseLong(n *node) {
	slot, epoch := e.slotOf(n)
	n.up.Store(false)
	n.server.Signal(syscall.SIGSTOP)
	e.note()
	e.fencedOff(n, slot, epoch)
	last, err := e.engine.LastSeq(e.t.Context(), slot)
	if err != nil {
		e.t.Fatal(err)
	}
	e.wait(e.random.IntN(2000))
	e.refused(n, slot, last, func() { n.server.Signal(syscall.SIGCONT) })
}

// fencedOff waits until others have taken a node's slot from it.
func (e *fleet) fencedOff(n *node, slot int, epoch int64) {
	e.t.Helper()
	if len(e.nodes) == 1 {
		time.Sleep(lease + time.Second)
		return
	}
	eventually(e.t, n.name+" to be fenced off", func() bool {
		nodes, err := e.engine.Nodes(e.t.Context())
		if err != nil {
			e.t.Fatal(err)
		}
		for _, other := range nodes {
			if other.Slot == slot {
				return other.Free || other.Epoch != epoch
			}
		}
		return false
	})
}

// refused wakes a node that was fenced off, and sees it end without a part sent or
// an event written.
func (e *fleet) refused(n *node, slot int, last int64, wake func()) {
	e.t.Helper()
	woken := time.Now()
	wake()
	select {
	case <-n.server.Done():
	case <-time.After(patience):
		e.t.Errorf("%s goes on after it was fenced off\n%s", n.name, n.stderr.tail())
		return
	}
	if n.server.Exit() == nil {
		e.t.Errorf("%s was fenced off, and ended as if it was asked to", n.name)
	}
	for name, c := range e.centres {
		if sent := c.since(n.name, woken); sent > 0 {
			e.t.Errorf("%s was fenced off, and then sent %d parts to %s", n.name, sent, name)
		}
	}
	after, err := e.engine.LastSeq(e.t.Context(), slot)
	if err != nil {
		e.t.Fatal(err)
	}
	if taken, _ := e.slotOf(n); taken != slot && after != last {
		e.t.Errorf("%s was fenced off when its slot had %d events, and now it has %d", n.name, last, after)
	}
}

// cutDatabase cuts a node's connections to the database, more than once.
func (e *fleet) cutDatabase(n *node) {
	e.failing.Store(true)
	for range 1 + e.random.IntN(3) {
		e.ways[n].Cut()
		e.wait(e.random.IntN(300))
	}
	if e.random.IntN(3) == 0 {
		e.kill(n, "cut from the database")
	}
	e.recover()
	e.resumes()
}

// blockDatabase holds back all that a node and the database say to each other, for
// less than the lease.
func (e *fleet) blockDatabase(n *node) {
	e.failing.Store(true)
	e.ways[n].Block(true)
	e.wait(200 + e.random.IntN(2500))
	e.ways[n].Block(false)
	e.wait(300)
	if e.random.IntN(3) == 0 {
		e.kill(n, "blocked from the database")
	}
	e.recover()
	e.resumes()
}

// blockDatabaseLong cuts a node off from the database until others have its place.
// From the end of its lease on it sends nothing.
func (e *fleet) blockDatabaseLong(n *node) {
	e.failing.Store(true)
	slot, epoch := e.slotOf(n)
	e.ways[n].Block(true)
	blocked := time.Now()
	e.fencedOff(n, slot, epoch)
	last, err := e.engine.LastSeq(e.t.Context(), slot)
	if err != nil {
		e.t.Fatal(err)
	}
	time.Sleep(time.Until(blocked.Add(lease + time.Second)))
	e.refused(n, slot, last, func() { e.ways[n].Block(false) })
	e.recover()
	e.resumes()
}

// databaseDown has PostgreSQL crash, and starts it again. The nodes go on by
// themselves.
func (e *fleet) databaseDown(*node) {
	e.failing.Store(true)
	e.cluster.Kill()
	if e.random.IntN(3) == 0 {
		e.wait(5000 + e.random.IntN(3000))
	} else {
		e.wait(e.random.IntN(2500))
	}
	e.cluster.Start()
	for _, n := range e.nodes {
		select {
		case <-n.server.Done():
			e.t.Errorf("%s ended while the database was away: %v\n%s", n.name, n.server.Exit(), n.stderr.tail())
		default:
		}
	}
	e.resumes()
}

func (e *fleet) terminateOne(n *node) {
	e.wait(e.random.IntN(400))
	n.terminate()
	e.figures.round("terminate")
	e.away()
}

// roll restarts all nodes in order, one after the other.
func (e *fleet) roll(*node) {
	for _, n := range e.nodes {
		n.terminate()
		e.figures.round("terminate")
		e.serve(n)
	}
}

func (e *fleet) cutCentre(n *node) {
	for range 1 + e.random.IntN(3) {
		e.wait(e.random.IntN(200))
		e.anyCentre().cut()
	}
	if e.random.IntN(2) == 0 {
		e.kill(n, "cut")
	}
}

func (e *fleet) centreOutage(n *node) {
	c := e.anyCentre()
	c.Stop()
	e.wait(100 + e.random.IntN(800))
	if e.random.IntN(2) == 0 {
		e.kill(n, "outage")
	}
	if err := c.Start(); err != nil {
		e.t.Fatal(err)
	}
}
