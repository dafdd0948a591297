//go:build systemd

package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The unit is one that systemd takes, and leaves the service little to do harm
// with. The program need not be installed for that, so another one stands in.
func TestUnit(t *testing.T) {
	const program = "ExecStart=/usr/bin/heliograph "
	text := read(t, "../../deploy/heliograph.service")
	if !strings.Contains(text, program) {
		t.Fatalf("the unit does not have %q", program)
	}
	path := filepath.Join(t.TempDir(), "heliograph.service")
	if err := os.WriteFile(path, []byte(strings.Replace(text, program, "ExecStart=/bin/true ", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"verify", "--man=no", path},
		// 0 is nothing to do harm with, 10 everything.
		{"security", "--offline=true", "--threshold=20", "--no-pager", path},
	} {
		out, err := exec.Command("systemd-analyze", args...).CombinedOutput()
		if err != nil || args[0] == "verify" && len(out) > 0 {
			t.Errorf("systemd-analyze %s: %v\n%s", args[0], err, out)
		}
	}
}
