package firehose

import (
	"context"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"heliograph/internal/api/service"
	"heliograph/internal/iam"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

// Limits of Amazon Data Firehose, and the buffering of a stream that says nothing.
const (
	maxStreams       = 5000
	maxBatch         = 500
	maxBatchBytes    = 4 << 20
	maxRecordBytes   = 1_024_000
	megabyte         = 1 << 20
	defaultMegabytes = 5
	defaultSeconds   = 300
	maxMegabytes     = 128
	maxSeconds       = 900

	compressionGzip = "GZIP"
	compressionNone = "UNCOMPRESSED"
	destinationID   = "destinationId-000000000001"
	directPut       = "DirectPut"
)

var (
	streamName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)
	bucketARN  = regexp.MustCompile(`^arn:[a-z-]+:s3:::[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	roleARN    = regexp.MustCompile(`^arn:[a-z-]+:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]+$`)
)

type bufferingHints struct {
	SizeInMBs         *int64
	IntervalInSeconds *int64
}

type s3Configuration struct {
	RoleARN           string
	BucketARN         string
	Prefix            string          `json:",omitempty"`
	BufferingHints    *bufferingHints `json:",omitempty"`
	CompressionFormat string          `json:",omitempty"`
}

type createInput struct {
	DeliveryStreamName                 string
	DeliveryStreamType                 string
	S3DestinationConfiguration         *s3Configuration
	ExtendedS3DestinationConfiguration *s3Configuration
}

type createOutput struct{ DeliveryStreamARN string }

func (s *Service) create(ctx context.Context, c *service.Caller, in *createInput) (*createOutput, error) {
	stream, err := newStream(in)
	if err != nil {
		return nil, err
	}
	if err := s.passRole(c, stream); err != nil {
		return nil, err
	}
	err = s.streams.o.Directory.Change(ctx, c.AccountID, func(tx *resources.Tx) error {
		if tx.DeliveryStreams.Get(stream.Name) != nil {
			return fault("ResourceInUseException", "There is a delivery stream named %s already.", stream.Name)
		}
		if tx.DeliveryStreams.Len() >= maxStreams {
			return fault("LimitExceededException", "The account has %d delivery streams, which is all that it may have.", maxStreams)
		}
		tx.DeliveryStreams.Put(stream.Name, stream)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &createOutput{s.streams.arn(c.AccountID, stream.Name)}, nil
}

// newStream reads what a new stream is to be.
func newStream(in *createInput) (sms.DeliveryStream, error) {
	d := in.ExtendedS3DestinationConfiguration
	if d == nil {
		d = in.S3DestinationConfiguration
	}
	switch {
	case !streamName.MatchString(in.DeliveryStreamName) || strings.Trim(in.DeliveryStreamName, ".") == "":
		return sms.DeliveryStream{}, invalid("DeliveryStreamName is %q: 1 to 64 letters, digits, points, hyphens and underscores are allowed, and not points alone.", in.DeliveryStreamName)
	case in.DeliveryStreamType != "" && in.DeliveryStreamType != directPut:
		return sms.DeliveryStream{}, invalid("DeliveryStreamType is %q: %s is what there is.", in.DeliveryStreamType, directPut)
	case in.ExtendedS3DestinationConfiguration != nil && in.S3DestinationConfiguration != nil:
		return sms.DeliveryStream{}, invalid("ExtendedS3DestinationConfiguration and S3DestinationConfiguration are given; a stream has one destination.")
	case d == nil:
		return sms.DeliveryStream{}, invalid("ExtendedS3DestinationConfiguration is needed; S3 is the destination that there is.")
	case !bucketARN.MatchString(d.BucketARN) || strings.Contains(d.BucketARN, ".."):
		return sms.DeliveryStream{}, invalid("BucketARN is %q, which is no ARN of a bucket such as arn:aws:s3:::events.", d.BucketARN)
	case !roleARN.MatchString(d.RoleARN):
		return sms.DeliveryStream{}, invalid("RoleARN is %q, which is no ARN of a role.", d.RoleARN)
	case d.CompressionFormat != "" && d.CompressionFormat != compressionGzip && d.CompressionFormat != compressionNone:
		return sms.DeliveryStream{}, invalid("CompressionFormat is %q; %s and %s are allowed.", d.CompressionFormat, compressionGzip, compressionNone)
	}
	if err := checkPrefix(d.Prefix, in.DeliveryStreamName); err != nil {
		return sms.DeliveryStream{}, err
	}
	stream := sms.DeliveryStream{Name: in.DeliveryStreamName, Prefix: d.Prefix, BucketARN: d.BucketARN, RoleARN: d.RoleARN, Compression: d.CompressionFormat}
	if stream.Compression == "" {
		stream.Compression = compressionGzip
	}
	size, seconds := int64(defaultMegabytes), int64(defaultSeconds)
	if h := d.BufferingHints; h != nil && h.SizeInMBs != nil {
		size = *h.SizeInMBs
	}
	if h := d.BufferingHints; h != nil && h.IntervalInSeconds != nil {
		seconds = *h.IntervalInSeconds
	}
	if size < 1 || size > maxMegabytes {
		return stream, invalid("BufferingHints.SizeInMBs is %d; 1 to %d are allowed.", size, maxMegabytes)
	}
	if seconds < 0 || seconds > maxSeconds {
		return stream, invalid("BufferingHints.IntervalInSeconds is %d; 0 to %d are allowed.", seconds, maxSeconds)
	}
	stream.BufferBytes, stream.BufferInterval = size*megabyte, time.Duration(seconds)*time.Second
	return stream, nil
}

// Limits of the keys that files are delivered under: of S3, and of a file system.
const (
	maxKeyBytes       = 1024
	maxComponentBytes = 255
)

// checkPrefix refuses a prefix that no file could ever be delivered under.
func checkPrefix(prefix, name string) error {
	key, err := objectKey(sms.DeliveryStream{Name: name, Prefix: prefix, Compression: compressionGzip},
		time.Time{}.Format(closedLayout)+"-"+uuid.Nil.String()+closedName)
	switch {
	case err != nil:
		return err
	case len(key) > maxKeyBytes:
		return invalid("Prefix has %d bytes; at most %d are allowed with this DeliveryStreamName, because a key has at most %d.", len(prefix), maxKeyBytes-(len(key)-len(prefix)), maxKeyBytes)
	case strings.Contains(prefix, "!{"):
		return invalid("Prefix has an expression, !{...}; plain text is allowed, and the UTC hour follows it.")
	case !utf8.ValidString(prefix) || strings.ContainsFunc(prefix, unicode.IsControl):
		return invalid("Prefix has a control character or is no UTF-8; what can be shown is allowed.")
	}
	for component := range strings.SplitSeq(key, "/") {
		switch {
		case component == "." || component == "..":
			return invalid("Prefix has the component %q; names are allowed between slashes.", component)
		case len(component) > maxComponentBytes:
			return invalid("Prefix has a component of %d bytes, with the year where no slash ends it; at most %d are allowed.", len(component), maxComponentBytes)
		}
	}
	return nil
}

// passRole decides about the role of a new stream: the caller has to be allowed to pass
// it, and it has to be one of the account that trusts Firehose. Whether it may write to the
// bucket is asked before each file, as the real service does, for policies are often
// attached after the stream is made.
func (s *Service) passRole(c *service.Caller, stream sms.DeliveryStream) error {
	if c.Permit != nil {
		if err := c.Permit("iam:PassRole", stream.RoleARN, map[string][]string{"iam:passedtoservice": {iam.FirehosePrincipal}}); err != nil {
			return err
		}
	}
	if err := s.streams.mayUseRole(c.AccountID, stream, ""); err != nil {
		return invalid("RoleARN cannot be used: %v.", err)
	}
	return nil
}
