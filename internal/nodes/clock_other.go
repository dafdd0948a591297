//go:build !linux

package nodes

import "time"

// began anchors the monotonic clock, which stands still while some machines sleep.
var began = time.Now()

func sinceBoot() time.Duration { return time.Since(began) }
