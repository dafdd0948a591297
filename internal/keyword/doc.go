// Package keyword has the rules of keywords: words and phrases with which a message to
// a phone number may begin, and what follows from them (guide chapter 6, "Keywords").
//
// Every phone number has some from the start, the required ones; others are put on it,
// or on the pool that it is in. A pool with all its numbers has one set, which is why a
// number that joins has to bring the same. What the service keeps (sms.Keywords) is what
// was put: required keywords are among them only where their message was changed. So
// toll-free numbers, of which fewer are required, and others can be in one pool as long
// as nothing is put there that a toll-free number may not have.
//
// The rules that speak of an identity take the types of its numbers: one for a phone
// number, those of its members for a pool. A pool without numbers is like one that is
// not toll-free.
//
// The package is pure: no state and no clock.
package keyword
