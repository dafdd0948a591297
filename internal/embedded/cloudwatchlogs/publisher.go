package cloudwatchlogs

import (
	"context"
	"fmt"
	"time"

	"heliograph/internal/destination"
	"heliograph/internal/resources"
	"heliograph/internal/store"
)

// spare is how long lines may wait for others to share their transaction.
const spare = 20 * time.Millisecond

// Publisher writes events as lines of a log group. One that is published again is there
// once.
type Publisher struct {
	directory      *resources.Directory
	committer      *store.Committer
	account, group string
}

// NewPublisher makes the publisher of an account's log group, which has to exist when
// it publishes.
func NewPublisher(directory *resources.Directory, committer *store.Committer, account, group string) *Publisher {
	return &Publisher{directory, committer, account, group}
}

// Publish is part of destination.Publisher.
func (p *Publisher) Publish(ctx context.Context, batch []destination.Item) error {
	snapshot := p.directory.Account(p.account)
	if snapshot == nil || snapshot.LogGroups.Get(p.group) == nil {
		return fmt.Errorf("log group %s: it does not exist", p.group)
	}
	group := list(p.account, snapshot.LogGroups.Get(p.group))
	lines := make([]store.LogEvent, len(batch))
	for i := range batch {
		lines[i] = store.LogEvent{Group: group, At: batch[i].At, Slot: batch[i].Slot, Seq: batch[i].Seq, Message: batch[i].JSON}
	}
	written := make(chan error, 1)
	p.committer.EnqueueWithin(spare, &store.Change{Logs: lines}, func(err error) { written <- err })
	select {
	case err := <-written:
		if err != nil {
			return fmt.Errorf("log group %s: %w", p.group, err)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("log group %s: %w", p.group, ctx.Err())
	}
}
