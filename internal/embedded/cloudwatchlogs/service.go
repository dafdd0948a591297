package cloudwatchlogs

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"heliograph/internal/api/service"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/throttle"
)

// Exceptions of the service (Amazon CloudWatch Logs API reference).
const (
	invalidParameter = "InvalidParameterException"
	notFound         = "ResourceNotFoundException"
	alreadyExists    = "ResourceAlreadyExistsException"
	limitExceeded    = "LimitExceededException"
	tooManyTags      = "TooManyTagsException"
	throttling       = "ThrottlingException"
)

// Service is the embedded CloudWatch Logs. It is a service.Service.
type Service struct {
	*service.JSON
	directory         *resources.Directory
	lists             store.Lists
	partition, region string
	rates             map[string]*throttle.Keyed // by action, of accounts
}

// readings are the requests a second that an account may make to the operations that
// read lines, at one node, and readingBurst how many of them at once. Each may search
// thousands of lines.
var readings = map[string]float64{"logs:FilterLogEvents": 10, "logs:GetLogEvents": 25, "logs:DescribeLogStreams": 25}

const (
	readingBurst    = 50
	readingAccounts = 10_000 // whose rates are remembered at least
)

// New makes the service of an installation whose ARNs are of a partition and region.
func New(directory *resources.Directory, lists store.Lists, partition, region string) *Service {
	s := &Service{directory: directory, lists: lists, partition: partition, region: region, rates: map[string]*throttle.Keyed{}}
	for action, perSecond := range readings {
		s.rates[action] = throttle.NewKeyed(perSecond, readingBurst, readingAccounts)
	}
	s.JSON = service.NewJSON("logs", "Logs_20140328",
		service.HandleOn("CreateLogGroup", s.createLogGroup, s.onNewGroup),
		service.Handle("DescribeLogGroups", s.describeLogGroups),
		service.HandleOn("DeleteLogGroup", s.deleteLogGroup, s.onGroup),
		service.HandleOn("PutRetentionPolicy", s.putRetentionPolicy, s.onGroup),
		service.HandleOn("DeleteRetentionPolicy", s.deleteRetentionPolicy, s.onGroup),
		service.HandleOn("TagResource", s.tagResource, s.onTags),
		service.HandleOn("UntagResource", s.untagResource, s.onTagKeys),
		service.HandleOn("ListTagsForResource", s.listTagsForResource, s.onTags),
		service.HandleOn("TagLogGroup", s.tagLogGroup, s.onNewGroup),
		service.HandleOn("UntagLogGroup", s.untagLogGroup, s.onGroupTagKeys),
		service.HandleOn("ListTagsLogGroup", s.listTagsLogGroup, s.onGroup),
		service.HandleOn("DescribeLogStreams", s.describeLogStreams, s.onGroup),
		service.HandleOn("GetLogEvents", s.getLogEvents, s.onStream),
		service.HandleOn("FilterLogEvents", s.filterLogEvents, s.onGroup),
	)
	return s
}

// Answer is part of service.Service.
func (s *Service) Answer(ctx context.Context, c *service.Caller, r *service.Request) (service.Answer, error) {
	action, _ := s.Operation(r)
	if rate := s.rates[action]; rate != nil {
		if _, ok := rate.Allow(c.AccountID, c.Now); !ok {
			return service.Answer{}, refuse(throttling, "Rate exceeded: the account may make %g requests a second to this operation.", readings[action])
		}
	}
	return s.JSON.Answer(ctx, c, r)
}

// nothing is the answer of operations that answer with no document.
type nothing struct{}

func refuse(code, format string, args ...any) error {
	return &service.Exception{Code: code, Status: http.StatusBadRequest, Message: fmt.Sprintf(format, args...)}
}

// invalid refuses a member of the request.
func invalid(member, format string, args ...any) error {
	return refuse(invalidParameter, "%s: %s", member, fmt.Sprintf(format, args...))
}

// groupARN is a log group's ARN, with :* for all of its streams at the end.
func (s *Service) groupARN(account, name string) string {
	return fmt.Sprintf("arn:%s:logs:%s:%s:log-group:%s", s.partition, s.region, account, name)
}

// maxName is the longest name of a log group or stream, in characters.
const maxName = 512

// checkGroupName refuses what is no name of a log group.
func checkGroupName(member, name string) error {
	if name == "" || len(name) > maxName {
		return invalid(member, "it has to have 1 to %d characters", maxName)
	}
	for _, c := range []byte(name) {
		if !strings.ContainsRune("._-/#", rune(c)) && !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9') {
			return invalid(member, "letters, digits, periods, underscores, hyphens, slashes and number signs are allowed")
		}
	}
	return nil
}

// identified is the name of the log group that an identifier stands for: a name, or an
// ARN with or without :* at its end.
func (s *Service) identified(member, account, identifier string) (string, error) {
	name := identifier
	if strings.HasPrefix(identifier, "arn:") {
		var own bool
		name, own = strings.CutPrefix(identifier, s.groupARN(account, ""))
		if !own {
			return "", invalid(member, "the ARN of a log group of the account begins with %q", s.groupARN(account, ""))
		}
		name = strings.TrimSuffix(name, ":*")
	}
	return name, checkGroupName(member, name)
}

// group is a log group that there is.
type group struct {
	item *resources.Item[sms.LogGroup]
	list int64
}

func (s *Service) group(account *resources.Snapshot, name string) (group, error) {
	item := account.LogGroups.Get(name)
	if item == nil {
		return group{}, refuse(notFound, "The specified log group does not exist.")
	}
	return group{item, list(account.Account.ID, item)}, nil
}

// list is where the lines of a log group are in the store.
func list(account string, item *resources.Item[sms.LogGroup]) int64 {
	return store.ListID(sms.LogGroupList(account, item.ID, item.Created)...)
}

// named finds the log group that a request names: by its name, or by an identifier.
func (s *Service) named(c *service.Caller, name, identifier string) (group, error) {
	switch {
	case name != "" && identifier != "":
		return group{}, invalid("logGroupIdentifier", "a request has either this or logGroupName")
	case identifier != "":
		var err error
		if name, err = s.identified("logGroupIdentifier", c.AccountID, identifier); err != nil {
			return group{}, err
		}
	default:
		if err := checkGroupName("logGroupName", name); err != nil {
			return group{}, err
		}
	}
	return s.group(c.Account, name)
}

// page is how many of something a request wants: limit, or most where it has none.
func page(limit *int, most int) (int, error) {
	if limit == nil {
		return most, nil
	}
	if *limit < 1 || *limit > most {
		return 0, invalid("limit", "%d is not between 1 and %d", *limit, most)
	}
	return *limit, nil
}

// moment reads a time in Unix milliseconds; nil is none.
func moment(member string, at *int64) (time.Time, error) {
	if at == nil {
		return time.Time{}, nil
	}
	// To the year 10000, as far as times are written.
	if *at < 0 || *at >= 253402300800000 {
		return time.Time{}, invalid(member, "%d is not a time in milliseconds after 1970", *at)
	}
	return time.UnixMilli(*at).UTC(), nil
}
