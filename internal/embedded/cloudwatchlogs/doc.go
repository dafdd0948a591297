// Package cloudwatchlogs is the embedded Amazon CloudWatch Logs: the log groups that
// event destinations write to (guide chapter 10, "Amazon CloudWatch event
// destinations"), as clients of the real service make and read them, for instance
// "aws logs tail GROUP --follow".
//
// Lines come from the service's own events alone; there is no PutLogEvents. A line's
// timestamp is its event's time, and stands for the time of its ingestion too, which is
// not kept. Each node slot writes to a log stream of its own a day (UTC) of the events'
// times: heliograph/2006-01-02/SLOT. A stream is there while it has lines.
//
// A line can be read three seconds after its event (Settle). Events of about the same
// time reach their group in any order, by several nodes even; a reader that goes on
// after the newest line that it has seen, as the clients of the real service do, would
// miss those that come after it with an earlier time. A line that takes longer, because
// the database was away for instance, is found by its time like any other, but not by a
// reader that has gone past that, as with the real service.
package cloudwatchlogs

import "time"

// Settle is how long after its event a line can be read.
const Settle = 3 * time.Second
