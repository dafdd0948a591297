// Package smpp hands message parts to a message centre by SMPP 3.4, and brings
// its receipts and messages in. It stands between the contract of package
// carrier and the sessions of internal/smpp.
//
// A Carrier keeps a number of sessions bound and gives each part to the one with
// the most room in its window. A session that cannot be bound is tried again for
// ever, at growing intervals with jitter. What the contract calls unknown is
// exact: a part is Unknown only when octets of it may have left this machine.
//
// A part is one submit_sm. How it is written depends on the Profile; what an
// answer means stands in the table at defaultRules, what a receipt means in the
// one at stateStatuses.
package smpp
