// Package crash ends the built server in every way that a machine can, and holds
// what is left against what its clients, its carriers and its event destinations
// have seen.
//
// An epoch is the life of one data directory: rounds of a server process each,
// under the load of signed clients and of two message centres whose answers and
// receipts come late, early, twice or never, and of handsets that write to two-way
// numbers, opt out and in again, in several parts and more than once. A round ends with SIGKILL, at a
// moment or at a named point of the store (build tag crash), or in order; the
// process is stopped and woken, its connections are cut, its disk is filled, its
// clock is set wrong. After each kill a copy of the store is read: every
// MessageId that a client was given is in it, and the parts that it marks as in
// flight are those, and no others, that the next process says it may send twice.
// When the epoch is over, all of it has to add up.
//
// With the build tag postgres the same is done to three nodes over one PostgreSQL,
// which a node is cut off from, or which crashes itself. A node that was stopped for
// longer than its lease is woken, and sends and writes nothing more.
//
// The schedule follows from a seed. A failure names the seed and the epoch; with
// -seed and -epoch the same schedule runs again, as far as a schedule of
// processes can be the same. Without -rounds the test is a short one.
//
// The tests have the build tag harness, which `make crash` and `make crash-postgres`
// set. Those in the files with the build tag strace watch and break system calls, and
// need the command strace; those with the build tag postgres need PostgreSQL.
package crash
