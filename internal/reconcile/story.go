package reconcile

import (
	"fmt"
	"strings"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// story looks at a message's events and answers a final one and how many there are.
//
// Only the events of one slot have an order: QUEUED, then PENDING where it was tried
// again and MOVED where it went to another shard, both of which may come more than
// once, then SUCCESSFUL, then the final one. What is of the story alone, such as a late
// receipt, is anywhere.
func (v *verdict) story(a *store.Audited) (final *store.AuditedEvent, finals int) {
	var seen [ranks]bool
	problem := ""
	slot, last := -1, 0
	for i := range a.Events {
		e := &a.Events[i]
		if e.Slot != slot {
			slot, last = e.Slot, 0
		}
		if e.Final {
			final, finals = e, finals+1
		}
		r := rank(e)
		switch {
		case r == rankAside:
			continue
		case r == rankNone:
			problem = fmt.Sprintf("event %d is %s and cannot be", e.Seq, name(e))
		case r < last:
			problem = fmt.Sprintf("event %d is %s and comes too late", e.Seq, name(e))
		case seen[r] && r != rankPending && r != rankFinal: // final events are counted
			problem = fmt.Sprintf("event %d is %s for the second time", e.Seq, name(e))
		}
		last, seen[r] = max(last, r), true
	}
	if problem == "" && !seen[rankQueued] {
		problem = "it has no QUEUED event"
	}
	if problem != "" && finals <= 1 {
		v.broken(KindEvents, problem+": "+story(a.Events))
	}
	return final, finals
}

// The order of the events of a message.
const (
	rankNone = iota
	rankQueued
	rankPending // and MOVED
	rankSuccessful
	rankFinal
	ranks
	rankAside = -1
)

func rank(e *store.AuditedEvent) int {
	switch s := e.Status; {
	case besides(s) && !e.Final:
		return rankAside
	case s == sms.StatusQueued && !e.Final:
		return rankQueued
	case (s == sms.StatusPending || s == store.StatusMoved) && !e.Final:
		return rankPending
	case s == sms.StatusSuccessful && !e.Final:
		return rankSuccessful
	case e.Final && known(s):
		return rankFinal
	}
	return rankNone
}

// besides are the statuses of events that say nothing of how a message stands, or are
// not of one at all.
func besides(s sms.Status) bool {
	switch s {
	case store.StatusLateReceipt, store.StatusTaken, store.StatusFeedback, store.StatusInbound, store.StatusPublication:
		return true
	}
	return false
}

// known are the statuses that a message can end with.
func known(s sms.Status) bool {
	switch s {
	case sms.StatusDelivered, sms.StatusSuccessful, sms.StatusInvalid, sms.StatusUnreachable, sms.StatusUnknown, sms.StatusBlocked,
		sms.StatusCarrierUnreachable, sms.StatusSpam, sms.StatusInvalidMessage, sms.StatusCarrierBlocked, sms.StatusTTLExpired,
		sms.StatusProtectBlocked:
		return true
	}
	return false
}

// story writes events as they follow, with a dot behind those that are final.
func story(events []store.AuditedEvent) string {
	if len(events) == 0 {
		return "no events"
	}
	var names []string
	for i := range events {
		names = append(names, name(&events[i]))
	}
	return strings.Join(names, " ")
}

func name(e *store.AuditedEvent) string {
	if e.Final {
		return string(e.Status) + "."
	}
	return string(e.Status)
}

func said(events []store.AuditedEvent, s sms.Status) bool {
	for i := range events {
		if events[i].Status == s {
			return true
		}
	}
	return false
}

// ownContent reports that all events bring their own content: the ID that they have, if
// any, is of no accepted message.
func ownContent(events []store.AuditedEvent) bool {
	for i := range events {
		if s := events[i].Status; s != store.StatusInbound && s != store.StatusPublication {
			return false
		}
	}
	return len(events) > 0
}

// aside reports that no event tells how a message stands.
func aside(events []store.AuditedEvent) bool {
	for i := range events {
		if rank(&events[i]) != rankAside && events[i].Status != store.StatusMoved {
			return false
		}
	}
	return true
}
