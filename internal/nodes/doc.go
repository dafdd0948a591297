// Package nodes keeps a node's place among those that share a database, and decides
// what each of them sees to.
//
// A node has a slot for as long as it renews its lease. What one node at a time sees
// to is a holding: the shards of carriers, the event logs of slots, the sweep. The rule
// by which they are spread is Decide, a pure function that all nodes apply to the same
// rows, so that there is nothing to agree on but who was first to claim.
//
// A database that one node has for itself is the same with Alone in place of the
// leases: that node gets everything.
package nodes
