//go:build promtool

package deploy

import (
	"os/exec"
	"testing"
)

// Prometheus takes the rules, and they fire when they should.
func TestRules(t *testing.T) {
	for _, args := range [][]string{
		{"check", "rules", "--lint-fatal", "../../deploy/alerts.yml"},
		{"test", "rules", "alerts.test.yml"},
	} {
		if out, err := exec.Command("promtool", args...).CombinedOutput(); err != nil {
			t.Errorf("promtool %s %s: %v\n%s", args[0], args[1], err, out)
		}
	}
}
