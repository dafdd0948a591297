// Package firehose publishes events to an Amazon Data Firehose stream (guide,
// "Amazon Data Firehose event destinations").
package firehose

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/firehose/types"

	"heliograph/internal/destination"
)

// Limits of PutRecordBatch (Amazon Data Firehose API reference). The request may
// have 4 MiB; this much data fills it once it is in base64.
const (
	maxRecords = 500
	maxBytes   = 3 << 20
)

// Publisher puts each event into the stream as a record of its own that ends
// with a newline, so that what the stream collects is one object a line.
type Publisher struct {
	client *firehose.Client
	stream string // name
}

// New takes the ARN of a stream, as in
// arn:aws:firehose:us-east-1:111122223333:deliverystream/NAME. The region is the
// ARN's; all else comes from the configuration.
func New(config aws.Config, streamARN string) (*Publisher, error) {
	a, err := arn.Parse(streamARN)
	name, found := strings.CutPrefix(a.Resource, "deliverystream/")
	if err != nil || a.Service != "firehose" || !found || name == "" || a.Region == "" {
		return nil, fmt.Errorf("%q is not the ARN of a Firehose stream: arn:aws:firehose:REGION:ACCOUNT:deliverystream/NAME is expected", streamARN)
	}
	config.Region = a.Region
	return &Publisher{client: firehose.NewFromConfig(config), stream: name}, nil
}

// Publish puts the batch in order. Records that the stream did not take are put
// again after the others of their request.
func (p *Publisher) Publish(ctx context.Context, batch []destination.Item) error {
	for start, chunk := range destination.Chunks(batch, maxRecords, maxBytes, 1) {
		failed, err := destination.Resend(ctx, chunk, p.put)
		if err == nil {
			continue
		}
		partial := &destination.Partial{Err: fmt.Errorf("Firehose stream %s: %w", p.stream, err)}
		for _, i := range failed {
			partial.Retry = append(partial.Retry, start+i)
		}
		for i := start + len(chunk); i < len(batch); i++ {
			partial.Retry = append(partial.Retry, i)
		}
		return partial
	}
	return nil
}

func (p *Publisher) put(ctx context.Context, items []destination.Item) (failed []int, err error) {
	records := make([]types.Record, len(items))
	for i := range items {
		data := make([]byte, 0, len(items[i].JSON)+1)
		records[i].Data = append(append(data, items[i].JSON...), '\n')
	}
	out, err := p.client.PutRecordBatch(ctx, &firehose.PutRecordBatchInput{DeliveryStreamName: &p.stream, Records: records})
	if err != nil {
		return nil, err
	}
	if aws.ToInt32(out.FailedPutCount) == 0 {
		return nil, nil
	}
	if len(out.RequestResponses) != len(items) {
		return nil, fmt.Errorf("PutRecordBatch answered for %d records of %d", len(out.RequestResponses), len(items))
	}
	for i, answer := range out.RequestResponses {
		if code := aws.ToString(answer.ErrorCode); code != "" {
			if failed == nil {
				err = fmt.Errorf("%s: %s", code, aws.ToString(answer.ErrorMessage))
			}
			failed = append(failed, i)
		}
	}
	return failed, err
}
