package firehose

import (
	"context"
	"errors"
	"net/http"

	"github.com/google/uuid"

	"heliograph/internal/api/service"
)

type record struct{ Data []byte }

type putRecordInput struct {
	DeliveryStreamName string
	Record             record
}

type putRecordOutput struct {
	RecordId  string
	Encrypted bool
}

func (s *Service) putRecord(_ context.Context, c *service.Caller, in *putRecordInput) (*putRecordOutput, error) {
	if err := s.put(c, in.DeliveryStreamName, []record{in.Record}); err != nil {
		return nil, err
	}
	return &putRecordOutput{RecordId: uuid.NewString()}, nil
}

type putRecordBatchInput struct {
	DeliveryStreamName string
	Records            []record
}

type putRecordBatchOutput struct {
	FailedPutCount   int
	Encrypted        bool
	RequestResponses []recordAnswer
}

type recordAnswer struct{ RecordId string }

// putRecordBatch takes all records or none.
func (s *Service) putRecordBatch(_ context.Context, c *service.Caller, in *putRecordBatchInput) (*putRecordBatchOutput, error) {
	if len(in.Records) == 0 || len(in.Records) > maxBatch {
		return nil, invalid("Records has %d members; 1 to %d are allowed.", len(in.Records), maxBatch)
	}
	if err := s.put(c, in.DeliveryStreamName, in.Records); err != nil {
		return nil, err
	}
	out := &putRecordBatchOutput{}
	for range in.Records {
		out.RequestResponses = append(out.RequestResponses, recordAnswer{uuid.NewString()})
	}
	return out, nil
}

func (s *Service) put(c *service.Caller, name string, records []record) error {
	texts := make([][]byte, len(records))
	total := 0
	for i, r := range records {
		if len(r.Data) > maxRecordBytes {
			return invalid("The data of record %d has %d bytes; at most %d are allowed.", i, len(r.Data), maxRecordBytes)
		}
		if total += len(r.Data); total > maxBatchBytes {
			return invalid("The records have more than %d bytes together.", maxBatchBytes)
		}
		texts[i] = r.Data
	}
	err := s.streams.Put(c.AccountID, name, texts)
	if errors.Is(err, ErrNoStream) {
		return notFound(name)
	}
	if err != nil {
		return &service.Exception{Code: "ServiceUnavailableException", Status: http.StatusServiceUnavailable,
			Message: "The records cannot be kept at the moment. Try again.", Err: err}
	}
	return nil
}
