// Package audit keeps the record of who did what: one record a management call, a
// sign-in or an operator's operation, in the form of AWS CloudTrail (guide chapter 15,
// "Understanding Amazon Pinpoint SMS log file entries"; "CloudTrail record contents" in
// the CloudTrail user guide).
//
// Records are lines of append-only files of a node, each with the SHA-256 of the line
// before it, over all files: who changes, removes, adds or swaps lines breaks the chain
// behind them, which Verify finds. A file "head" names the last line that is known to
// be on disk, so that a log that was cut at its end is found too, and a file "anchor"
// the last line of those that were old and deleted.
//
// A record of a call that changes something is handed to the system before the call is
// answered, so that no end of the process loses it, and is on disk within a second, or
// before the answer where it is asked for. Records of others follow within a second.
//
// What is read from the files afterwards goes on elsewhere: into the store, where every
// node looks it up, and into a bucket (package trail). Where that stands is kept, so that
// nothing is left out by a restart.
package audit
