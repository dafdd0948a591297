package deploy

import (
	"os"
	"strings"
	"testing"
)

// TestServiceAccount: the unit runs the service as an account of its own that can become
// no other and has no rights of root.
func TestServiceAccount(t *testing.T) {
	text, err := os.ReadFile("../../deploy/heliograph.service")
	if err != nil {
		t.Fatal(err)
	}
	lines := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		lines[strings.TrimSpace(line)] = true
	}
	for _, want := range []string{"User=heliograph", "Group=heliograph", "NoNewPrivileges=yes", "CapabilityBoundingSet=", "AmbientCapabilities=",
		"MemoryDenyWriteExecute=yes", "ProtectSystem=strict", "PrivateUsers=yes", "RestrictSUIDSGID=yes", "UMask=0077", "StateDirectoryMode=0700"} {
		if !lines[want] {
			t.Errorf("the unit does not have %s", want)
		}
	}
}
