package destination

import (
	"context"
	"errors"
	"fmt"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// Item is an event that is ready to be published.
type Item struct {
	JSON []byte    // one object on one line, without line end, but for Content's; shared, not to be changed
	At   time.Time // the event's own time
	// Slot and Seq name the event: they are the same when it is published again.
	Slot int
	Seq  int64
	// Content is set where the event brings its own, which is in JSON too.
	Content *store.EventContent
}

// Publisher hands events to one event destination.
type Publisher interface {
	// Publish hands over a batch in its order, of any length above zero. It
	// returns soon after ctx ends. A nil error means that every item is safely
	// at the destination, a *Partial that all but the listed ones are or never
	// can be, and any other error that none is known to be.
	Publish(ctx context.Context, batch []Item) error
}

// Factory makes the Publisher of an event destination. Its error is one of
// configuration, for instance an ARN that names no topic; it is tried again like
// a failed publication.
type Factory func(account, configurationSet string, d sms.EventDestination) (Publisher, error)

// Partial is the error of a batch of which some items were not taken. Both lists
// are ascending indices into the batch and have no index in common.
type Partial struct {
	Retry   []int // to be published again
	Refused []int // that the destination will never take, for instance too old ones
	Err     error // why, for the first of them
}

func (p *Partial) Error() string {
	return fmt.Sprintf("%d events to publish again, %d refused for good: %v", len(p.Retry), len(p.Refused), p.Err)
}

func (p *Partial) Unwrap() error { return p.Err }

// outcome splits the indices 0 to n-1 of a batch by what Publish answered.
func outcome(err error, n int) (retry, refused []int) {
	if err == nil {
		return nil, nil
	}
	var partial *Partial
	if errors.As(err, &partial) {
		return partial.Retry, partial.Refused
	}
	retry = make([]int, n)
	for i := range retry {
		retry[i] = i
	}
	return retry, nil
}
