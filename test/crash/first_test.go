//go:build harness && strace

package crash

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// TestFirstStart kills the process at each of the system calls of its first start
// that change files, and the next process as well, in the same directory. The one
// after serves.
func TestFirstStart(t *testing.T) {
	for _, name := range []string{"pwrite64,write", "fsync", "ftruncate", "unlink,unlinkat", "rename,renameat,renameat2", "open,openat"} {
		kills := 0
		for when := 1; ; when++ {
			if !firstStart(t, name, when) {
				break
			}
			kills++
		}
		if kills == 0 {
			t.Errorf("no process was killed at %s", name)
		}
		t.Logf("%d starts killed at %s", kills, name)
	}
}

// firstStart reports whether the first process got as far as to be killed.
func firstStart(t *testing.T, name string, when int) bool {
	t.Helper()
	dir, err := os.MkdirTemp(memory(), "heliograph-first-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	w := &world{t: t, figures: newFigures()}
	n := w.addNodeIn(dir, "the server")
	n.launch.Config = fmt.Sprintf("account: %q\nlog: {level: warn, format: json}\n", account)
	for kills := range 2 {
		n.start([]string{"strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=" + name,
			"-e", fmt.Sprintf("inject=%s:signal=SIGKILL:when=%d", name, when), plainBinary})
		if err := n.server.AwaitReady(patience); err == nil {
			n.slay()
			return kills > 0
		}
		<-n.server.Done()
	}
	n.start([]string{plainBinary})
	if err := n.server.AwaitReady(patience); err != nil {
		t.Errorf("after kills at %s, call %d of a thread: %v\n%s\n%s", name, when, err, n.stderr.tail(), listing(n.data()))
	}
	n.slay()
	return true
}

// listing is the files of a directory with their sizes.
func listing(dir string) (all string) {
	names, _ := filepath.Glob(filepath.Join(dir, "*"))
	for _, name := range names {
		if info, err := os.Stat(name); err == nil {
			all += fmt.Sprintf("%d %s\n", info.Size(), info.Name())
		}
	}
	return all
}
