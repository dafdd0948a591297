// Package s3 answers what the guide asks of Amazon S3 for deactivation reports (chapter
// 4, "Requesting deactivation reports"): GetObject, HeadObject and ListObjectsV2 of the
// bucket REGION-pinpoint-sms-voice, which only the service writes to. Buckets may be
// named in the path or in the host. Nobody is charged for requests; the header that
// accepts the charge is taken and not needed.
package s3

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"heliograph/internal/api/service"
	"heliograph/internal/deactivation"
)

// Service is the bucket. It is a service.Service.
type Service struct {
	bucket  string
	reports *deactivation.Reports
}

// New makes the bucket of a region.
func New(region string, reports *deactivation.Reports) *Service {
	return &Service{bucket: region + "-pinpoint-sms-voice", reports: reports}
}

// SigningName is that of Amazon S3.
func (s *Service) SigningName() string { return "s3" }

// place is what a request's address names.
type place struct{ bucket, key string }

// placeOf reads the bucket from the host, as bucket.HOST, or else from the path.
func (s *Service) placeOf(r *service.Request) place {
	path := strings.TrimPrefix(r.Path, "/")
	if strings.HasPrefix(r.Host, s.bucket+".") {
		return place{s.bucket, path}
	}
	bucket, key, _ := strings.Cut(path, "/")
	return place{bucket, key}
}

// Operation names what a request asks for.
func (s *Service) Operation(r *service.Request) (action string, resources []string) {
	p := s.placeOf(r)
	object := []string{"arn:aws:s3:::" + p.bucket + "/" + p.key}
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		return "", nil
	case p.bucket == "":
		return "", nil
	case p.key != "":
		return "s3:GetObject", object
	case r.Method == http.MethodHead || r.Query.Get("list-type") == "2":
		return "s3:ListBucket", []string{"arn:aws:s3:::" + p.bucket}
	}
	return "", nil
}

// Answer answers a request.
//
// Errors: NoSuchBucket, NoSuchKey, MethodNotAllowed for what changes the bucket,
// NotImplemented for what else S3 has, InvalidArgument.
func (s *Service) Answer(ctx context.Context, _ *service.Caller, r *service.Request) (service.Answer, error) {
	p := s.placeOf(r)
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		return service.Answer{}, fault(http.StatusMethodNotAllowed, "MethodNotAllowed", "Deactivation reports can be read and listed; the bucket takes nothing.")
	case p.bucket != s.bucket:
		return service.Answer{}, fault(http.StatusNotFound, "NoSuchBucket", "The only bucket here is %s.", s.bucket)
	case p.key != "":
		return s.object(ctx, r, p.key)
	case r.Method == http.MethodHead:
		return service.Answer{}, nil
	case r.Query.Get("list-type") == "2":
		return s.list(r)
	}
	return service.Answer{}, fault(http.StatusNotImplemented, "NotImplemented", "Of this bucket there are GetObject, HeadObject, HeadBucket and ListObjectsV2.")
}

// object answers a report.
func (s *Service) object(ctx context.Context, r *service.Request, key string) (service.Answer, error) {
	report, ok := s.find(key)
	if !ok {
		return service.Answer{}, fault(http.StatusNotFound, "NoSuchKey", "There is no report %s.", key)
	}
	header := http.Header{
		"Content-Type":  {"text/csv"},
		"Last-Modified": {report.Changed.UTC().Format(http.TimeFormat)},
		"Etag":          {etag(report)},
	}
	a := service.Answer{Header: header, Length: report.Bytes}
	if r.Method == http.MethodHead {
		return a, nil
	}
	a.Write = func(w io.Writer) error {
		left := report.Bytes
		for text, err := range s.reports.Text(ctx, report) {
			if err != nil {
				return err
			}
			// Numbers that came in since may stand between those that were there.
			text = text[:min(int64(len(text)), left)]
			if _, err := w.Write(text); err != nil {
				return err
			}
			left -= int64(len(text))
		}
		if left > 0 {
			return fmt.Errorf("%d bytes of %s are missing", left, key)
		}
		return nil
	}
	return a, nil
}

// etag differs whenever the text does.
func etag(r deactivation.Report) string {
	sum := sha256.Sum256([]byte(r.Country + r.Day + strconv.FormatInt(r.Numbers, 10) + r.Changed.Format(time.RFC3339Nano)))
	return `"` + hex.EncodeToString(sum[:16]) + `"`
}

func fault(status int, code, format string, args ...any) *service.Exception {
	return &service.Exception{Code: code, Status: status, Message: fmt.Sprintf(format, args...)}
}
