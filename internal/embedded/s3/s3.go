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

// object answers a report, or a range of it.
func (s *Service) object(ctx context.Context, r *service.Request, key string) (service.Answer, error) {
	report, ok := s.find(key)
	if !ok {
		return service.Answer{}, fault(http.StatusNotFound, "NoSuchKey", "There is no report %s.", key)
	}
	tag := etag(report)
	if match := r.Header.Get("If-Match"); match != "" && match != "*" && strings.Trim(match, `"`) != strings.Trim(tag, `"`) {
		return service.Answer{}, fault(http.StatusPreconditionFailed, "PreconditionFailed", "The report was changed: its ETag is %s.", tag)
	}
	header := http.Header{
		"Content-Type":  {"text/csv"},
		"Last-Modified": {report.Changed.UTC().Format(http.TimeFormat)},
		"Etag":          {tag},
		"Accept-Ranges": {"bytes"},
	}
	if match := r.Header.Get("If-None-Match"); match != "" && strings.Trim(match, `"`) == strings.Trim(tag, `"`) {
		return service.Answer{Status: http.StatusNotModified, Header: header}, nil
	}
	part := span{0, report.Bytes}
	a := service.Answer{Header: header}
	if asked := r.Header.Get("Range"); asked != "" {
		within, ok := readRange(asked, report.Bytes)
		if !ok {
			return service.Answer{}, fault(http.StatusRequestedRangeNotSatisfiable, "InvalidRange", "The report has %d bytes; the range %q is not among them.", report.Bytes, asked)
		}
		if within != part {
			part = within
			a.Status = http.StatusPartialContent
			header["Content-Range"] = []string{fmt.Sprintf("bytes %d-%d/%d", part.from, part.to-1, report.Bytes)}
		}
	}
	a.Length = part.to - part.from
	if r.Method != http.MethodHead {
		a.Write = func(w io.Writer) error { return s.write(ctx, w, report, part) }
	}
	return a, nil
}

// write writes a span of a report's text.
func (s *Service) write(ctx context.Context, w io.Writer, report deactivation.Report, part span) error {
	at := int64(0)
	for text, err := range s.reports.Text(ctx, report) {
		if err != nil {
			return err
		}
		n := int64(len(text))
		text = text[min(max(part.from-at, 0), n):min(max(part.to-at, 0), n)]
		at += n
		if len(text) > 0 {
			if _, err := w.Write(text); err != nil {
				return err
			}
		}
		if at >= part.to {
			return nil
		}
	}
	if at < part.to {
		return fmt.Errorf("the report ends at byte %d, before %d", at, part.to)
	}
	return nil
}

// etag differs whenever the text does.
func etag(r deactivation.Report) string {
	sum := sha256.Sum256([]byte(r.Country + r.Day + strconv.FormatInt(r.Numbers, 10) + r.Changed.Format(time.RFC3339Nano)))
	return `"` + hex.EncodeToString(sum[:16]) + `"`
}

func fault(status int, code, format string, args ...any) *service.Exception {
	return &service.Exception{Code: code, Status: status, Message: fmt.Sprintf(format, args...)}
}
