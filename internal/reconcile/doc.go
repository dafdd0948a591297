// Package reconcile holds what the store keeps against itself, so that everything
// that was accepted can be shown to be accounted for:
//
//   - accepted = delivered + failed + expired + unknown + successful without
//     receipts + still open. Every message has one final event or one open row.
//   - Parts on the wire = parts billed - never handed over - not handed over yet +
//     sent again.
//   - What the ledger says was spent is what the messages cost, for each account and
//     month.
//   - Every event that was written is in its slot's log, without a gap, in the order
//     in which a message can come to it; what is behind the router's cursor was
//     published or waits for its destination.
//
// Walk reads a store page by page, each at one moment, while the service goes on.
// What is judged is pure: one message after the other by itself, and in the end the
// sums of all pages.
package reconcile
