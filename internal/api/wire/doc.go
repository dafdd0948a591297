// Package wire holds the types of the SMS and Voice v2 API, their awsJson1_0
// codec and their constraints. Nearly all of it is generated from the API
// model by the program in ./gen:
//
//	go run ./internal/api/wire/gen -model sms-voice-v2.model.json
//
// # Types
//
// Every structure has the name of its shape in the model and every member the
// name of its member. What Go type a member has follows from four rules:
//
//   - an optional scalar is a pointer, nil when absent;
//   - a required scalar is a plain value, and so is a boolean or number that
//     the model gives a default (DryRun of a send: absent is false). The one
//     exception: a required boolean or number of an input is a pointer too,
//     since its zero value is a value like any other;
//   - a structure is a pointer, nil when absent;
//   - lists, maps and blobs are nil when absent; an empty one that is not nil
//     was sent empty.
//
// Enums are strings, with a constant for each value. Timestamps are time.Time
// in UTC, epoch seconds with milliseconds on the wire. Blobs are base64.
//
// After Validate has returned nil no required member of an input is absent, so
// the pointers of required members may be followed.
//
// # Codec
//
// [Decode] reads a request or an answer. It refuses what is not well-formed
// UTF-8 JSON, a value of another JSON type than its member's, numbers that do
// not fit, bad base64 and nesting deeper than [MaxDepth]; it ignores members it
// does not know, takes null for absent and keeps the last of duplicate members.
// Of a list or map with a maximum it keeps at most one element beyond that
// maximum, so that Validate can refuse it and memory stays bounded.
//
// AppendWire writes the shape: no null, absent members left out, required lists
// and maps of answers always there.
//
// # Constraints
//
// Validate of an input holds it against the constraints of the model: required
// members, lengths (in Unicode characters, as Smithy counts), patterns (matched
// against the whole string; \s and \S are the Unicode white space), enums and
// ranges, in nested structures, list items, map keys and map values too.
package wire
