// Package smpp holds sessions of SMPP 3.4 and 5.0 over TCP or TLS, for both sides:
// [Dial] binds to a message centre as an ESME, [Server] is the message centre's half.
//
// A [Session] runs five goroutines. One reads frames and never waits for anybody
// but the peer: answers to requests and inbound requests go into queues that two
// others serve. One writes: whoever sends appends to a buffer, and the writer hands
// everything gathered to the socket at once. One watches the clocks.
//
// A request that ends without an answer ends with a [*RequestError], which tells
// whether the peer can have seen it. That is what makes it safe to send again, or a
// possible duplicate.
package smpp
