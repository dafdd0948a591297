// Package carriertest is the suite that every carrier passes: what the contract
// in package carrier promises, tried on a running carrier.
package carriertest

import (
	"testing"

	"heliograph/internal/carrier"
)

// Harness is a carrier that was not started yet, and the hands on what stands
// behind it. A carrier that gives receipts gives them soon after a part, in
// milliseconds, and gives one again soon after it was not kept.
type Harness struct {
	Carrier carrier.Carrier
	// Sessions is how many are bound once the carrier is fully up.
	Sessions int
	// Hold keeps answers to parts back until Release.
	Hold, Release func()
	// Down makes handing over impossible until Up.
	Down, Up func()
	// Delivers is a recipient whose receipts say DELIVERED; Fails one whose
	// receipts say a failure. Both are in E.164 format with +.
	Delivers, Fails string
}

// Run runs the suite. start makes a fresh carrier for every test and registers
// the cleanup of what stands behind it; the suite closes the carrier.
func Run(t *testing.T, start func(t *testing.T) Harness) {
	tests := []struct {
		name string
		test func(t *testing.T, h Harness)
	}{
		{"tells its name and traits", testTraits},
		{"takes no part before start and after close", testOutsideLife},
		{"accepts a part and brings its receipt", testReceipt},
		{"brings a failure receipt", testFailureReceipt},
		{"gives a receipt again until it is kept", testReceiptAgain},
		{"answers concurrent parts exactly once", testConcurrent},
		{"refuses beyond room without waiting", testRoom},
		{"sends elsewhere while it is down", testDown},
		{"finishes what is in flight on close", testCloseDrains},
		{"answers everything when close runs out of time", testCloseDeadline},
		{"goes down when its context ends", testContextEnds},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { tt.test(t, start(t)) })
	}
}
