// Package local is the embedded destination of events: where no AWS endpoint is
// configured, every event destination gets its events here, as one JSON object a
// line in
//
//	<directory>/<account>/<configuration set>/<event destination>.jsonl
//
// where the name of another set of events, such as two-way:<phone number id>, may stand
// for the configuration set. A file that is full is renamed to <event destination>.<number>.jsonl, with
// ascending numbers, and the oldest of these are deleted. What Publish has
// answered for is on disk (fsync).
//
// Read gives the events back, each once, and can go on with those to come.
package local
