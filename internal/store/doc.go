// Package store is the contract between the flows and the database: what can be
// written, in which transaction, and what can be read back. store/sqlite is an
// engine behind it; storetest is the one suite that every engine passes.
//
// Writes of the message path go through a Committer, which gathers what callers
// hand in and applies it in one transaction (group commit). A caller gets its
// answer only after that transaction is durable.
//
// An open message is in exactly one of two places: queued (nothing handed over
// yet) or awaiting (at least one part handed over). Deleting it there is its
// finality, and only who deletes it writes the final event.
//
// Events form one log per node slot, keyed (slot, seq): seq is dense and given
// in commit order by the slot's only writer, so a cursor never skips one.
//
// Beside messages there are lists, whose entries are found by a list's number and a
// key, and lines of log groups: Change.Entries and Change.Logs write them, Lists reads
// them. What is billed is one ledger, kept by account, month, channel, country and kind
// of route, for spend limits and the usage report alike.
package store
