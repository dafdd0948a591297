package reconcile

import (
	"context"
	"fmt"
	"math"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// Store is what is read of a store's engine.
type Store interface {
	store.Auditor
	LastID(ctx context.Context, slot int) (sms.ID, error)
	Messages(ctx context.Context, ids []sms.ID) ([]*sms.Message, error)
	Dispatches(ctx context.Context, slot int, after int64, limit int) ([]store.Dispatch, error)
	EventsAfter(ctx context.Context, slot int, after int64, limit int) ([]store.Event, error)
}

// Walker reads a store step by step. It keeps nothing between them.
type Walker struct {
	Store     Store
	MessageID func(sms.ID) string // renders the MessageId of the API
	Now       func() time.Time
	// Retention is how long after their acceptance messages that have ended are
	// deleted; 0: they are kept.
	Retention time.Duration
}

const (
	// stepTime is about how long one step takes.
	stepTime = time.Second
	// pageMessages, pageEvents and pageRows are read at once.
	pageMessages = 4096
	pageEvents   = 200_000
	pageRows     = 500
	// stepBreaks ends a step early, so that its answer stays small.
	stepBreaks = 2000
	// settled is the age from which no message is written any more that was given
	// its ID then: a commit does not take that long.
	settled = time.Minute
	// monthMargin is how far the time in an ID may be from the time of acceptance.
	monthMargin = time.Hour
	// clockMargin is how far ahead the clock may have been that deleted messages.
	clockMargin = time.Hour
	// longestLife is how long after its acceptance something may happen to a
	// message: it waits for 72 hours at most, and for its receipts as long.
	longestLife = 2*sms.ReceiptWait + 24*time.Hour
)

// Do carries out a step. It changes nothing.
func (w *Walker) Do(ctx context.Context, s Step) (Answer, error) {
	pruned, err := w.pruned(ctx, s)
	if err != nil {
		return Answer{}, fmt.Errorf("reconcile %s: %w", s.Stage.name(), err)
	}
	a := Answer{Next: s, Page: Page{Pruned: pruned}}
	end := w.Now().Add(stepTime)
	for {
		more, err := w.step(ctx, &a)
		if err != nil {
			return Answer{}, fmt.Errorf("reconcile %s: %w", a.Next.Stage.name(), err)
		}
		if !more || len(a.Page.Breaks) >= stepBreaks || w.Now().After(end) {
			return a, nil
		}
	}
}

func (s Stage) name() Stage {
	if s == StagePlan {
		return "plan"
	}
	return s
}

// step reads one page of the stage that a.Next is in, and moves it on. more is
// false where the stage is over.
func (w *Walker) step(ctx context.Context, a *Answer) (more bool, err error) {
	switch s := &a.Next; s.Stage {
	case StagePlan:
		return false, w.plan(ctx, s)
	case StageMessages:
		return w.messages(ctx, a)
	case StageMarks:
		return w.marks(ctx, a)
	case StageLogs:
		return w.logs(ctx, a)
	case StageLag:
		return w.lag(ctx, a)
	case StageSpend:
		return false, w.spend(ctx, a)
	case StageRecount:
		return w.recount(ctx, a)
	default:
		return false, sms.Invalid(sms.ReasonInvalidParameter, "stage", "stage is %q, which there is not.", s.Stage)
	}
}

// pruned is the ID below which ended messages may have been deleted, 0 for none: what
// the store knows of, and what retention may do.
func (w *Walker) pruned(ctx context.Context, s Step) (sms.ID, error) {
	logs, err := w.Store.AuditLogs(ctx)
	if err != nil {
		return 0, err
	}
	var before sms.ID
	for _, l := range logs {
		if l.PrunedID > 0 {
			before = max(before, l.PrunedID+1)
		}
	}
	if !s.PrunedBefore.IsZero() {
		before = max(before, idAt(s.PrunedBefore))
	}
	if w.Retention > 0 {
		before = max(before, sms.FirstID(w.Now().Add(clockMargin-w.Retention)))
	}
	return before, nil
}

func (s *Step) enter(stage Stage) { s.Stage, s.Slot, s.Seq = stage, 0, 0 }

// plan finds the messages of the window.
func (w *Walker) plan(ctx context.Context, s *Step) error {
	now := w.Now()
	s.Young = sms.FirstID(now.Add(-settled))
	if !s.From.IsZero() {
		s.At = idAt(s.From)
	}
	if s.End = idAt(s.To); s.To.IsZero() {
		var err error
		if s.End, err = w.end(ctx, now); err != nil {
			return err
		}
	}
	s.At = max(s.At, 1)
	s.End = max(s.End, s.At)
	s.enter(StageMessages)
	return nil
}

// idAt is the smallest ID of a time, or the largest of all where there are no IDs for
// times so late.
func idAt(t time.Time) sms.ID {
	if t.After(lastTime) {
		return math.MaxInt64
	}
	return sms.FirstID(t)
}

var lastTime = sms.ID(math.MaxInt64).Time()

// end is behind every message that there is now.
func (w *Walker) end(ctx context.Context, now time.Time) (sms.ID, error) {
	logs, err := w.Store.AuditLogs(ctx)
	if err != nil {
		return 0, err
	}
	end := sms.FirstID(now.Add(time.Millisecond))
	for _, l := range logs {
		last, err := w.Store.LastID(ctx, l.Slot)
		if err != nil {
			return 0, err
		}
		end = max(end, last+1) // given to it while a clock was ahead
	}
	return end, nil
}

func (w *Walker) messages(ctx context.Context, a *Answer) (more bool, err error) {
	s, page := &a.Next, &a.Page
	var costs costs
	var id sms.ID
	judge := verdict{messages: &page.Messages, parts: &page.Parts, broken: func(kind Kind, why string) {
		page.Breaks = append(page.Breaks, Break{Kind: kind, Message: w.MessageID(id), Why: why})
	}}
	next, err := w.Store.AuditMessages(ctx, s.At, s.End, pageMessages, func(m *store.Audited) error {
		id = m.ID
		judge.judge(m, page.Pruned)
		if m.Message != nil && id < s.Young {
			costs.add(m.Message)
		}
		return nil
	})
	if err != nil {
		return false, err
	}
	page.Cost = costs.append(page.Cost, "")
	if s.At = next; next < s.End {
		return true, nil
	}
	s.enter(StageMarks)
	return false, nil
}

// marks counts the parts that are in flight. A mark goes when all its parts have
// outcomes, so some of them may have ended; but there must be such parts.
func (w *Walker) marks(ctx context.Context, a *Answer) (more bool, err error) {
	s, page := &a.Next, &a.Page
	rows, err := w.Store.Dispatches(ctx, s.Slot, s.Seq, pageRows)
	if err != nil {
		return false, err
	}
	var ids []sms.ID
	for i := range rows {
		for _, part := range rows[i].Parts {
			id, _ := part.Split()
			ids = append(ids, id)
		}
	}
	messages, err := w.Store.Messages(ctx, ids)
	if err != nil {
		return false, err
	}
	for i := range rows {
		s.Seq = rows[i].Seq
		for _, part := range rows[i].Parts {
			m := messages[0]
			messages = messages[1:]
			page.InFlight++
			id, n := part.Split()
			if m == nil && id >= page.Pruned || m != nil && n > m.Parts {
				page.Breaks = append(page.Breaks, Break{Kind: KindMark, Message: w.MessageID(id), Row: fmt.Sprintf("dispatch %d of slot %d", s.Seq, s.Slot),
					Why: fmt.Sprintf("part %d is marked as in flight, and there is no such part", n)})
			}
		}
	}
	if len(rows) == pageRows {
		return true, nil
	}
	return w.nextSlot(ctx, s, StageLogs)
}

// nextSlot goes on with the next slot that has a log, or else with a stage.
func (w *Walker) nextSlot(ctx context.Context, s *Step, then Stage) (more bool, err error) {
	logs, err := w.Store.AuditLogs(ctx)
	if err != nil {
		return false, err
	}
	for _, l := range logs {
		if l.Slot > s.Slot {
			s.Slot, s.Seq = l.Slot, 0
			return true, nil
		}
	}
	s.enter(then)
	return false, nil
}
