package firehose

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"heliograph/internal/api/service"
)

// call sends a request to the service and gives the answer's body, or the code of its
// exception.
func (d *desk) call(operation, body string) string {
	d.t.Helper()
	s := NewService(d.streams)
	r := &service.Request{Method: http.MethodPost, Path: "/", Body: []byte(body), Header: http.Header{
		"Content-Type": {"application/x-amz-json-1.1"}, "X-Amz-Target": {"Firehose_20150804." + operation}}}
	a, err := s.Answer(d.t.Context(), &service.Caller{AccountID: customer, Account: d.directory.Account(customer)}, r)
	if err != nil {
		return service.ExceptionOf(err).Code
	}
	return string(a.Body)
}

func create(name, more string) string {
	return fmt.Sprintf(`{"DeliveryStreamName":%q,"DeliveryStreamType":"DirectPut","ExtendedS3DestinationConfiguration":{
		"RoleARN":"arn:aws:iam::111122223333:role/firehose","BucketARN":"arn:aws:s3:::bucket"%s}}`, name, more)
}

func TestOperations(t *testing.T) {
	d := newDesk(t)
	for i := range 12 {
		want := fmt.Sprintf(`{"DeliveryStreamARN":"arn:aws:firehose:us-east-1:111122223333:deliverystream/s%02d"}`, i)
		if got := d.call("CreateDeliveryStream", create(fmt.Sprintf("s%02d", i), "")); got != want {
			t.Fatalf("created: %s", got)
		}
	}
	for _, c := range []struct{ operation, in, says string }{
		{"CreateDeliveryStream", create("s00", ""), "ResourceInUseException"},
		{"CreateDeliveryStream", create("..", ""), "InvalidArgumentException"},
		{"CreateDeliveryStream", create("a b", ""), "InvalidArgumentException"},
		{"CreateDeliveryStream", create("x", `,"CompressionFormat":"Snappy"`), "InvalidArgumentException"},
		{"CreateDeliveryStream", create("x", `,"BufferingHints":{"SizeInMBs":0}`), "InvalidArgumentException"},
		{"CreateDeliveryStream", create("x", `,"BufferingHints":{"IntervalInSeconds":901}`), "InvalidArgumentException"},
		{"CreateDeliveryStream", strings.Replace(create("x", ""), "DirectPut", "KinesisStreamAsSource", 1), "InvalidArgumentException"},
		{"CreateDeliveryStream", strings.Replace(create("x", ""), "arn:aws:s3:::bucket", "bucket", 1), "InvalidArgumentException"},
		{"CreateDeliveryStream", create("x", `,"Prefix":"../../x"`), "InvalidArgumentException"},
		{"CreateDeliveryStream", create("x", `,"Prefix":"a/./b/"`), "InvalidArgumentException"},
		{"CreateDeliveryStream", create("x", `,"Prefix":"a\u0000b/"`), "InvalidArgumentException"},
		{"CreateDeliveryStream", create("x", `,"Prefix":"!{timestamp:yyyy}/"`), "InvalidArgumentException"},
		{"CreateDeliveryStream", create("x", `,"Prefix":"`+strings.Repeat("n", 256)+`/"`), "InvalidArgumentException"},
		{"CreateDeliveryStream", create("x", `,"Prefix":"`+strings.Repeat("n", 252)+`"`), "InvalidArgumentException"},
		{"CreateDeliveryStream", create("x", `,"Prefix":"`+strings.Repeat("n/", 500)+`"`), "InvalidArgumentException"},
		{"CreateDeliveryStream", create("deep", `,"Prefix":"`+strings.Repeat(strings.Repeat("n", 255)+"/", 3)+`..sms"`), "deliverystream/deep"},
		{"DeleteDeliveryStream", `{"DeliveryStreamName":"deep"}`, "{}"},
		{"CreateDeliveryStream", `{"DeliveryStreamName":"x"}`, "InvalidArgumentException"},
		{"CreateDeliveryStream", `{"DeliveryStreamName":1}`, "SerializationException"},
		{"DescribeDeliveryStream", `{"DeliveryStreamName":"nobody"}`, "ResourceNotFoundException"},
		{"DeleteDeliveryStream", `{"DeliveryStreamName":"nobody"}`, "ResourceNotFoundException"},
		{"PutRecord", `{"DeliveryStreamName":"nobody","Record":{"Data":"b25l"}}`, "ResourceNotFoundException"},
		{"PutRecordBatch", `{"DeliveryStreamName":"s00","Records":[]}`, "InvalidArgumentException"},
		{"ListDeliveryStreams", `{"Limit":0}`, "InvalidArgumentException"},
		{"ListDeliveryStreams", `{}`, `"s09"],"HasMoreDeliveryStreams":true}`},
		{"ListDeliveryStreams", `{"ExclusiveStartDeliveryStreamName":"s09"}`, `{"DeliveryStreamNames":["s10","s11"],"HasMoreDeliveryStreams":false}`},
		{"DescribeDeliveryStream", `{"DeliveryStreamName":"s00"}`, `"BufferingHints":{"SizeInMBs":5,"IntervalInSeconds":300},"CompressionFormat":"GZIP"`},
		{"StartDeliveryStreamEncryption", `{}`, "UnknownOperationException"},
	} {
		if got := d.call(c.operation, c.in); !strings.Contains(got, c.says) {
			t.Errorf("%s %s: %s, want %s", c.operation, c.in, got, c.says)
		}
	}
}

func TestRecords(t *testing.T) {
	d := newDesk(t)
	d.make(events)
	if got := d.call("PutRecord", `{"DeliveryStreamName":"events","Record":{"Data":"b25l"}}`); !strings.Contains(got, `"RecordId":"`) {
		t.Errorf("one record: %s", got)
	}
	if got := d.call("PutRecordBatch", `{"DeliveryStreamName":"events","Records":[{"Data":"dHdv"},{"Data":"dGhyZWUK"}]}`); strings.Count(got, `"RecordId":"`) != 2 || !strings.Contains(got, `"FailedPutCount":0`) {
		t.Errorf("two records: %s", got)
	}
	large := base64.StdEncoding.EncodeToString(make([]byte, maxRecordBytes+1))
	if got := d.call("PutRecord", `{"DeliveryStreamName":"events","Record":{"Data":"`+large+`"}}`); got != "InvalidArgumentException" {
		t.Errorf("a large record: %.80s", got)
	}
	if err := d.streams.Flush(t.Context(), customer, "events"); err != nil {
		t.Fatal(err)
	}
	if got := values(d.delivered()); len(got) != 1 || got[0] != "one\ntwo\nthree\n" {
		t.Errorf("delivered %q", got)
	}
}
