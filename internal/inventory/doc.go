// Package inventory says which phone numbers can be leased and leases them: the
// operator's own, and simulated ones that stand in for them on the simulator, so
// that everything can be followed without a carrier. Its functions work on a change
// of resources that is being made, and have no other effect.
//
// ranges.csv is derived from libphonenumber's metadata (Apache-2.0) by the program
// in gen.
package inventory

//go:generate go run ./gen
