package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"heliograph/test/rig"
)

// watch has go test run these tests again when the program changes.
var watch = sync.OnceValue(func() error { return rig.WatchSources("../..") })

// binary is the program under test: HELIOGRAPH_BINARY in the environment, or built
// once for all tests.
var binary = os.Getenv("HELIOGRAPH_BINARY")

// full asks for the tests at full length.
var full = os.Getenv("HELIOGRAPH_E2E") == "full"

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (int, error) {
	if binary != "" {
		return m.Run(), nil
	}
	dir, err := os.MkdirTemp("", "heliograph-e2e-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "heliograph")
	if out, err := exec.Command("go", "build", "-o", binary, "heliograph/cmd/heliograph").CombinedOutput(); err != nil {
		return 0, fmt.Errorf("build: %w\n%s", err, out)
	}
	return m.Run(), nil
}
