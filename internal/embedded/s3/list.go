package s3

import (
	"encoding/base64"
	"encoding/xml"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"heliograph/internal/api/service"
)

const (
	maxKeys   = 1000
	namespace = "http://s3.amazonaws.com/doc/2006-03-01/"
)

// listResult is the answer of ListObjectsV2.
type listResult struct {
	XMLName               xml.Name       `xml:"ListBucketResult"`
	Namespace             string         `xml:"xmlns,attr"`
	Name                  string         `xml:"Name"`
	Prefix                string         `xml:"Prefix"`
	Delimiter             string         `xml:"Delimiter,omitempty"`
	StartAfter            string         `xml:"StartAfter,omitempty"`
	ContinuationToken     string         `xml:"ContinuationToken,omitempty"`
	NextContinuationToken string         `xml:"NextContinuationToken,omitempty"`
	KeyCount              int            `xml:"KeyCount"`
	MaxKeys               int            `xml:"MaxKeys"`
	EncodingType          string         `xml:"EncodingType,omitempty"`
	IsTruncated           bool           `xml:"IsTruncated"`
	Contents              []listedObject `xml:"Contents"`
	CommonPrefixes        []commonPrefix `xml:"CommonPrefixes"`
}

type listedObject struct {
	Key          string `xml:"Key"`
	LastModified string `xml:"LastModified"`
	ETag         string `xml:"ETag"`
	Size         int64  `xml:"Size"`
	StorageClass string `xml:"StorageClass"`
}

type commonPrefix struct {
	Prefix string `xml:"Prefix"`
}

// list answers ListObjectsV2.
func (s *Service) list(r *service.Request) (service.Answer, error) {
	q := r.Query
	most := maxKeys
	if text := q.Get("max-keys"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return service.Answer{}, fault(http.StatusBadRequest, "InvalidArgument", "max-keys is %q; 0 to %d are allowed.", text, maxKeys)
		}
		most = min(n, maxKeys)
	}
	after := q.Get("start-after")
	if token := q.Get("continuation-token"); token != "" {
		key, err := base64.URLEncoding.DecodeString(token)
		if err != nil {
			return service.Answer{}, fault(http.StatusBadRequest, "InvalidArgument", "continuation-token is not one that was answered.")
		}
		after = string(key)
	}
	encoding := q.Get("encoding-type")
	if encoding != "" && encoding != "url" {
		return service.Answer{}, fault(http.StatusBadRequest, "InvalidArgument", "encoding-type is %q; url is allowed.", encoding)
	}
	name := func(text string) string { return text }
	if encoding == "url" {
		name = func(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "%2F", "/") }
	}
	out := listResult{Namespace: namespace, Name: s.bucket, Prefix: name(q.Get("prefix")), Delimiter: name(q.Get("delimiter")),
		StartAfter: name(q.Get("start-after")), ContinuationToken: q.Get("continuation-token"), MaxKeys: most, EncodingType: encoding}
	last := ""
	for _, o := range s.objects(q.Get("prefix")) {
		folded, isFolder := fold(o.key, q.Get("prefix"), q.Get("delimiter"))
		if o.key <= after || isFolder && (folded <= after || folded == last) {
			continue
		}
		if out.KeyCount == most {
			out.IsTruncated = most > 0
			break
		}
		out.KeyCount++
		if last = o.key; isFolder {
			last = folded
			out.CommonPrefixes = append(out.CommonPrefixes, commonPrefix{name(folded)})
			continue
		}
		out.Contents = append(out.Contents, listedObject{Key: name(o.key), LastModified: o.report.Changed.UTC().Format("2006-01-02T15:04:05.000Z"),
			ETag: etag(o.report), Size: o.report.Bytes, StorageClass: "STANDARD"})
	}
	if out.IsTruncated {
		out.NextContinuationToken = base64.URLEncoding.EncodeToString([]byte(last))
	}
	return xmlAnswer(http.StatusOK, out)
}

// fold is the part of a key up to the delimiter after the prefix.
func fold(key, prefix, delimiter string) (folded string, ok bool) {
	if delimiter == "" {
		return "", false
	}
	at := strings.Index(key[len(prefix):], delimiter)
	if at < 0 {
		return "", false
	}
	return key[:len(prefix)+at+len(delimiter)], true
}

// Fault makes the answer of an error.
func (s *Service) Fault(err error, requestID string) service.Answer {
	e := *service.ExceptionOf(err)
	if e.Code == service.AccessDenied {
		e.Code, e.Status = "AccessDenied", http.StatusForbidden
	}
	type document struct {
		XMLName   xml.Name `xml:"Error"`
		Code      string
		Message   string
		RequestID string `xml:"RequestId"`
	}
	a, _ := xmlAnswer(e.Status, document{Code: e.Code, Message: e.Message, RequestID: requestID}) // it has only texts
	return a
}

func xmlAnswer(status int, document any) (service.Answer, error) {
	body, err := xml.Marshal(document)
	if err != nil {
		return service.Answer{}, err
	}
	return service.Answer{Status: status, Header: http.Header{"Content-Type": {"application/xml"}},
		Body: append([]byte(xml.Header), body...)}, nil
}
