// Package event holds the rules of the events that tell what happens to a
// message: the JSON that destinations get (guide, "Example event data") and the
// matching of an event type against the types that a destination asked for
// (guide, "Event types").
//
// Everything here is a pure function of its arguments.
package event
