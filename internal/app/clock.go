//go:build !crash

package app

import "time"

// now is the wall clock.
func now() time.Time { return time.Now() }
