//go:build !linux

package sqlite

import "os"

// allocate takes room for so many octets.
func allocate(file *os.File, bytes int64) error { return fill(file, bytes) }
