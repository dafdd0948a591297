// Package resources keeps every account's management resources in memory as an
// immutable snapshot, and changes them through the store. Readers, sending
// included, take a snapshot and never wait; a change is validated against the
// newest snapshot, written with the versions it was based on, and retried when
// another node was faster.
package resources
