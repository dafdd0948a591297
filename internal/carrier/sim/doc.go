// Package sim is the simulator: a carrier inside the process that needs no
// network. The guide's simulator destinations (chapter 3) succeed or fail as
// their table says; any other recipient is delivered to. An operator can turn
// on faults while it runs.
//
// One goroutine answers parts in batches and gives out receipts from a heap by
// due time. What it owes in receipts is written to a journal before a part is
// accepted, so that a restart does not leave messages waiting for ever.
package sim
