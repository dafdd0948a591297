//go:build harness

package crash

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// faults are what a round may do, by how often.
var faults = []struct {
	name   string
	weight int
	small  bool // it needs a small disk
	traced bool // it needs strace
	run    func(*epoch)
}{
	{name: "moment", weight: 8, run: (*epoch).killAtMoment},
	{name: "point", weight: 8, run: (*epoch).killAtPoint},
	{name: "start", weight: 3, run: (*epoch).killAtStart},
	{name: "pause", weight: 2, run: (*epoch).pauseAndKill},
	{name: "cut", weight: 3, run: (*epoch).cutAndKill},
	{name: "outage", weight: 2, run: (*epoch).outageAndKill},
	{name: "silence", weight: 2, run: (*epoch).silenceAndKill},
	{name: "destination", weight: 2, run: (*epoch).blockAndKill},
	{name: "terminate", weight: 1, run: (*epoch).terminateInOrder},
	{name: "stopping", weight: 2, run: (*epoch).killWhileStopping},
	{name: "full", weight: 3, small: true, run: (*epoch).fillAndKill},
	{name: "full start", weight: 2, small: true, run: (*epoch).killWhileFull},
	{name: "system call", weight: 4, traced: true, run: (*epoch).killAtSystemCall},
}

// round starts a process, does something to it and ends it.
func (e *epoch) round() {
	e.t.Helper()
	weights := 0
	for _, f := range faults {
		if e.possible(f.small, f.traced) {
			weights += f.weight
		}
	}
	pick := e.random.IntN(weights)
	for _, f := range faults {
		if !e.possible(f.small, f.traced) {
			continue
		}
		if pick -= f.weight; pick < 0 {
			f.run(e)
			return
		}
	}
}

func (e *epoch) possible(small, traced bool) bool {
	return (!small || e.plan.small) && (!traced || straced)
}

// serve starts a process with the next clock and waits until it serves.
func (e *epoch) serve() {
	e.t.Helper()
	e.startNext(nil)
	e.ready()
}

func (e *epoch) killAtMoment() {
	e.serve()
	e.wait(e.random.IntN(700))
	e.kill("moment")
}

// points are the kinds of changes at which the store lets a process end, with how
// many of them there may be before.
var points = []struct {
	kind string
	most int
}{{"accept", 60}, {"mark", 60}, {"part", 100}, {"unmark", 60}, {"cursor", 4}, {"park", 4}, {"unpark", 3}, {"requeue", 3}, {"lag", 1}, {"resource", 1},
	{"log", 10}, {"append", 20}, {"entry", 30}}

func (e *epoch) killAtPoint() {
	p := points[e.random.IntN(len(points)+4)%len(points)]
	moment := []string{"before", "after", "answered"}[e.random.IntN(3)]
	e.startNext(nil, fmt.Sprintf("HELIOGRAPH_CRASH_AT=%s/%s/%d", moment, p.kind, e.random.IntN(p.most)+1))
	e.awaitKill("point "+moment+" "+p.kind, 800*time.Millisecond)
}

// awaitKill waits for a process to be killed by what was arranged, and kills it
// where that does not happen.
func (e *epoch) awaitKill(how string, limit time.Duration) {
	e.t.Helper()
	if err := e.server.AwaitReady(patience); err == nil {
		e.ready()
		select {
		case <-e.server.Done():
		case <-time.After(limit):
			e.kill("moment")
			return
		}
	}
	select {
	case <-e.server.Done():
	case <-time.After(patience):
		e.t.Fatalf("the server is neither ready nor ended\n%s", e.stderr.tail())
	}
	state, _ := e.server.Command.ProcessState.Sys().(syscall.WaitStatus)
	if !state.Signaled() || state.Signal() != syscall.SIGKILL {
		e.t.Fatalf("the server ended with %v\n%s", e.server.Exit(), e.stderr.tail())
	}
	e.killed(how)
}

func (e *epoch) killAtStart() {
	e.startNext(nil)
	e.wait(e.random.IntN(120))
	e.kill("start")
}

func (e *epoch) pauseAndKill() {
	e.serve()
	e.wait(e.random.IntN(300))
	e.server.Signal(syscall.SIGSTOP)
	e.wait(50 + e.random.IntN(900))
	e.server.Signal(syscall.SIGCONT)
	e.wait(e.random.IntN(300))
	e.kill("pause")
}

func (e *epoch) cutAndKill() {
	e.serve()
	for range 1 + e.random.IntN(3) {
		e.wait(e.random.IntN(200))
		e.anyCentre().cut()
	}
	e.wait(e.random.IntN(200))
	e.kill("cut")
}

func (e *epoch) outageAndKill() {
	e.serve()
	c := e.anyCentre()
	e.wait(e.random.IntN(200))
	c.Stop()
	e.wait(100 + e.random.IntN(800))
	if e.random.IntN(2) == 0 {
		e.kill("outage")
	} else {
		e.wait(e.random.IntN(300))
		defer e.kill("outage")
	}
	if err := c.Start(); err != nil {
		e.t.Fatal(err)
	}
	e.wait(e.random.IntN(300))
}

// silenceAndKill has a message centre take parts and answer none, for longer than
// answers are waited for.
func (e *epoch) silenceAndKill() {
	e.serve()
	c := e.anyCentre()
	e.wait(e.random.IntN(200))
	c.silent.Store(true)
	e.wait(200 + e.random.IntN(1300))
	if e.random.IntN(2) == 0 {
		c.silent.Store(false)
		e.wait(e.random.IntN(300))
	}
	e.kill("silence")
	c.silent.Store(false)
}

// blockAndKill takes event destinations away: there is a file where the embedded
// log has a directory.
func (e *epoch) blockAndKill() {
	e.serve()
	e.wait(e.random.IntN(200))
	directory := e.data("events", account, "First")
	file := directory + ".away"
	if err := errors.Join(os.MkdirAll(directory, 0o700), os.WriteFile(file, nil, 0o600)); err != nil {
		e.t.Fatal(err)
	}
	e.exchange(directory, file)
	e.wait(100 + e.random.IntN(500))
	if e.random.IntN(2) == 0 {
		e.kill("destination")
		e.serve()
		e.wait(e.random.IntN(300))
	}
	e.exchange(directory, file)
	if err := os.Remove(file); err != nil {
		e.t.Fatal(err)
	}
	e.wait(e.random.IntN(500))
	e.kill("destination")
}

// exchange gives each of two files the name of the other.
func (e *epoch) exchange(one, other string) {
	e.t.Helper()
	if err := unix.Renameat2(unix.AT_FDCWD, one, unix.AT_FDCWD, other, unix.RENAME_EXCHANGE); err != nil {
		e.t.Fatal(err)
	}
}

func (e *epoch) terminateInOrder() {
	e.serve()
	e.wait(e.random.IntN(400))
	e.terminate()
	e.figures.round("terminate")
}

func (e *epoch) killWhileStopping() {
	e.serve()
	e.wait(e.random.IntN(300))
	e.up.Store(false)
	e.server.Signal(syscall.SIGTERM)
	e.wait(e.random.IntN(40))
	e.kill("stopping")
}

func (e *epoch) fillAndKill() {
	e.serve()
	e.wait(e.random.IntN(200))
	e.failing.Store(true)
	free := fill(e.t, e.dir)
	e.wait(50 + e.random.IntN(500))
	free()
	e.resumes()
	e.wait(e.random.IntN(300))
	e.kill("full")
}

// killWhileFull kills the process on a full disk and starts it there: it comes up,
// and takes messages when there is room again.
func (e *epoch) killWhileFull() {
	e.serve()
	e.wait(e.random.IntN(200))
	e.failing.Store(true)
	free := fill(e.t, e.dir)
	e.wait(e.random.IntN(300))
	e.kill("full")
	e.startNext(nil)
	e.ready()
	free()
	e.resumes()
	e.wait(e.random.IntN(300))
	e.kill("full start")
}

// resumes waits until messages are accepted again, with nobody's help.
func (e *epoch) resumes() {
	e.t.Helper()
	given := len(e.ledger.given(0))
	eventually(e.t, "messages to be accepted after the disk was full", func() bool { return len(e.ledger.given(0)) > given+clients })
	e.failing.Store(false)
}
