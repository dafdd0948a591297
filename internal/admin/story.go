package admin

import (
	"time"

	"heliograph/internal/encode"
	"heliograph/internal/event"
	"heliograph/internal/feedback"
	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// Story is everything that is known of a message: what was asked for, what was
// decided and why, where it stands, its parts and its events.
type Story struct {
	MessageID  string    `json:"message_id"`
	Account    string    `json:"account"`
	Status     string    `json:"status"`
	Final      bool      `json:"final"`
	AcceptedAt time.Time `json:"accepted_at"`
	ExpiresAt  time.Time `json:"expires_at"` // end of its time to live

	Destination       string            `json:"destination"`
	Country           string            `json:"country"`
	Type              string            `json:"type"`
	Body              string            `json:"body"`
	Encoding          string            `json:"encoding"`
	PartCount         int               `json:"part_count"`
	Keyword           string            `json:"keyword,omitempty"`
	ConfigurationSet  string            `json:"configuration_set,omitempty"`
	Context           map[string]string `json:"context,omitempty"`
	CountryParameters map[string]string `json:"country_parameters,omitempty"`
	MaxPrice          string            `json:"max_price_usd,omitempty"`
	Price             string            `json:"price_usd"`       // of all parts
	CarrierFee        string            `json:"carrier_fee_usd"` // of all parts
	FeedbackEnabled   bool              `json:"feedback_enabled,omitempty"`
	Feedback          string            `json:"feedback,omitempty"` // that was put last: RECEIVED or FAILED

	Route    sms.Route  `json:"route"`              // chosen at acceptance
	Rerouted *sms.Route `json:"rerouted,omitempty"` // where it leaves by now, if that differs
	Queue    *Waiting   `json:"queue,omitempty"`    // while nothing was handed over

	Parts  []StoryPart  `json:"parts"`
	Events []StoryEvent `json:"events"`
}

// Waiting is a message's place in the queue.
type Waiting struct {
	Carrier  string    `json:"carrier"`
	Lane     string    `json:"lane"`
	Due      time.Time `json:"due"` // not before
	Attempts int       `json:"attempts"`
}

// StoryPart is one message part: what it says and what became of it.
type StoryPart struct {
	Number int    `json:"number"`
	Text   string `json:"text,omitempty"`
	Units  int    `json:"units,omitempty"` // septets, or UTF-16 units
	sms.PartProgress
}

// StoryEvent is one thing that happened.
type StoryEvent struct {
	Type        string             `json:"type"` // TEXT_<status>, or what is never published, such as LATE_RECEIPT
	At          time.Time          `json:"at"`
	Final       bool               `json:"final"`
	Description string             `json:"description"`
	Route       *sms.Route         `json:"route,omitempty"`
	Attempts    int                `json:"attempts,omitempty"`
	Parts       []sms.PartProgress `json:"parts,omitempty"` // as they stood
}

// shown is what is shown of what may have been dropped since.
func shown(text string, redacted bool) string {
	if redacted {
		return "(redacted)"
	}
	return text
}

func (a *operations) story(messageID string, m *sms.Message, queued *store.Queued, awaiting *store.Awaiting, events []store.Event) Story {
	s := Story{
		MessageID: messageID, Account: m.Account, AcceptedAt: m.AcceptedAt, ExpiresAt: m.ExpiresAt,
		Destination: shown(m.Destination, m.NumberRedacted), Country: m.Country, Type: string(m.Type), Body: shown(m.Body, m.BodyRedacted), Encoding: m.Encoding, PartCount: m.Parts,
		Keyword: m.Keyword, ConfigurationSet: m.ConfigurationSet, Context: m.Context, CountryParameters: m.CountryParameters,
		MaxPrice: m.MaxPrice, Price: m.Price.String(), CarrierFee: m.CarrierFee.String(), FeedbackEnabled: m.FeedbackEnabled,
		Route: m.Route, Events: []StoryEvent{},
	}
	s.Status, s.Final = statusOf(events)
	s.Rerouted, s.Feedback = newestRoute(events), feedback.Of(events)
	progress := sms.NewProgress(m.Parts, nil).Parts
	for i := range events {
		e := &events[i]
		if !e.Aside() && len(e.Detail.Parts) == m.Parts {
			progress = e.Detail.Parts
		}
		s.Events = append(s.Events, storyEvent(e))
	}
	switch {
	case queued != nil:
		s.Queue = &Waiting{Carrier: queued.Shard, Lane: queued.Lane, Due: queued.Due, Attempts: queued.Attempts}
		if queued.Route != nil {
			s.Rerouted = queued.Route
		}
	case awaiting != nil:
		if len(awaiting.Progress.Parts) == m.Parts && !s.Final {
			progress = awaiting.Progress.Parts
		}
		if awaiting.Progress.Route != nil {
			s.Rerouted = awaiting.Progress.Route
		}
	}
	s.Parts = a.storyParts(m, progress)
	return s
}

func storyEvent(e *store.Event) StoryEvent {
	out := StoryEvent{Type: e.Status.EventType(), At: e.At, Final: e.Final, Description: e.Detail.Description,
		Route: e.Detail.Route, Attempts: e.Detail.Attempts, Parts: e.Detail.Parts}
	switch {
	case e.Aside():
		out.Type = string(e.Status)
	case out.Description == "":
		out.Description = event.Description(e.Status)
	}
	return out
}

// statusOf is the newest status that events tell.
func statusOf(events []store.Event) (status string, final bool) {
	for i := range events {
		e := &events[i]
		if e.Aside() {
			continue
		}
		status = string(e.Status)
		if e.Final {
			return status, true
		}
	}
	return status, false
}

// newestRoute is the last route that events tell of, nil for the message's own.
func newestRoute(events []store.Event) *sms.Route {
	for i := len(events) - 1; i >= 0; i-- {
		if r := events[i].Detail.Route; r != nil {
			return r
		}
	}
	return nil
}

// storyParts cuts the text as it was cut for its carrier. The texts are left out
// where the carrier is gone or cuts otherwise by now.
func (a *operations) storyParts(m *sms.Message, progress []sms.PartProgress) []StoryPart {
	var alphabet encode.Alphabet
	if c := a.carrier(m.Route.Carrier); c != nil {
		alphabet = c.Traits.Alphabet
	}
	cut, err := encode.SplitWith(m.Body, encode.Options{Reference16: m.Reference16, Alphabet: alphabet})
	known := err == nil && len(cut.Parts) == m.Parts && string(cut.Encoding) == m.Encoding
	parts := make([]StoryPart, len(progress))
	for i, p := range progress {
		parts[i] = StoryPart{Number: i + 1, PartProgress: p}
		if known {
			parts[i].Text, parts[i].Units = cut.Parts[i].Text, cut.Parts[i].Units
		}
	}
	return parts
}
