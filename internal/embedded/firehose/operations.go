package firehose

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"heliograph/internal/api/service"
	"heliograph/internal/resources"
)

// Service answers Amazon Data Firehose's CreateDeliveryStream, DescribeDeliveryStream,
// ListDeliveryStreams, DeleteDeliveryStream, PutRecord and PutRecordBatch. It is a
// service.Service.
type Service struct {
	*service.JSON
	streams *Streams
}

// NewService makes the Service.
func NewService(streams *Streams) *Service {
	s := &Service{streams: streams}
	s.JSON = service.NewJSON("firehose", "Firehose_20150804",
		service.HandleOn("CreateDeliveryStream", s.create, s.acts),
		service.HandleOn("DescribeDeliveryStream", s.describe, s.acts),
		service.Handle("ListDeliveryStreams", s.list),
		service.HandleOn("DeleteDeliveryStream", s.delete, s.acts),
		service.HandleOn("PutRecord", s.putRecord, s.acts),
		service.HandleOn("PutRecordBatch", s.putRecordBatch, s.acts),
	)
	return s
}

// acts: all operations but the one that lists are on one stream.
func (s *Service) acts(c *service.Caller, in *describeInput) service.Act {
	act := service.Act{Resources: []string{s.streams.arn(c.AccountID, in.DeliveryStreamName)}}
	if item := c.Account.DeliveryStreams.Get(in.DeliveryStreamName); item != nil {
		act.ResourceTags = item.Tags
	}
	return act
}

// MaxBody is the largest request: 4 MiB of records in base 64, and what is around them.
func (s *Service) MaxBody() int { return 6 << 20 }

type describeInput struct{ DeliveryStreamName string }

type describeOutput struct {
	DeliveryStreamDescription description
}

type description struct {
	DeliveryStreamName   string
	DeliveryStreamARN    string
	DeliveryStreamStatus string
	DeliveryStreamType   string
	VersionId            string
	CreateTimestamp      float64 // seconds
	Destinations         []destinationDescription
	HasMoreDestinations  bool
}

type destinationDescription struct {
	DestinationId                    string
	S3DestinationDescription         s3Configuration
	ExtendedS3DestinationDescription s3Configuration
}

func (s *Service) describe(_ context.Context, c *service.Caller, in *describeInput) (*describeOutput, error) {
	item := c.Account.DeliveryStreams.Get(in.DeliveryStreamName)
	if item == nil {
		return nil, notFound(in.DeliveryStreamName)
	}
	v := item.Value
	size, seconds := v.BufferBytes/megabyte, int64(v.BufferInterval/time.Second)
	d := s3Configuration{RoleARN: v.RoleARN, BucketARN: v.BucketARN, Prefix: v.Prefix, CompressionFormat: v.Compression,
		BufferingHints: &bufferingHints{SizeInMBs: &size, IntervalInSeconds: &seconds}}
	return &describeOutput{description{
		DeliveryStreamName: v.Name, DeliveryStreamARN: s.streams.arn(c.AccountID, v.Name), DeliveryStreamStatus: "ACTIVE", DeliveryStreamType: directPut,
		VersionId: "1", CreateTimestamp: float64(item.Created.UnixMilli()) / 1000,
		Destinations: []destinationDescription{{DestinationId: destinationID, S3DestinationDescription: d, ExtendedS3DestinationDescription: d}},
	}}, nil
}

type listInput struct {
	Limit                            *int
	DeliveryStreamType               string
	ExclusiveStartDeliveryStreamName string
}

type listOutput struct {
	DeliveryStreamNames    []string
	HasMoreDeliveryStreams bool
}

func (s *Service) list(_ context.Context, c *service.Caller, in *listInput) (*listOutput, error) {
	limit := 10
	if in.Limit != nil {
		limit = *in.Limit
	}
	if limit < 1 || limit > 10_000 {
		return nil, invalid("Limit is %d; 1 to 10000 are allowed.", limit)
	}
	out := &listOutput{DeliveryStreamNames: []string{}}
	if in.DeliveryStreamType != "" && in.DeliveryStreamType != directPut {
		return out, nil
	}
	for _, item := range c.Account.DeliveryStreams.All() {
		if item.ID > in.ExclusiveStartDeliveryStreamName {
			out.DeliveryStreamNames = append(out.DeliveryStreamNames, item.ID)
		}
	}
	slices.Sort(out.DeliveryStreamNames)
	if len(out.DeliveryStreamNames) > limit {
		out.DeliveryStreamNames, out.HasMoreDeliveryStreams = out.DeliveryStreamNames[:limit], true
	}
	return out, nil
}

type deleteOutput struct{}

// flushTime is how long a deletion waits for what the stream has gathered here.
const flushTime = 10 * time.Second

// delete takes no more records, and has what the stream has gathered on this node
// delivered. What cannot be delivered at once, and what other nodes have, is delivered
// afterwards.
func (s *Service) delete(ctx context.Context, c *service.Caller, in *describeInput) (*deleteOutput, error) {
	err := s.streams.o.Directory.Change(ctx, c.AccountID, func(tx *resources.Tx) error {
		if tx.DeliveryStreams.Get(in.DeliveryStreamName) == nil {
			return notFound(in.DeliveryStreamName)
		}
		tx.DeliveryStreams.Delete(in.DeliveryStreamName)
		return nil
	})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, flushTime)
	defer cancel()
	if err := s.streams.Flush(ctx, c.AccountID, in.DeliveryStreamName); err != nil {
		s.streams.o.Log.Warn("a delivery stream is deleted and its files are not delivered yet; trying again", "account", c.AccountID,
			"stream", in.DeliveryStreamName, "at_most", keepDeleted, "error", err)
	}
	return &deleteOutput{}, nil
}

func fault(code, format string, args ...any) *service.Exception {
	return &service.Exception{Code: code, Status: http.StatusBadRequest, Message: fmt.Sprintf(format, args...)}
}

func invalid(format string, args ...any) *service.Exception {
	return fault("InvalidArgumentException", format, args...)
}

func notFound(name string) *service.Exception {
	return fault("ResourceNotFoundException", "There is no delivery stream named %q in this account.", name)
}
