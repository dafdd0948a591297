//go:build harness && postgres

package crash

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"heliograph/internal/store/pgtest"
)

// TestThreeNodes is three nodes under load, of which one is killed, one is stopped
// for 20 s and woken, and one is restarted in order. What was accepted and handed
// over a second comes back each time, and everything adds up.
func TestThreeNodes(t *testing.T) {
	seed := *seedFlag
	if seed == 0 {
		seed = 3
	}
	t.Logf("seed %d", seed)
	f := newFigures()
	e := newFleet(t, pgtest.Start(t, pgtest.Options{Fsync: true}), seed, 1, 3, f)
	defer e.close()
	e.plan = plan{window: 20, promotional: "resend", fileBytes: 1 << 20, rate: 300, slow: 30 * time.Millisecond}
	for _, n := range e.nodes {
		n.launch.Config = e.configuration(n)
	}
	e.begin()
	e.wait(2000)
	before := e.throughput(5 * time.Second)
	t.Logf("before: %s", before)

	killed, paused, restarted := e.nodes[0], e.nodes[1], e.nodes[2]
	e.kill(killed, "moment")
	e.comesBack("one killed", before)
	e.serve(killed)
	e.comesBack("it is back", before)

	slot, epoch := e.slotOf(paused)
	stopped := time.Now()
	paused.up.Store(false)
	paused.server.Signal(syscall.SIGSTOP)
	e.comesBack("one stopped", before)
	e.fencedOff(paused, slot, epoch)
	last, err := e.engine.LastSeq(t.Context(), slot)
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Until(stopped.Add(20 * time.Second)))
	e.refused(paused, slot, last, func() { paused.server.Signal(syscall.SIGCONT) })
	e.recover()
	e.comesBack("it was woken, refused, and is back", before)

	restarted.terminate()
	e.comesBack("one ended in order", before)
	e.serve(restarted)
	e.comesBack("it is back", before)
	e.finish()
	t.Logf("%s", f)
}

// pace is what happens in a second.
type pace struct{ accepted, submitted float64 }

func (p pace) String() string {
	return fmt.Sprintf("%.0f messages accepted and %.0f parts submitted a second", p.accepted, p.submitted)
}

// throughput is the pace over some time.
func (e *fleet) throughput(over time.Duration) pace {
	count := func() (accepted, submitted int) {
		for _, c := range e.centres {
			submitted += len(c.arrived())
		}
		return len(e.ledger.given(0)), submitted
	}
	began := time.Now()
	accepted, submitted := count()
	time.Sleep(over)
	now, sent := count()
	seconds := time.Since(began).Seconds()
	return pace{float64(now-accepted) / seconds, float64(sent-submitted) / seconds}
}

// comesBack waits until the pace is nine tenths of what it was before, and says when
// that was. A machine with much else to do may not get there again, so that it is no
// failure unless nothing goes on at all.
func (e *fleet) comesBack(what string, before pace) {
	e.t.Helper()
	began, worst := time.Now(), before
	for {
		over := time.Second
		now := e.throughput(over)
		worst = pace{min(worst.accepted, now.accepted), min(worst.submitted, now.submitted)}
		took := (time.Since(began) - over).Seconds()
		switch {
		case now.accepted >= 0.9*before.accepted && now.submitted >= 0.9*before.submitted:
			e.t.Logf("%s: the pace is back after %.1f s; at worst %s; now %s", what, took, worst, now)
			return
		case took < patience.Seconds():
		case now.accepted > 0 && now.submitted > 0:
			e.t.Logf("%s: the pace is not back after %.1f s: %s, before %s", what, took, now, before)
			return
		default:
			e.t.Fatalf("%s: after %.1f s: %s, before %s", what, took, now, before)
		}
	}
}

// TestDatabaseAway stops PostgreSQL under load: sends are refused at once, nothing
// ends, and the same processes serve again when it is back.
func TestDatabaseAway(t *testing.T) {
	e := newFleet(t, pgtest.Start(t, pgtest.Options{Fsync: true}), 8, 1, 3, newFigures())
	defer e.close()
	e.begin()
	eventually(t, "messages to be taken", func() bool { return len(e.ledger.given(0)) > 50 })
	for _, away := range []time.Duration{time.Second, lease + 2*time.Second} {
		e.failing.Store(true)
		e.cluster.Kill()
		refused := e.figures.refused.Load()
		eventually(t, "sends to be refused", func() bool { return e.figures.refused.Load() > refused+20 })
		time.Sleep(away)
		e.cluster.Start()
		began := time.Now()
		e.resumes()
		t.Logf("away for %s: messages are accepted again after %.1f s", away, time.Since(began).Seconds())
		for _, n := range e.nodes {
			select {
			case <-n.server.Done():
				t.Fatalf("%s ended: %v\n%s", n.name, n.server.Exit(), n.stderr.tail())
			default:
			}
		}
	}
	e.finish()
}
