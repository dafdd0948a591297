//go:build harness && strace

package crash

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// straced says whether rounds may use strace.
const straced = true

// calls are those that change what is on disk, and how many of each thread a round
// may let pass.
var calls = []struct {
	name string
	most int
}{{"pwrite64", 100}, {"pwrite64", 15}, {"fsync", 20}, {"fsync", 4}, {"ftruncate", 2}, {"unlink", 2}, {"renameat", 3}, {"write", 60}}

// killAtSystemCall kills the process as it is about to make a system call: in the
// middle of a commit, of moving the log into the database, of the first steps.
func (e *epoch) killAtSystemCall() {
	call := calls[e.random.IntN(len(calls))]
	e.startNext([]string{"strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=" + call.name,
		"-e", fmt.Sprintf("inject=%s:signal=SIGKILL:when=%d", call.name, 1+e.random.IntN(call.most))})
	e.awaitKill("call "+call.name, time.Second)
}

// TestAnswersFollowTheSync reads in a trace of system calls that each answer to a
// SendTextMessage is written only after the log with the message was made
// durable. That a kill loses nothing does not show it.
func TestAnswersFollowTheSync(t *testing.T) {
	e := newEpoch(t, 1, 0, newFigures())
	defer e.close()
	trace := filepath.Join(e.dir, "trace")
	e.start([]string{"strace", "-f", "-qq", "--seccomp-bpf", "-y", "-s", "10000", "-o", trace,
		"-e", "trace=read,write,pwrite64,fdatasync,fsync", plainBinary})
	e.ready()
	e.prepare()
	e.runClients()
	eventually(t, "300 messages to be taken", func() bool { return len(e.ledger.given(0)) >= 300 })
	e.stop()
	e.busy.Wait()
	e.slay()
	file, err := os.Open(trace)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	answers, problems := checkTrace(file)
	for _, p := range problems[:min(len(problems), 5)] {
		t.Error(p)
	}
	if given := len(e.ledger.given(0)); answers < given {
		t.Errorf("the trace has %d answers, clients were given %d", answers, given)
	}
	t.Logf("%d answers, each after the sync that followed its message", answers)
}

var (
	traced  = regexp.MustCompile(`^(\d+) +(?:<\.\.\. )?(read|write|pwrite64|fdatasync|fsync)(\(\d+<([^>]*)>| resumed>)`)
	outcome = regexp.MustCompile(`\) += (-?\d+)`)
)

// call is a system call that has begun.
type call struct {
	file    string // or socket
	covered []string
}

// checkTrace reads the output of strace -f -y. An answer is about the token that
// was last read from its connection; it may begin only once a sync of the log has
// ended that began after the token was written to the log.
func checkTrace(trace io.Reader) (answers int, problems []string) {
	begun := map[string]call{}   // by thread
	asked := map[string]string{} // token by connection
	written := map[string]bool{} // tokens in the log, not durable yet
	durable := map[string]bool{} // tokens
	lines := bufio.NewReaderSize(trace, 1<<20)
	for {
		text, err := lines.ReadString('\n')
		if err != nil {
			return answers, problems
		}
		m := traced.FindStringSubmatch(text)
		if m == nil {
			continue
		}
		thread, name, resumed := m[1], m[2], m[3] == " resumed>"
		c := begun[thread]
		if !resumed {
			c = call{file: m[4]}
			switch {
			case name == "fdatasync" || name == "fsync":
				for t := range written {
					c.covered = append(c.covered, t)
				}
			case name == "write" && strings.Contains(text, `"HTTP/1.1 200 OK`) && strings.Contains(text, "MessageId"):
				answers++
				if t := asked[c.file]; !durable[t] {
					problems = append(problems, fmt.Sprintf("the answer to %s was written before its message was durable: %.200s", t, text))
				}
			}
			begun[thread] = c
		}
		ended := outcome.FindStringSubmatch(text)
		found := token.FindString(text)
		log := strings.HasSuffix(c.file, "-wal")
		switch {
		case name == "pwrite64" && log:
			// Where it is cut in two, the text of the call is in its first line.
			for _, t := range token.FindAllString(text, -1) {
				written[t] = true
			}
		case ended == nil:
		case name == "read" && found != "" && strings.HasPrefix(c.file, "socket:"):
			asked[c.file] = found
		case (name == "fdatasync" || name == "fsync") && log && ended[1] == "0":
			for _, t := range c.covered {
				durable[t] = true
				delete(written, t)
			}
		}
	}
}

func TestTraceChecks(t *testing.T) {
	const (
		ask    = `7 read(9<socket:[5]>, "POST / HTTP/1.1\r\n\r\n{\"MessageBody\":\"#000001#\"}", 4096) = 60` + "\n"
		write  = `8 pwrite64(4</d/heliograph.db-wal>, "\0\1#000001#\0", 4096, 32) = 4096` + "\n"
		sync   = `8 fdatasync(4</d/heliograph.db-wal>) = 0` + "\n"
		begin  = `8 fdatasync(4</d/heliograph.db-wal> <unfinished ...>` + "\n"
		end    = `8 <... fdatasync resumed>)           = 0` + "\n"
		failed = `8 <... fdatasync resumed>)           = -1 EIO (Input/output error)` + "\n"
		answer = `7 write(9<socket:[5]>, "HTTP/1.1 200 OK\r\n\r\n{\"MessageId\":\"0\"}", 60) = 60` + "\n"
		other  = `8 fdatasync(3</d/heliograph.db>) = 0` + "\n"
	)
	for name, c := range map[string]struct {
		trace string
		good  bool
	}{
		"in order":                     {ask + write + sync + answer, true},
		"a sync in two lines":          {ask + write + begin + end + answer, true},
		"no sync":                      {ask + write + answer, false},
		"not in the log":               {ask + sync + answer, false},
		"answered during the sync":     {ask + write + begin + answer + end, false},
		"written during the sync":      {ask + begin + write + end + answer, false},
		"answered after a failed sync": {ask + write + begin + failed + answer, false},
		"another file's sync":          {ask + write + other + answer, false},
	} {
		answers, problems := checkTrace(strings.NewReader(c.trace))
		if answers != 1 || (len(problems) == 0) != c.good {
			t.Errorf("%s: %d answers, problems %q", name, answers, problems)
		}
	}
}

// attach lets strace break the calls of the running server, and gives what ends
// that.
func (e *epoch) attach(args ...string) (detach func()) {
	e.t.Helper()
	pid := e.server.Command.Process.Pid
	c := exec.Command("strace", append([]string{"-f", "-qq", "-o", "/dev/null", "-p", fmt.Sprint(pid)}, args...)...)
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := c.Start(); err != nil {
		e.t.Fatal(err)
	}
	return func() {
		c.Process.Signal(syscall.SIGINT)
		c.Wait()
	}
}

// TestFailingDisk has the disk fail under load: the process ends, with an error,
// before it has answered anything that it cannot keep.
func TestFailingDisk(t *testing.T) {
	for _, broken := range []string{"fsync", "pwrite64", "fsync,pwrite64,ftruncate"} {
		t.Run(broken, func(t *testing.T) {
			e := newEpoch(t, 2, 0, newFigures())
			defer e.close()
			e.start([]string{plainBinary})
			e.ready()
			e.prepare()
			e.runClients()
			eventually(t, "messages to be taken", func() bool { return len(e.ledger.given(0)) > 20 })
			e.failing.Store(true)
			detach := e.attach("-e", "trace="+broken, "-e", "inject="+broken+":error=EIO")
			defer detach()
			select {
			case <-e.server.Done():
			case <-time.After(patience):
				t.Fatalf("the server goes on\n%s", e.stderr.tail())
			}
			e.up.Store(false)
			if err := e.server.Exit(); err == nil || e.server.Command.ProcessState.ExitCode() != 1 {
				t.Errorf("the server ended with %v", err)
			}
			e.killed("broken disk")
			e.serve()
			e.resumes()
			e.terminate()
			e.finish(false)
		})
	}
}

// TestNoRoomForAWhile has writes fail as on a full disk: sends are refused, and the
// same process serves when there is room again.
func TestNoRoomForAWhile(t *testing.T) {
	e := newEpoch(t, 3, 0, newFigures())
	defer e.close()
	e.start([]string{plainBinary})
	e.ready()
	e.prepare()
	e.runClients()
	eventually(t, "messages to be taken", func() bool { return len(e.ledger.given(0)) > 20 })
	e.failing.Store(true)
	detach := e.attach("-e", "trace=pwrite64", "-e", "inject=pwrite64:error=ENOSPC")
	eventually(t, "sends to be refused", func() bool { return e.figures.refused.Load() > 20 })
	e.isRefused()
	detach()
	e.resumes()
	e.terminate()
	e.finish(false)
}
