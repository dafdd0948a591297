// Package destination publishes events to the event destinations of
// configuration sets (guide, "Managing event destinations").
//
// A Router follows the event log of one node slot. It hands each event to every
// enabled destination that asked for its type, keeps the order of the log within
// each destination, and moves a cursor behind what was published. A destination
// that fails, or does not keep up, is detached: the sequence numbers that it has
// still to get are committed as lag together with the cursor, so that it neither
// holds the cursor nor delays another destination. It gets its lag with growing
// pauses between tries, and is attached again when nothing is left.
//
// Every event is published at least once. It can be published again after a
// crash, for what was published since the cursor's last commit, and where a
// destination took a batch whose answer was lost.
//
// What a destination never gets is counted in the store, each event once (store.Loss).
// After a crash this leaves out only what waited in memory for a destination that was
// deleted: no event is for that one any more.
//
// How events leave is the business of a Publisher: the packages sns, firehose,
// cloudwatchlogs and local are the ones there are, and package endpoint chooses
// between them.
package destination
