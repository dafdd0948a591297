//go:build harness

package crash

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	"heliograph/internal/sms"
	"heliograph/test/rig"
)

// node is a data directory and the processes that run in it, one after the other.
type node struct {
	world    *world
	name     string
	dir      string
	launch   rig.Launch
	server   *rig.Server
	traced   bool         // it is run by strace
	up       atomic.Bool  // clients may expect answers
	accepted atomic.Int64 // messages
	failed   atomic.Int64 // when a client had no answer from it last, Unix time in ns
	skew     atomic.Int64 // of the process's clock
	life     atomic.Int64 // of the process: no other one of the epoch has this number
	stderr   *stderr
	counted  int // parts sent again, since the last process began
}

// addNode makes a data directory that nothing runs in yet.
func (w *world) addNode(name string) *node {
	w.t.Helper()
	dir, err := os.MkdirTemp("", "heliograph-epoch-")
	if err != nil {
		w.t.Fatal(err)
	}
	return w.addNodeIn(dir, name)
}

func (w *world) addNodeIn(dir, name string) *node {
	w.t.Helper()
	if err := rig.WatchSources("../.."); err != nil {
		w.t.Fatal(err)
	}
	address, err := rig.FreeAddress()
	if err != nil {
		w.t.Fatal(err)
	}
	n := &node{world: w, name: name, dir: dir, stderr: newStderr(w.t)}
	n.launch = rig.Launch{Dir: dir, Listen: address, Stderr: n.stderr}
	w.nodes = append(w.nodes, n)
	return n
}

// clock is the process's.
func (n *node) clock() time.Time { return time.Now().Add(time.Duration(n.skew.Load())) }

// start starts a process of the server.
func (n *node) start(command []string, env ...string) {
	t := n.world.t
	t.Helper()
	n.counted, n.traced = 0, command[0] == "strace"
	n.world.did("start %s %v", n.name, env)
	n.life.Store(int64(n.world.lives.Add(1)))
	launch := n.launch
	launch.Command, launch.Env = command, env
	var err error
	if n.server != nil {
		select {
		case <-n.server.Done():
		default:
			t.Fatal("the process before is still there")
		}
	}
	if n.server, err = launch.Start(); err != nil {
		t.Fatal(err)
	}
}

// startNext starts the program, run by what is named: where clocks are skewed with
// one that is up to two hours off.
func (n *node) startNext(by []string, env ...string) {
	w := n.world
	w.t.Helper()
	if w.plan.skewed {
		n.skew.Store(int64(time.Duration(w.random.IntN(4*3600)-2*3600) * time.Second))
		env = append(env, "HELIOGRAPH_CRASH_CLOCK="+time.Duration(n.skew.Load()).String())
	}
	binary := plainBinary
	if len(env) > 0 {
		binary = crashBinary
	}
	n.start(append(by, binary), env...)
}

// serves waits until the process serves.
func (n *node) serves() {
	w := n.world
	w.t.Helper()
	if err := n.server.AwaitReady(patience); err != nil {
		w.t.Fatalf("%s: %v\n%s", n.name, err, n.stderr.tail())
	}
	if w.key.Secret == "" {
		var err error
		if w.key, err = n.server.Key(); err != nil {
			w.t.Fatal(err)
		}
	}
	n.up.Store(true)
}

// slay ends the process, also where another one runs it.
func (n *node) slay() {
	n.world.did("kill %s", n.name)
	n.up.Store(false)
	if child := childOf(n.server.Command.Process.Pid); n.traced && child != 0 {
		syscall.Kill(child, syscall.SIGKILL)
		<-n.server.Done()
		return
	}
	n.server.Kill()
}

// childOf is a process's child, 0 where it has none.
func childOf(pid int) (child int) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err == nil {
		fmt.Sscan(string(text), &child)
	}
	return child
}

// terminate ends the process as an operator does.
func (n *node) terminate() {
	t := n.world.t
	t.Helper()
	n.world.did("terminate %s", n.name)
	n.up.Store(false)
	n.server.Signal(syscall.SIGTERM)
	select {
	case <-n.server.Done():
	case <-time.After(patience):
		n.server.Signal(syscall.SIGQUIT)
		<-n.server.Done()
		t.Errorf("%s did not stop in time\n%s", n.name, n.stderr.tail())
	}
	if err := n.server.Exit(); err != nil {
		t.Errorf("%s ended with %v\n%s", n.name, err, n.stderr.tail())
	}
	n.readLog()
}

// readLog notes which parts the process says that it sends again, and gives those
// that were in flight when a process before it ended.
func (n *node) readLog() map[sms.PartID]bool {
	w := n.world
	after := map[sms.PartID]bool{}
	for _, l := range n.stderr.take() {
		if l.Level == "ERROR" {
			w.figures.note(l.Message)
		}
		if l.Message != sentAgain {
			continue
		}
		part := sms.ID(l.ID).Part(l.Part)
		w.resent[part]++
		n.counted++
		if l.Detail == recovered {
			after[part] = true
			w.afterEnd[part] = fmt.Sprintf("%s at %s by %s", n.name, l.Time, l.Carrier)
		}
	}
	return after
}

// checkCounted holds the metric against what the process has logged.
func (n *node) checkCounted() {
	t := n.world.t
	t.Helper()
	m, err := n.server.Metrics()
	if err != nil {
		t.Fatal(err)
	}
	metric := int(m["heliograph_possible_duplicate_parts_total"])
	eventually(t, "the log to speak of as many possible duplicates as are counted", func() bool {
		n.readLog()
		return n.counted >= metric
	})
	if n.counted != metric {
		t.Errorf("%s speaks of %d parts that it sends again, and counts %d", n.name, n.counted, metric)
	}
}

// data is the data directory.
func (n *node) data(name ...string) string {
	return filepath.Join(append([]string{n.dir, "data"}, name...)...)
}

// reconciles: the program itself finds that everything adds up.
func (n *node) reconciles() {
	w := n.world
	w.t.Helper()
	c := exec.Command(plainBinary, "reconcile", "--config", filepath.Join(n.dir, "heliograph.yaml"))
	c.Env = append(os.Environ(), "HELIOGRAPH_API_LISTEN="+n.launch.Listen, "HELIOGRAPH_DATA_DIR="+n.data())
	if out, err := c.CombinedOutput(); err != nil {
		w.t.Errorf("heliograph reconcile: %v\n%s", err, out[:min(len(out), 4000)])
	}
}
