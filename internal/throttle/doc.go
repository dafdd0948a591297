// Package throttle says when something may happen: Bucket for the message parts
// of a lane or of a carrier's bind, Limiter for API requests, Recipients for
// messages to one telephone.
//
// Bucket and Limiter are the generic cell rate algorithm (ITU-T I.371 annex A)
// in its virtual scheduling form. All that is remembered is the theoretical
// arrival time (TAT): when the next part would come if they came evenly at the
// rate. A part that comes at most the tolerance before it may pass and moves it
// on by one interval.
//
// Nothing here waits or reads a clock: the caller passes now and is told how
// long to wait. Times are compared by Go's monotonic clock where they carry it,
// so a step of the wall clock neither stalls a lane nor lets a burst through.
package throttle
