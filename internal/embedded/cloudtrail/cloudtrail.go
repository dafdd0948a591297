// Package cloudtrail is the embedded AWS CloudTrail: the records of an account's calls
// (guide chapter 15, "Amazon Pinpoint SMS information in CloudTrail") as clients of the
// real service look them up, for instance "aws cloudtrail lookup-events", and the trail
// that the operator has configured.
//
// Records come from every node. They are found within a few seconds of their call, for
// as long as the installation keeps them.
package cloudtrail

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"time"

	"heliograph/internal/api/service"
	"heliograph/internal/audit/trail"
	"heliograph/internal/store"
)

// Exceptions of the service (AWS CloudTrail API reference).
const (
	invalidAttributes = "InvalidLookupAttributesException"
	invalidMaxResults = "InvalidMaxResultsException"
	invalidNextToken  = "InvalidNextTokenException"
	invalidTimeRange  = "InvalidTimeRangeException"
	invalidCategory   = "InvalidEventCategoryException"
	trailNotFound     = "TrailNotFoundException"
)

// Name is the trail's.
const Name = "heliograph"

// Options are what a Service is made of. Trail is nil where records are not delivered.
type Options struct {
	Lists             store.Lists
	Trail             *trail.Trail
	Account           string // the first, which the trail is shown to
	Partition, Region string
}

// Service is the embedded CloudTrail. It is a service.Service.
type Service struct {
	*service.JSON
	o Options
}

// New makes the service.
func New(o Options) *Service {
	s := &Service{o: o}
	s.JSON = service.NewJSON("cloudtrail", "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101",
		service.Handle("LookupEvents", s.lookupEvents),
		service.Handle("DescribeTrails", s.describeTrails),
		service.Handle("GetTrailStatus", s.getTrailStatus),
	)
	return s
}

func refuse(code, format string, args ...any) error {
	return &service.Exception{Code: code, Status: http.StatusBadRequest, Message: fmt.Sprintf(format, args...)}
}

type describeTrailsInput struct {
	Names []string `json:"trailNameList"`
}

type describedTrail struct {
	Name          string
	S3BucketName  string
	S3KeyPrefix   string `json:",omitempty"`
	TrailARN      string
	HomeRegion    string
	GlobalEvents  bool `json:"IncludeGlobalServiceEvents"`
	MultiRegion   bool `json:"IsMultiRegionTrail"`
	Organization  bool `json:"IsOrganizationTrail"`
	Validation    bool `json:"LogFileValidationEnabled"`
	EventSelector bool `json:"HasCustomEventSelectors"`
}

type describeTrailsOutput struct {
	Trails []describedTrail `json:"trailList"`
}

func (s *Service) arn() string {
	return fmt.Sprintf("arn:%s:cloudtrail:%s:%s:trail/%s", s.o.Partition, s.o.Region, s.o.Account, Name)
}

// has reports whether an account is shown the trail: it has the records of all accounts,
// so that the first one's alone is.
func (s *Service) has(c *service.Caller) bool { return s.o.Trail != nil && c.AccountID == s.o.Account }

func (s *Service) describeTrails(_ context.Context, c *service.Caller, in *describeTrailsInput) (*describeTrailsOutput, error) {
	out := &describeTrailsOutput{Trails: []describedTrail{}}
	wanted := len(in.Names) == 0
	for _, name := range in.Names {
		wanted = wanted || name == Name || name == s.arn()
	}
	if wanted && s.has(c) {
		out.Trails = append(out.Trails, describedTrail{Name: Name, S3BucketName: s.o.Trail.Bucket(), S3KeyPrefix: s.o.Trail.Prefix(),
			TrailARN: s.arn(), HomeRegion: s.o.Region, GlobalEvents: true})
	}
	return out, nil
}

type getTrailStatusInput struct {
	Name string
}

type getTrailStatusOutput struct {
	IsLogging           bool
	StartLoggingTime    float64
	LatestDeliveryTime  float64 `json:",omitempty"`
	LatestDeliveryError string  `json:",omitempty"`
}

func (s *Service) getTrailStatus(_ context.Context, c *service.Caller, in *getTrailStatusInput) (*getTrailStatusOutput, error) {
	if !s.has(c) || in.Name != Name && in.Name != s.arn() {
		return nil, refuse(trailNotFound, "Unknown trail: %.200s for the user: %s", in.Name, c.AccountID)
	}
	status := s.o.Trail.Status()
	out := &getTrailStatusOutput{IsLogging: true, StartLoggingTime: seconds(status.Began), LatestDeliveryError: status.Error}
	if !status.Delivered.IsZero() {
		out.LatestDeliveryTime = seconds(status.Delivered)
	}
	return out, nil
}

// seconds is a time as the protocol has it: seconds since 1970.
func seconds(at time.Time) float64 { return float64(at.UnixMilli()) / 1000 }

// moment reads one; nil is none.
func moment(at *float64) (time.Time, bool) {
	switch {
	case at == nil:
		return time.Time{}, true
	case !(*at >= 0 && *at < 253402300800): // to the year 10000
		return time.Time{}, false
	}
	whole, part := math.Modf(*at)
	return time.Unix(int64(whole), int64(part*1e9)).UTC(), true
}
