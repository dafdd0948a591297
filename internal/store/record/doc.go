// Package record is how the store's engines keep what has no columns of its
// own: messages, the progress of their parts, routes and event details.
//
// A record is a run of fields. Each begins with its key, an unsigned varint of
// the field's number times two, plus one where a length and that many bytes
// follow; otherwise a varint follows. A field that has its zero value is left
// out, and one whose number is not known is passed over, so that fields can be
// added and records of either age be read. Numbers are never used again.
//
// Times are kept to the millisecond and come back in UTC. An empty map or slice
// comes back as nil.
package record
