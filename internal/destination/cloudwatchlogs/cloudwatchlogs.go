// Package cloudwatchlogs publishes events to a log group of Amazon CloudWatch
// Logs (guide, "Amazon CloudWatch event destinations").
package cloudwatchlogs

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"heliograph/internal/destination"
)

// Limits of PutLogEvents (Amazon CloudWatch Logs API reference).
const (
	maxEvents = 10_000
	maxBytes  = 1_048_576
	overhead  = 26 // bytes that each event counts in addition to its text
	maxSpan   = 24 * time.Hour
)

// Publisher puts events into a log stream of the group, a new one each day (UTC)
// for each node: heliograph/2006-01-02/SLOT. The group has to exist.
type Publisher struct {
	client *cloudwatchlogs.Client
	group  string // name
	slot   int
}

// New takes the ARN of a log group, as in
// arn:aws:logs:us-east-1:111122223333:log-group:NAME, with or without :* at its
// end. The region is the ARN's; all else comes from the configuration. slot is
// the node slot whose events are published.
func New(config aws.Config, logGroupARN string, slot int) (*Publisher, error) {
	a, err := arn.Parse(logGroupARN)
	name, found := strings.CutPrefix(a.Resource, "log-group:")
	name = strings.TrimSuffix(name, ":*")
	if err != nil || a.Service != "logs" || !found || name == "" || strings.Contains(name, ":") || a.Region == "" {
		return nil, fmt.Errorf("%q is not the ARN of a log group: arn:aws:logs:REGION:ACCOUNT:log-group:NAME is expected", logGroupARN)
	}
	config.Region = a.Region
	return &Publisher{client: cloudwatchlogs.NewFromConfig(config), group: name, slot: slot}, nil
}

// Publish puts the batch, sorted by the events' times as PutLogEvents wants it.
// Events that the group refuses as too old are lost to it.
func (p *Publisher) Publish(ctx context.Context, batch []destination.Item) error {
	order := make([]int, len(batch))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return batch[a].At.Compare(batch[b].At) })
	sorted := make([]destination.Item, len(batch))
	for i, n := range order {
		sorted[i] = batch[n]
	}
	var partial destination.Partial
	for start, run := range days(sorted) {
		for first, chunk := range destination.Chunks(run, maxEvents, maxBytes, overhead) {
			first += start
			retry, refused, err := p.put(ctx, chunk)
			for _, i := range refused {
				partial.Refused = append(partial.Refused, order[first+i])
			}
			for _, i := range retry {
				partial.Retry = append(partial.Retry, order[first+i])
			}
			if err != nil && partial.Err == nil {
				partial.Err = fmt.Errorf("log group %s: %w", p.group, err)
			}
			if len(retry) == len(chunk) { // it is down: the rest has to wait, too
				partial.Retry = append(partial.Retry, order[first+len(chunk):]...)
				return result(&partial)
			}
		}
	}
	return result(&partial)
}

func result(p *destination.Partial) error {
	if p.Err == nil {
		return nil
	}
	slices.Sort(p.Retry)
	slices.Sort(p.Refused)
	return p
}

// days cuts sorted items into runs that span less than a day. It yields the index
// of each run's first item.
func days(items []destination.Item) iter.Seq2[int, []destination.Item] {
	return func(yield func(int, []destination.Item) bool) {
		for start, end := 0, 0; start < len(items); start = end {
			for end < len(items) && items[end].At.Sub(items[start].At) < maxSpan {
				end++
			}
			if !yield(start, items[start:end]) {
				return
			}
		}
	}
}

// put makes one PutLogEvents request, and makes the log stream where it is not
// there. retry and refused are indices into items.
func (p *Publisher) put(ctx context.Context, items []destination.Item) (retry, refused []int, err error) {
	stream := "heliograph/" + time.Now().UTC().Format(time.DateOnly) + "/" + strconv.Itoa(p.slot)
	input := &cloudwatchlogs.PutLogEventsInput{LogGroupName: &p.group, LogStreamName: &stream, LogEvents: make([]types.InputLogEvent, len(items))}
	for i := range items {
		input.LogEvents[i] = types.InputLogEvent{Message: aws.String(string(items[i].JSON)), Timestamp: aws.Int64(items[i].At.UnixMilli())}
	}
	out, err := p.client.PutLogEvents(ctx, input)
	var missing *types.ResourceNotFoundException
	if errors.As(err, &missing) {
		if err = p.createStream(ctx, stream); err == nil {
			out, err = p.client.PutLogEvents(ctx, input)
		}
	}
	if err != nil {
		return indices(0, len(items)), nil, err
	}
	rejected := out.RejectedLogEventsInfo
	if rejected == nil {
		return nil, nil, nil
	}
	old := min(max(int(aws.ToInt32(rejected.TooOldLogEventEndIndex)), int(aws.ToInt32(rejected.ExpiredLogEventEndIndex)), 0), len(items))
	recent := len(items)
	if rejected.TooNewLogEventStartIndex != nil {
		recent = min(max(int(*rejected.TooNewLogEventStartIndex), old), len(items))
	}
	switch {
	case old > 0:
		err = fmt.Errorf("%d events are too old for it", old)
	case recent < len(items):
		err = fmt.Errorf("%d events are more than two hours ahead of its clock", len(items)-recent)
	}
	return indices(recent, len(items)), indices(0, old), err
}

// createStream makes a log stream; one that is there already is fine.
func (p *Publisher) createStream(ctx context.Context, stream string) error {
	_, err := p.client.CreateLogStream(ctx, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: &p.group, LogStreamName: &stream})
	var exists *types.ResourceAlreadyExistsException
	if errors.As(err, &exists) {
		return nil
	}
	return err
}

func indices(from, to int) []int {
	var all []int
	for i := from; i < to; i++ {
		all = append(all, i)
	}
	return all
}
