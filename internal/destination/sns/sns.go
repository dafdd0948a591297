// Package sns publishes events to an Amazon SNS topic (guide, "Amazon SNS event
// destinations").
package sns

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"heliograph/internal/destination"
)

// Limits of PublishBatch (Amazon SNS API reference), and how many requests are
// made at once.
const (
	maxEntries = 10
	maxBytes   = 256 << 10
	parallel   = 16
)

// Publisher publishes each event as a message of its own, whose text is the
// event's JSON. Standard topics keep no order and neither does a Publisher within
// a batch.
type Publisher struct {
	client *sns.Client
	topic  string // ARN
}

// New takes the ARN of a standard topic, as in
// arn:aws:sns:us-east-1:111122223333:NAME. The region is the ARN's; all else
// comes from the configuration.
func New(config aws.Config, topicARN string) (*Publisher, error) {
	a, err := arn.Parse(topicARN)
	if err != nil || a.Service != "sns" || a.Resource == "" || a.Region == "" {
		return nil, fmt.Errorf("%q is not the ARN of an SNS topic: arn:aws:sns:REGION:ACCOUNT:NAME is expected", topicARN)
	}
	config.Region = a.Region
	return &Publisher{client: sns.NewFromConfig(config), topic: topicARN}, nil
}

// Publish publishes the batch in requests of at most ten messages, several at
// once. After a request that failed altogether no other is begun.
func (p *Publisher) Publish(ctx context.Context, batch []destination.Item) error {
	var (
		requests sync.WaitGroup
		slots    = make(chan struct{}, parallel)
		mu       sync.Mutex
		partial  destination.Partial
		down     bool
	)
	for start, chunk := range destination.Chunks(batch, maxEntries, maxBytes, 0) {
		slots <- struct{}{}
		requests.Go(func() {
			defer func() { <-slots }()
			mu.Lock()
			skip := down
			mu.Unlock()
			var failed []int
			var err error
			if !skip {
				failed, err = destination.Resend(ctx, chunk, p.publish)
			}
			mu.Lock()
			defer mu.Unlock()
			if skip {
				failed = make([]int, len(chunk))
				for i := range failed {
					failed[i] = i
				}
			} else if err != nil {
				down = down || len(failed) == len(chunk)
				if partial.Err == nil {
					partial.Err = fmt.Errorf("SNS topic %s: %w", p.topic, err)
				}
			}
			for _, i := range failed {
				partial.Retry = append(partial.Retry, start+i)
			}
		})
	}
	requests.Wait()
	if partial.Err == nil {
		return nil
	}
	slices.Sort(partial.Retry)
	return &partial
}

func (p *Publisher) publish(ctx context.Context, items []destination.Item) (failed []int, err error) {
	entries := make([]types.PublishBatchRequestEntry, len(items))
	for i := range items {
		entries[i] = types.PublishBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), Message: aws.String(string(items[i].JSON))}
	}
	out, err := p.client.PublishBatch(ctx, &sns.PublishBatchInput{TopicArn: &p.topic, PublishBatchRequestEntries: entries})
	if err != nil {
		return nil, err
	}
	for _, answer := range out.Failed {
		i, parseErr := strconv.Atoi(aws.ToString(answer.Id))
		if parseErr != nil || i < 0 || i >= len(items) {
			return nil, fmt.Errorf("PublishBatch answered for an unknown entry %q", aws.ToString(answer.Id))
		}
		if err == nil {
			err = fmt.Errorf("%s: %s", aws.ToString(answer.Code), aws.ToString(answer.Message))
		}
		failed = append(failed, i)
	}
	slices.Sort(failed)
	return slices.Compact(failed), err
}
