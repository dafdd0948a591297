// Package trail delivers the audit log to an S3-compatible bucket, in the files that a
// trail of AWS CloudTrail delivers ("CloudTrail log file name format" in its user guide):
// {"Records": [...]}, compressed, one file an account for every few minutes.
//
// What a file is made of is decided and kept before it is put, so that one that may or
// may not have arrived is put again the same, under the same key, also by the process
// that follows.
package trail

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/prometheus/client_golang/prometheus"

	"heliograph/internal/audit"
)

// Options are what a Trail is made of. All are needed but Prefix and Metrics.
type Options struct {
	Log     *audit.Log
	AWS     aws.Config // with the endpoint and the credentials
	Bucket  string
	Prefix  string // of keys
	Region  string // of records
	Every   time.Duration
	Now     func() time.Time
	Metrics prometheus.Registerer
	Logger  *slog.Logger
}

// Trail delivers a log.
type Trail struct {
	o       Options
	client  *s3.Client
	objects *prometheus.CounterVec

	mu     sync.Mutex
	status Status
}

// Status is how deliveries go.
type Status struct {
	Began     time.Time // of this process
	Delivered time.Time // when a file was put last; zero: none was
	Attempted time.Time
	Error     string // of the last attempt; empty: it succeeded
}

// New makes a Trail.
func New(o Options) *Trail {
	t := &Trail{o: o, status: Status{Began: o.Now()},
		client: s3.NewFromConfig(o.AWS, func(s *s3.Options) { s.UsePathStyle = true }),
		objects: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "heliograph_audit_objects_total",
			Help: "Files of audit records that were put into the bucket, or failed to be."}, []string{"outcome"})}
	if o.Metrics != nil {
		o.Metrics.MustRegister(t.objects)
	}
	return t
}

// Target names the delivery in the log's files and metrics.
const Target = "s3"

// Bucket and Prefix are where it delivers to.
func (t *Trail) Bucket() string { return t.o.Bucket }
func (t *Trail) Prefix() string { return t.o.Prefix }

// Status tells how deliveries go.
func (t *Trail) Status() Status {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.status
}

// Run delivers until ctx ends. What is not delivered then, the next process delivers.
func (t *Trail) Run(ctx context.Context) {
	t.o.Log.Batches(ctx, Target, t.o.Every, t.deliver)
}

// putTime is how long putting one file may take.
const putTime = time.Minute

func (t *Trail) deliver(ctx context.Context, b audit.Batch) error {
	files, err := filesOf(b, t.o.Prefix, t.o.Region)
	if err != nil {
		return err
	}
	for _, f := range files {
		err := t.put(ctx, f)
		t.observe(err)
		if err != nil {
			return fmt.Errorf("put %s into bucket %s: %w", f.key, t.o.Bucket, err)
		}
	}
	return nil
}

func (t *Trail) put(ctx context.Context, f file) error {
	ctx, cancel := context.WithTimeout(ctx, putTime)
	defer cancel()
	_, err := t.client.PutObject(ctx, &s3.PutObjectInput{Bucket: &t.o.Bucket, Key: &f.key, Body: bytes.NewReader(f.content),
		ContentType: aws.String("application/json"), ContentEncoding: aws.String("gzip")})
	return err
}

func (t *Trail) observe(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.status.Attempted, t.status.Error = t.o.Now(), ""
	if err != nil {
		t.status.Error = err.Error()
		t.objects.WithLabelValues("failed").Inc()
		return
	}
	t.status.Delivered = t.status.Attempted
	t.objects.WithLabelValues("delivered").Inc()
}

// file is an object as it is put.
type file struct {
	key     string
	content []byte
}

// filesOf makes the files of a batch, the same ones whenever it is called: one for each
// account.
func filesOf(b audit.Batch, prefix, region string) ([]file, error) {
	of := map[string][]json.RawMessage{}
	unique := map[string]string{}
	for _, line := range b.Lines {
		var r audit.Record
		if err := json.Unmarshal(line.Record, &r); err != nil {
			return nil, fmt.Errorf("line %d of the audit log: %w", line.Sequence, err)
		}
		account := r.RecipientAccountID
		if of[account] = append(of[account], line.Record); unique[account] == "" {
			unique[account] = uniqueOf(line)
		}
	}
	var files []file
	for _, account := range slices.Sorted(maps.Keys(of)) {
		var content bytes.Buffer
		z := gzip.NewWriter(&content)
		fmt.Fprintf(z, `{"Records":[%s]}`, bytes.Join(texts(of[account]), []byte(",")))
		if err := z.Close(); err != nil {
			return nil, err
		}
		at := b.At.UTC()
		key := fmt.Sprintf("AWSLogs/%s/CloudTrail/%s/%s/%s_CloudTrail_%s_%s_%s.json.gz", account, region, at.Format("2006/01/02"),
			account, region, at.Format("20060102T1504Z"), unique[account])
		if prefix != "" {
			key = strings.TrimSuffix(prefix, "/") + "/" + key
		}
		files = append(files, file{key, content.Bytes()})
	}
	return files, nil
}

func texts(all []json.RawMessage) [][]byte {
	out := make([][]byte, len(all))
	for i := range all {
		out[i] = all[i]
	}
	return out
}

// uniqueOf tells files of one account and minute apart: it comes from their first
// record, whose event id no other has.
func uniqueOf(line audit.Line) string {
	h := sha256.Sum256(line.Record)
	return base32.StdEncoding.EncodeToString(h[:10]) // 16 letters and digits
}
