// Package inbound takes messages from handsets to their effect: it puts their parts
// together, finds the phone number that each is for and the keyword that it begins
// with, opts the sender out or in, answers, and publishes to the number's two-way
// channel (guide chapter 6, "Two-way SMS messaging" and "Keywords").
//
// All of a message's effect is one change of the store: the entry of the opt-out list,
// the answer, the event that the channel gets, and the parts that are not needed any
// more. A carrier gets its acknowledgement after that, or after the part that came is
// durable; where neither comes about it is asked to send again. SMPP gives messages
// from handsets no id, so a message of one part that is sent again after a lost
// acknowledgement is another message; a part of several is known by its text.
//
// Parts wait in the list "inbound" of the store, which all nodes share, and each may
// come in at another one. A message is made by whoever finds all of its parts there,
// and the entry that it leaves in the list "inbound-done" can be made once only. That
// entry also tells late copies of parts from the parts of another message with the same
// reference: they wait as copies, of which a message is made only together with other
// parts. It lasts as long as a message waits for its parts: where they have not come
// by then, what is there is taken for the message. In memory there are only the parts
// that are being handled, of which there is a bound.
//
// Messages from one sender to one number are handled one after the other, in the order
// in which a carrier brings them to this node.
package inbound
