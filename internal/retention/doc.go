// Package retention has the store delete what is older than the operator wants to
// keep: messages that have ended with their events, receipts that nobody came for,
// spend of months long gone. It works while the service goes on, in short steps with
// pauses between them, and has the database give back the space where it can.
package retention
