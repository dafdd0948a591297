package datadir

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestLock(t *testing.T) {
	dir := t.TempDir()
	unlock, err := Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Lock(dir); err == nil || !strings.Contains(err.Error(), "in use by another process") {
		t.Errorf("a second lock: %v", err)
	}
	unlock()
	unlock, err = Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	unlock()
	if _, err := Lock(filepath.Join(dir, "missing")); err == nil {
		t.Error("a directory that is not there was locked")
	}
	if got, want := Database(dir), filepath.Join(dir, "heliograph.db"); got != want {
		t.Errorf("database %s, want %s", got, want)
	}
}
