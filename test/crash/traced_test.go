//go:build harness && strace

package crash

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"heliograph/internal/sms"
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
		"-e", "trace=write,pwrite64,fdatasync,fsync", plainBinary})
	e.ready()
	e.prepare()
	e.runClients()
	eventually(t, "300 messages to be taken", func() bool { return len(e.ledger.given(0)) >= 300 })
	e.stop()
	e.busy.Wait()
	e.slay()
	answers, problems := checkTrace(t, trace, e.messageIDs())
	for _, p := range problems[:min(len(problems), 5)] {
		t.Error(p)
	}
	if given := len(e.ledger.given(0)); answers < given {
		t.Errorf("the trace has %d answers, clients were given %d", answers, given)
	}
	t.Logf("%d answers, each after the sync that followed its message", answers)
}

var (
	traced  = regexp.MustCompile(`^(\d+) +(?:<\.\.\. )?(write|pwrite64|fdatasync|fsync)(\(\d+<([^>]*)>| resumed>)`)
	outcome = regexp.MustCompile(`\) += (-?\d+)`)
	given   = regexp.MustCompile(`"HTTP/1\.1 200 OK.*\\"MessageId\\":\\"([0-9a-f-]{36})\\"`)
)

// row is how the database has a message's ID in the row of its event, which is not
// encrypted.
type row [8]byte

// answered finds the message that the line of a trace answers.
func answered(line string, ids *sms.MessageIDs) (message row, ok bool) {
	m := given.FindStringSubmatch(line)
	if m == nil {
		return row{}, false
	}
	id, err := ids.Parse(m[1])
	binary.BigEndian.PutUint64(message[:], uint64(id))
	return message, err == nil
}

// call is a system call that has begun.
type call struct {
	file    string // or socket
	covered []row
}

// eachLine calls f with the lines of a file.
func eachLine(t *testing.T, name string, f func(line string)) {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for lines := bufio.NewReaderSize(file, 1<<20); ; {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		f(line)
	}
}

// checkTrace reads the output of strace -f -y. An answer may begin only once a sync of
// the log has ended that began after its message was written to the log.
func checkTrace(t *testing.T, trace string, ids *sms.MessageIDs) (answers int, problems []string) {
	wanted := map[row]bool{}
	eachLine(t, trace, func(line string) {
		if message, ok := answered(line, ids); ok {
			wanted[message] = true
		}
	})
	begun := map[string]call{} // by thread
	written := map[row]bool{}  // messages in the log, not durable yet
	durable := map[row]bool{}
	eachLine(t, trace, func(line string) {
		m := traced.FindStringSubmatch(line)
		if m == nil {
			return
		}
		thread, name, resumed := m[1], m[2], m[3] == " resumed>"
		c := begun[thread]
		if !resumed {
			c = call{file: m[4]}
			if name == "fdatasync" || name == "fsync" {
				c.covered = slices.Collect(maps.Keys(written))
			}
			if message, ok := answered(line, ids); ok && name == "write" {
				if answers++; !durable[message] {
					problems = append(problems, fmt.Sprintf("an answer was written before its message was durable: %.300s", line))
				}
			}
			begun[thread] = c
		}
		log := strings.HasSuffix(c.file, "-wal")
		switch {
		case name == "pwrite64" && log:
			// Where it is cut in two, the text of the call is in its first line.
			for text := unescaped(line); len(text) >= len(row{}); text = text[1:] {
				if message := row(text[:8]); wanted[message] {
					written[message] = true
				}
			}
		case (name == "fdatasync" || name == "fsync") && log:
			if ended := outcome.FindStringSubmatch(line); ended != nil && ended[1] == "0" {
				for _, message := range c.covered {
					durable[message] = true
					delete(written, message)
				}
			}
		}
	})
	return answers, problems
}

// unescaped is what the text of a call has, in the form in which strace writes it.
func unescaped(line string) []byte {
	_, text, _ := strings.Cut(line, `"`)
	var out []byte
	for len(text) > 0 && text[0] != '"' {
		c, _, rest, err := strconv.UnquoteChar(text, '"')
		if err != nil { // an octal number of less than three digits
			n := 1
			for n < 4 && n < len(text) && text[n] >= '0' && text[n] <= '7' {
				n++
			}
			v, _ := strconv.ParseUint(text[1:n], 8, 8)
			c, rest = rune(v), text[n:]
		}
		out, text = append(out, byte(c)), rest
	}
	return out
}

func TestTraceChecks(t *testing.T) {
	ids, err := sms.NewMessageIDs([]byte("0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	id := sms.ID(0x0102030405060700) // its last bits number parts
	write := `8 pwrite64(4</d/heliograph.db-wal>, "\0\1\1\2\3\4\5\6\7\0009\"", 4096, 32) = 4096` + "\n"
	answer := `7 write(9<socket:[5]>, "HTTP/1.1 200 OK\r\n\r\n{\"MessageId\":\"` + ids.Format(id) + `\"}", 60) = 60` + "\n"
	const (
		sync   = `8 fdatasync(4</d/heliograph.db-wal>) = 0` + "\n"
		half   = `8 fdatasync(4</d/heliograph.db-wal> <unfinished ...>` + "\n"
		end    = `8 <... fdatasync resumed>)           = 0` + "\n"
		failed = `8 <... fdatasync resumed>)           = -1 EIO (Input/output error)` + "\n"
		other  = `8 fdatasync(3</d/heliograph.db>) = 0` + "\n"
	)
	for name, c := range map[string]struct {
		trace string
		good  bool
	}{
		"in order":                     {write + sync + answer, true},
		"a sync in two lines":          {write + half + end + answer, true},
		"no sync":                      {write + answer, false},
		"not in the log":               {sync + answer, false},
		"answered during the sync":     {write + half + answer + end, false},
		"written during the sync":      {half + write + end + answer, false},
		"answered after a failed sync": {write + half + failed + answer, false},
		"another file's sync":          {write + other + answer, false},
	} {
		file := filepath.Join(t.TempDir(), "trace")
		if err := os.WriteFile(file, []byte(c.trace), 0o600); err != nil {
			t.Fatal(err)
		}
		answers, problems := checkTrace(t, file, ids)
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
