// Package feedback keeps what customers say of whether their recipients got a message:
// of one that was accepted with message feedback RECEIVED or FAILED, and FAILED where
// nothing was said within an hour.
//
// A message that waits for feedback has an entry in a list (List), put there when it is
// accepted: its key is the message's ID, so that the list is in the order of acceptance.
// The entry goes when the feedback is written, as an event of the message's story that
// is never published.
package feedback

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// Wait is how long after its acceptance the feedback of a message can be put (model,
// PutMessageFeedback).
const Wait = time.Hour

// What is said of a message.
const (
	Received = "RECEIVED"
	Failed   = "FAILED"
)

// List names the list of messages that wait for feedback. At of an entry is when the
// message was accepted.
func List() []string { return []string{"feedback"} }

// Options are what a Flow is made of. All are needed.
type Options struct {
	Engine     store.Engine
	Lists      store.Lists
	Committer  *store.Committer
	Messages   *store.MessageCache
	MessageIDs *sms.MessageIDs
	// Mine reports whether this node is the one that ends the wait. It must not wait.
	Mine    func() bool
	Metrics *Metrics
	Log     *slog.Logger
	Now     func() time.Time
}

// Flow takes feedback, and ends the wait for it.
type Flow struct {
	o    Options
	list int64
}

// New makes a Flow. Run has it end the wait for feedback.
func New(o Options) *Flow { return &Flow{o: o, list: store.ListID(List()...)} }

// Put writes feedback of a message of the account and answers what stands. Within the
// hour it can be changed. After that what was put last stands, or FAILED: to say the
// same again is no mistake.
//
// Errors: ResourceNotFound of a message; Validation INVALID_REQUEST about MessageId for
// one that was sent without feedback, and about MessageFeedbackStatus after the hour.
func (f *Flow) Put(ctx context.Context, account, messageID, status string) (string, error) {
	m, err := f.message(ctx, account, messageID)
	if err != nil {
		return "", err
	}
	if !m.FeedbackEnabled {
		return "", sms.Invalid(sms.ReasonInvalidRequest, "MessageId", "The message was sent without message feedback; nothing can be put for it.")
	}
	stands, err := f.stands(ctx, m.ID)
	if err != nil {
		return "", err
	}
	now := f.o.Now()
	late := !now.Before(m.AcceptedAt.Add(Wait))
	if late {
		stands = cmp.Or(stands, Failed)
	}
	switch {
	case status == stands:
		return stands, nil
	case late:
		return "", sms.Invalid(sms.ReasonInvalidRequest, "MessageFeedbackStatus",
			"The message was accepted more than an hour ago; its feedback is %s and cannot be changed any more.", stands)
	}
	change := &store.Change{Append: []store.Event{event(m, status, now)}, Entries: []store.EntryWrite{f.ended(m.ID)}}
	if err := f.o.Committer.Commit(change); err != nil {
		return "", fmt.Errorf("write message feedback: %w", err)
	}
	f.o.Metrics.Feedback.WithLabelValues(status).Inc()
	return status, nil
}

func (f *Flow) message(ctx context.Context, account, messageID string) (*sms.Message, error) {
	id, err := f.o.MessageIDs.Parse(messageID)
	if errors.Is(err, sms.ErrMessageID) {
		return nil, sms.NotFound(sms.TypeMessage, messageID)
	}
	if err != nil {
		return nil, err
	}
	found, err := f.o.Messages.Fill(ctx, f.o.Engine, []sms.ID{id})
	if err != nil {
		return nil, fmt.Errorf("read a message: %w", err)
	}
	if m := found[0]; m != nil && m.Account == account {
		return m, nil
	}
	return nil, sms.NotFound(sms.TypeMessage, messageID)
}

// stands is the feedback that a message had last, empty for none.
func (f *Flow) stands(ctx context.Context, id sms.ID) (string, error) {
	events, err := f.o.Engine.MessageEvents(ctx, id)
	if err != nil {
		return "", fmt.Errorf("read a message's story: %w", err)
	}
	return Of(events), nil
}

// Of is the feedback that the events of a message tell last, empty for none. Events of
// several slots are told apart by their times.
func Of(events []store.Event) string {
	var newest *store.Event
	for i := range events {
		if e := &events[i]; e.Status == store.StatusFeedback && (newest == nil || !e.At.Before(newest.At)) {
			newest = e
		}
	}
	if newest == nil {
		return ""
	}
	return newest.Detail.Description
}

func event(m *sms.Message, status string, at time.Time) store.Event {
	return store.Event{Message: m.ID, Account: m.Account, Status: store.StatusFeedback, At: at, Detail: store.EventDetail{Description: status}}
}

// ended takes a message out of the list.
func (f *Flow) ended(id sms.ID) store.EntryWrite {
	return store.EntryWrite{Entry: store.Entry{EntryKey: store.EntryKey{List: f.list, Key: int64(id)}}, Delete: true}
}
