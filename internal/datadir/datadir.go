// Package datadir is the directory that a process keeps its files in: which of them
// the database is, and that one process at a time works there.
package datadir

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// lockFile is held by the process that works in a directory.
const lockFile = "lock"

// Database is the path of the embedded database in a data directory.
func Database(dir string) string { return filepath.Join(dir, "heliograph.db") }

// Lock keeps other processes out of a data directory. The lock ends with the
// process, however it ends.
func Lock(dir string) (unlock func(), err error) {
	path := filepath.Join(dir, lockFile)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the data directory: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("the data directory is in use by another process (%s is locked)", path)
	}
	return func() { f.Close() }, nil
}
