//go:build crash

package app

import (
	"fmt"
	"os"
	"sync"
	"time"
)

// now is the wall clock, set wrong by HELIOGRAPH_CRASH_CLOCK ("-90m"), for tests.
func now() time.Time { return time.Now().Add(skew()) }

var skew = sync.OnceValue(func() time.Duration {
	text, set := os.LookupEnv("HELIOGRAPH_CRASH_CLOCK")
	if !set {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		fmt.Fprintln(os.Stderr, "HELIOGRAPH_CRASH_CLOCK:", err)
		os.Exit(2)
	}
	return d
})
