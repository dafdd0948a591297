package nodes

import (
	"time"

	"golang.org/x/sys/unix"
)

// sinceBoot runs on while the machine sleeps, as the database's clock does, and is
// never set.
func sinceBoot() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &t); err != nil {
		panic("the kernel has no boot-time clock: " + err.Error())
	}
	return time.Duration(t.Nano())
}
