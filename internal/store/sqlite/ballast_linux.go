package sqlite

import (
	"errors"
	"os"
	"syscall"
)

// allocate takes room for so many octets.
func allocate(file *os.File, bytes int64) error {
	err := syscall.Fallocate(int(file.Fd()), 0, 0, bytes)
	if errors.Is(err, syscall.EOPNOTSUPP) {
		return fill(file, bytes)
	}
	return err
}
