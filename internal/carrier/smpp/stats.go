package smpp

import "sync/atomic"

// Stats are counts since New, and how the sessions stand.
type Stats struct {
	Sessions     int    // bound
	InFlight     int    // parts without an answer
	Binds        uint64 // that succeeded
	BindFailures uint64 // connections included
	Lost         uint64 // sessions that were bound and ended
	Submitted    uint64 // submit_sm written
	Accepted     uint64
	Refused      uint64
	Throttled    uint64
	Unanswered   uint64 // that may have been sent
	Receipts     uint64
	Inbound      uint64 // message parts from handsets
	Unreadable   uint64 // deliver_sm and data_sm that said nothing
	NotKept      uint64 // receipts and inbound parts answered with a temporary error
}

// Add gives the sums of two carriers' counts.
func (s Stats) Add(o Stats) Stats {
	return Stats{
		Sessions: s.Sessions + o.Sessions, InFlight: s.InFlight + o.InFlight,
		Binds: s.Binds + o.Binds, BindFailures: s.BindFailures + o.BindFailures, Lost: s.Lost + o.Lost,
		Submitted: s.Submitted + o.Submitted, Accepted: s.Accepted + o.Accepted, Refused: s.Refused + o.Refused,
		Throttled: s.Throttled + o.Throttled, Unanswered: s.Unanswered + o.Unanswered, Receipts: s.Receipts + o.Receipts,
		Inbound: s.Inbound + o.Inbound, Unreadable: s.Unreadable + o.Unreadable, NotKept: s.NotKept + o.NotKept,
	}
}

type counters struct {
	binds, bindFailures, lost                              atomic.Uint64
	submitted, accepted, refused, throttled, unanswered    atomic.Uint64
	receipts, inbound, unreadable, notKept, waitingForSink atomic.Uint64
}

// Stats is a snapshot.
func (c *Carrier) Stats() Stats {
	n := &c.counts
	s := Stats{
		Binds: n.binds.Load(), BindFailures: n.bindFailures.Load(), Lost: n.lost.Load(),
		Submitted: n.submitted.Load(), Accepted: n.accepted.Load(), Refused: n.refused.Load(),
		Throttled: n.throttled.Load(), Unanswered: n.unanswered.Load(),
		Receipts: n.receipts.Load(), Inbound: n.inbound.Load(), Unreadable: n.unreadable.Load(), NotKept: n.notKept.Load(),
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, l := range c.links {
		s.InFlight += l.inFlight
		if l.session != nil {
			s.Sessions++
		}
	}
	return s
}
