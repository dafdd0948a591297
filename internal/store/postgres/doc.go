// Package postgres is the store's engine over PostgreSQL (15 or newer), for one
// node or for several that share a database.
//
// Apply makes one transaction of a batch on a connection of its own. Its first
// statement locks the row of the node's slot for sharing and fails where the
// epoch there is another: who takes the slot over has to wait for the commit in
// progress, and ends its backend if that does not come to an end. Next come the
// open rows that the batch speaks of. A row that is about to leave its table is
// read by deleting it, one that may stay is locked. The changes are folded over
// these rows in memory (package plan), and what comes of them is written with one
// statement for each table, its rows in arrays (unnest). All statements of a step
// go out together: a batch that reads nothing takes one round trip, any other
// two. COPY is not used: a client that stalls in a COPY is not ended by any
// timeout.
//
// Only who deletes a message's open row writes its final event, in the same
// transaction; rows are locked in the same order by all nodes, first queued, then
// awaiting, by ID. So it does not matter which node a receipt comes in at.
//
// An entry of a list that must not be there yet is looked for, and then inserted by a
// statement that fails where another node was faster: the batch is made again, and
// finds it.
//
// Every commit replaces the row of last_commit by the next one and fails where
// the row that it knows is gone. When the connection is lost while a commit is
// under way, the engine waits until that transaction is over, looks whether its
// row is there, and replaces the row, so that the transaction cannot happen later
// either; where it has not happened, it is made again.
//
// What nodes share beside the messages (what is new in each other's logs, rates,
// recipients, what each may spend) is asked for in single statements or short
// transactions on connections of their own. The rows that this writes are one for each
// rate, recipient or account, and none for all.
//
// All nodes connect as one role, which a takeover needs to end another node's
// transactions. A node has up to 18 connections.
//
// Through a pooler (PgBouncer in transaction mode) everything works but LISTEN:
// sessions cannot be relied upon, so statements are not prepared, settings are
// made in each transaction, and Watch polls. The engine notices a pooler by the
// backend that answers, which is not the one that it was told when it connected.
package postgres
