// Package queue holds what is due and hands it to carriers.
//
// A shard is a carrier with the lanes that leave through it. A lane is one
// origination identity: it has its own order and its own throughput in message
// parts a second. What may leave is claimed in memory, marked in the store as in
// flight (one row a batch), handed over, and its outcomes are committed in
// batches; nothing here waits for one message.
//
// Order promised: the order of first submission, per lane and recipient. With a
// window above one, parts that a carrier throttled, parts sent again and
// messages moved to another identity reorder what follows.
//
// A part whose outcome was lost (the session broke after it was written, or the
// process was killed) is sent again or given up, by the policy of its message
// type; every part sent again is counted and logged.
package queue
