package reconcile

import (
	"context"
	"fmt"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// logs looks for gaps in the logs and counts what the router has to hand out.
func (w *Walker) logs(ctx context.Context, a *Answer) (more bool, err error) {
	s, page := &a.Next, &a.Page
	all, err := w.Store.AuditLogs(ctx)
	if err != nil {
		return false, err
	}
	var log store.AuditedLog
	for _, l := range all {
		if l.Slot == s.Slot {
			log = l
		}
	}
	upto := log.Last
	if !s.To.IsZero() {
		if upto, err = w.seqAt(ctx, log, s.To); err != nil {
			return false, err
		}
	}
	if s.Seq == 0 {
		if log.Cursor > log.Last {
			page.Breaks = append(page.Breaks, Break{Kind: KindCursor, Row: fmt.Sprintf("router of slot %d", log.Slot),
				Why: fmt.Sprintf("it is at event %d, and the log ends at %d: what comes in between is never published", log.Cursor, log.Last)})
		}
		if !s.From.IsZero() {
			if s.Seq, err = w.seqAt(ctx, log, s.From); err != nil {
				return false, err
			}
		}
	}
	if s.Seq >= upto {
		return w.nextSlot(ctx, s, StageLag)
	}
	read, err := w.Store.AuditLog(ctx, s.Slot, s.Seq, upto, pageEvents)
	if err != nil {
		return false, err
	}
	found := Log{Slot: s.Slot, Written: read.Next - s.Seq, There: read.Events}
	found.Behind = max(min(read.Next, log.Cursor)-s.Seq, 0)
	found.Ahead = found.Written - found.Behind
	for _, g := range read.Gaps {
		if g.Last <= log.Pruned || prunedGap(g, page.Pruned) {
			found.Pruned += g.Last - g.First + 1
			continue
		}
		page.Breaks = append(page.Breaks, Break{Kind: KindGap, Row: fmt.Sprintf("events %d to %d of slot %d", g.First, g.Last, s.Slot),
			Why: "they were written and are not in the log"})
	}
	page.Logs = append(page.Logs, found)
	if s.Seq = read.Next; s.Seq < upto {
		return true, nil
	}
	return w.nextSlot(ctx, s, StageLag)
}

// prunedGap reports whether the events of a gap may have gone with messages that
// ended and are old.
func prunedGap(g store.SeqGap, pruned sms.ID) bool {
	return pruned > 0 && g.Before.Before(pruned.Time().Add(longestLife))
}

// seqAt is the Seq of about the last event before a time. Events of a log are in the
// order of their commits, which is nearly that of their times.
func (w *Walker) seqAt(ctx context.Context, log store.AuditedLog, at time.Time) (int64, error) {
	low, high := int64(0), log.Last // the Seq is in [low, high]
	for low < high {
		middle := low + (high-low+1)/2
		events, err := w.Store.EventsAfter(ctx, log.Slot, middle-1, 1)
		if err != nil {
			return 0, err
		}
		if len(events) == 0 || !events[0].At.Before(at) {
			high = middle - 1
		} else {
			low = max(middle, min(events[0].Seq, high))
		}
	}
	return low, nil
}

// lag counts what destinations have still to get, and what they never get.
func (w *Walker) lag(ctx context.Context, a *Answer) (more bool, err error) {
	s, page := &a.Next, &a.Page
	batches, err := w.Store.AuditLag(ctx, s.Lag, pageRows)
	if err != nil {
		return false, err
	}
	// The logs are read afterwards: they have every event that the lag had.
	logs, err := w.Store.AuditLogs(ctx)
	if err != nil {
		return false, err
	}
	last := map[int]int64{}
	for _, l := range logs {
		last[l.Slot] = l.Last
	}
	for i := range batches {
		b := &batches[i]
		s.Lag = b.LagKey
		page.wait(b.Destination, int64(len(b.Seqs)))
		problem := ""
		switch {
		case len(b.Seqs) == 0:
			problem = "it names no events"
		case b.Seqs[0] != b.First:
			problem = fmt.Sprintf("it begins with event %d", b.Seqs[0])
		case b.Seqs[len(b.Seqs)-1] > last[b.Slot]:
			problem = fmt.Sprintf("it names event %d, and the log ends at %d", b.Seqs[len(b.Seqs)-1], last[b.Slot])
		}
		for j := 1; j < len(b.Seqs) && problem == ""; j++ {
			if b.Seqs[j] <= b.Seqs[j-1] {
				problem = fmt.Sprintf("event %d follows event %d in it", b.Seqs[j], b.Seqs[j-1])
			}
		}
		if problem != "" {
			page.Breaks = append(page.Breaks, Break{Kind: KindLag, Row: fmt.Sprintf("lag of %s from event %d of slot %d", b.Destination, b.First, b.Slot), Why: problem})
		}
	}
	if len(batches) == pageRows {
		return true, nil
	}
	losses, err := w.Store.AuditLosses(ctx)
	if err != nil {
		return false, err
	}
	for _, l := range losses {
		found := Loss{Destination: l.Destination, Lost: l.Events}
		if l.Kind == store.EventsDropped {
			found.Lost, found.Dropped = 0, l.Events
		}
		page.Losses = append(page.Losses, found)
	}
	s.Lag = store.LagKey{}
	s.enter(StageSpend)
	return false, nil
}

func (p *Page) wait(destination string, events int64) {
	for i := range p.Waiting {
		if p.Waiting[i].Destination == destination {
			p.Waiting[i].Events += events
			return
		}
	}
	p.Waiting = append(p.Waiting, Wait{destination, events})
}
