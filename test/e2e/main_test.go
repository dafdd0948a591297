package e2e

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

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
	if err := watchSources(); err != nil {
		return 0, err
	}
	if out, err := exec.Command("go", "build", "-o", binary, "heliograph/cmd/heliograph").CombinedOutput(); err != nil {
		return 0, fmt.Errorf("build: %w\n%s", err, out)
	}
	return m.Run(), nil
}

// watchSources looks at the sources of the program, so that go test takes no
// result from its cache that is older than they are.
func watchSources() error {
	for _, root := range []string{"../../cmd", "../../internal"} {
		err := filepath.WalkDir(root, func(_ string, _ fs.DirEntry, err error) error { return err })
		if err != nil {
			return err
		}
	}
	return nil
}
