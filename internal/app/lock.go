package app

import (
	"fmt"
	"os"
	"syscall"
)

// lock keeps a second process out of the data directory. The lock ends with the
// process, however it ends.
func lock(path string) (unlock func(), err error) {
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
