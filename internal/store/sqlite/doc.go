// Package sqlite is the store's engine over one SQLite file, for a single node.
//
// One connection writes, under a mutex; a few more read, and one moves the
// write-ahead log into the database file in the background. Every transaction
// is durable when Apply returns (WAL, synchronous=FULL: fdatasync of the log,
// then the answer).
//
// Apply works in three steps: it reads the open rows that the batch speaks of,
// folds all changes over them in memory in order (package plan), and writes
// what came out with multi-row statements. A message that is accepted and taken
// in one batch so never touches the queue's table.
//
// Keys of rows that belong to a node slot are slot<<slotShift | seq, so that
// such a table is ordered by slot and seq and still keyed by its rowid. Entries of
// lists and log lines have no rowid: an entry's table is its key's index, so that one
// search finds it.
package sqlite
