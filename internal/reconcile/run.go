package reconcile

import (
	"context"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// Stage is what is gone over, one after the other.
type Stage string

const (
	StagePlan     Stage = ""         // finds out where the window begins and ends
	StageMessages Stage = "messages" // each by itself
	StageMarks    Stage = "marks"    // of what is in flight
	StageLogs     Stage = "logs"     // of events
	StageLag      Stage = "lag"      // of destinations
	StageSpend    Stage = "spend"    // the ledger, and what the newest messages cost
	StageRecount  Stage = "recount"  // what a month's messages cost, once more
	StageDone     Stage = "done"
)

// Step is where a walk stands. Who asks for one gives Stage plan with From and To,
// or recount with Month, and then what the last answer says is next.
type Step struct {
	Stage Stage     `json:"stage"`
	From  time.Time `json:"from,omitzero"` // of the window; zero: from the first message
	To    time.Time `json:"to,omitzero"`   // zero: up to the last one at the beginning
	Month string    `json:"month,omitempty"`
	// PrunedBefore says that ended messages accepted before may have been deleted,
	// whatever the configuration says by now.
	PrunedBefore time.Time `json:"pruned_before,omitzero"`

	// What follows is the walk's own.
	At    sms.ID       `json:"at,omitempty"`    // the next message
	End   sms.ID       `json:"end,omitempty"`   // behind the last message
	Young sms.ID       `json:"young,omitempty"` // from here on messages may still be written; they are priced with the ledger
	Slot  int          `json:"slot,omitempty"`
	Seq   int64        `json:"seq,omitempty"` // the last one that was looked at
	Lag   store.LagKey `json:"lag,omitzero"`
}

// Answer is what a Step found, and the next one.
type Answer struct {
	Page Page `json:"page"`
	Next Step `json:"next"`
}

// Window is what is reconciled.
type Window struct {
	From, To     time.Time // of acceptance; zero is no bound
	PrunedBefore time.Time // see Step
	Now          time.Time
}

// Run walks through a window and adds up what do finds. broken is told of everything
// that breaks, as it is found. An error, its own or do's, says that the walk did not
// come to its end.
func Run(ctx context.Context, in Window, do func(context.Context, Step) (Answer, error), broken func(Break) error) (*Report, error) {
	r := NewReport(in.From, in.To, in.Now)
	walk := func(step Step) error {
		for step.Stage != StageDone {
			a, err := do(ctx, step)
			if err != nil {
				return err
			}
			r.Add(&a.Page)
			for _, b := range a.Page.Breaks {
				if err := broken(b); err != nil {
					return err
				}
			}
			step = a.Next
		}
		return nil
	}
	if err := walk(Step{Stage: StagePlan, From: in.From, To: in.To, PrunedBefore: in.PrunedBefore}); err != nil {
		return nil, err
	}
	for _, month := range r.doubts() {
		r.forget(month)
		if err := walk(Step{Stage: StageRecount, Month: month, PrunedBefore: in.PrunedBefore}); err != nil {
			return nil, err
		}
	}
	for _, b := range r.finish() {
		if err := broken(b); err != nil {
			return nil, err
		}
	}
	return r, nil
}
