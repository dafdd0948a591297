//go:build harness

package crash

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

var (
	seedFlag  = flag.Uint64("seed", 0, "seed of the schedule; 0 draws one")
	rounds    = flag.Int("rounds", 0, "kill the server as many times; 0 is a short run")
	nodesFlag = flag.Int("nodes", 3, "so many nodes over PostgreSQL")
	onlyEpoch = flag.Int("epoch", -1, "run only this epoch of the schedule")
)

// patience is how long a test waits for what has to happen. It is long so that a
// busy machine fails no test.
const patience = 60 * time.Second

// The program under test: as it is built (HELIOGRAPH_BINARY in the environment,
// or built here), and with the build tag crash.
var (
	plainBinary = os.Getenv("HELIOGRAPH_BINARY")
	crashBinary string
)

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

const inside = "HELIOGRAPH_CRASH_NAMESPACE"

func run(m *testing.M) (int, error) {
	if os.Getenv(inside) == "" {
		return again()
	}
	dir, err := os.MkdirTemp("", "heliograph-crash-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	if plainBinary == "" {
		plainBinary = filepath.Join(dir, "heliograph")
		if err := build(plainBinary, ""); err != nil {
			return 0, err
		}
	} else if plainBinary, err = filepath.Abs(plainBinary); err != nil {
		return 0, err
	}
	crashBinary = filepath.Join(dir, "heliograph-crash")
	if err := build(crashBinary, "crash"); err != nil {
		return 0, err
	}
	return m.Run(), nil
}

func build(to, tags string) error {
	out, err := exec.Command("go", "build", "-tags", tags, "-o", to, "heliograph/cmd/heliograph").CombinedOutput()
	if err != nil {
		return fmt.Errorf("build: %w\n%s", err, out)
	}
	return nil
}

// again runs the test in namespaces of its own, in which it may mount small file
// systems that nobody else sees and that end with it.
func again() (int, error) {
	c := exec.Command("/proc/self/exe", os.Args[1:]...)
	c.Env = append(os.Environ(), inside+"=1")
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	c.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	if os.Geteuid() != 0 {
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}}
	}
	err := c.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return max(exit.ExitCode(), 1), nil
	}
	return 0, err
}
