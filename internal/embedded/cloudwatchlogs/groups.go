package cloudwatchlogs

import (
	"cmp"
	"context"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"

	"heliograph/internal/api/service"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

const (
	// maxGroups is how many log groups an account may have.
	maxGroups = 1000
	// maxDescribed is how many log groups or streams an answer describes.
	maxDescribed = 50

	classStandard = "STANDARD"
)

type createLogGroupInput struct {
	Name               string            `json:"logGroupName"`
	KMSKeyID           string            `json:"kmsKeyId"`
	Tags               map[string]string `json:"tags"`
	Class              string            `json:"logGroupClass"`
	DeletionProtection bool              `json:"deletionProtectionEnabled"`
}

func (s *Service) createLogGroup(ctx context.Context, c *service.Caller, in *createLogGroupInput) (*nothing, error) {
	if err := checkGroupName("logGroupName", in.Name); err != nil {
		return nil, err
	}
	switch {
	case in.KMSKeyID != "":
		return nil, invalid("kmsKeyId", "lines of log groups are not encrypted with keys of KMS; leave it out")
	case in.Class != "" && in.Class != classStandard:
		return nil, invalid("logGroupClass", "%q is not offered; %s is", in.Class, classStandard)
	case in.DeletionProtection:
		return nil, invalid("deletionProtectionEnabled", "log groups are not protected against their deletion; leave it out")
	}
	if err := checkTags("tags", in.Tags); err != nil {
		return nil, err
	}
	return nil, s.directory.Change(ctx, c.AccountID, func(tx *resources.Tx) error {
		if tx.LogGroups.Get(in.Name) != nil {
			return refuse(alreadyExists, "The specified log group already exists")
		}
		if tx.LogGroups.Len() >= maxGroups {
			return refuse(limitExceeded, "An account may have %d log groups.", maxGroups)
		}
		tx.LogGroups.Put(in.Name, sms.LogGroup{Name: in.Name})
		if len(in.Tags) > 0 {
			tx.LogGroups.SetTags(in.Name, in.Tags)
		}
		return nil
	})
}

type nameInput struct {
	Name string `json:"logGroupName"`
}

func (s *Service) deleteLogGroup(ctx context.Context, c *service.Caller, in *nameInput) (*nothing, error) {
	return nil, s.change(ctx, c, in.Name, func(tx *resources.Tx, item *resources.Item[sms.LogGroup]) error {
		lines := list(c.AccountID, item)
		tx.LogGroups.Delete(in.Name)
		tx.Dropped.Put(strconv.FormatInt(lines, 10), resources.Dropped{List: lines, Log: true})
		return nil
	})
}

// change changes a log group that has to be there.
func (s *Service) change(ctx context.Context, c *service.Caller, name string, fn func(*resources.Tx, *resources.Item[sms.LogGroup]) error) error {
	if err := checkGroupName("logGroupName", name); err != nil {
		return err
	}
	return s.directory.Change(ctx, c.AccountID, func(tx *resources.Tx) error {
		item := tx.LogGroups.Get(name)
		if item == nil {
			return refuse(notFound, "The specified log group does not exist.")
		}
		return fn(tx, item)
	})
}

// retentionDays are those that lines may be kept for.
var retentionDays = []int{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}

type putRetentionPolicyInput struct {
	Name string `json:"logGroupName"`
	Days int    `json:"retentionInDays"`
}

func (s *Service) putRetentionPolicy(ctx context.Context, c *service.Caller, in *putRetentionPolicyInput) (*nothing, error) {
	if !slices.Contains(retentionDays, in.Days) {
		return nil, invalid("retentionInDays", "%d is not one of %v", in.Days, retentionDays)
	}
	return nil, s.retain(ctx, c, in.Name, in.Days)
}

func (s *Service) deleteRetentionPolicy(ctx context.Context, c *service.Caller, in *nameInput) (*nothing, error) {
	return nil, s.retain(ctx, c, in.Name, 0)
}

func (s *Service) retain(ctx context.Context, c *service.Caller, name string, days int) error {
	return s.change(ctx, c, name, func(tx *resources.Tx, item *resources.Item[sms.LogGroup]) error {
		value := item.Value
		value.RetentionDays = days
		tx.LogGroups.Put(name, value)
		return nil
	})
}

type describeLogGroupsInput struct {
	Accounts    []string `json:"accountIdentifiers"`
	Identifiers []string `json:"logGroupIdentifiers"`
	Prefix      string   `json:"logGroupNamePrefix"`
	Pattern     string   `json:"logGroupNamePattern"`
	Class       string   `json:"logGroupClass"`
	NextToken   string   `json:"nextToken"`
	Limit       *int     `json:"limit"`
}

type logGroup struct {
	Name          string `json:"logGroupName"`
	Created       int64  `json:"creationTime"`
	RetentionDays int    `json:"retentionInDays,omitempty"`
	MetricFilters int    `json:"metricFilterCount"` // there are none
	ARN           string `json:"arn"`
	GroupARN      string `json:"logGroupArn"`
	Class         string `json:"logGroupClass"`
}

type describeLogGroupsOutput struct {
	Groups    []logGroup `json:"logGroups"`
	NextToken string     `json:"nextToken,omitempty"`
}

func (s *Service) describeLogGroups(_ context.Context, c *service.Caller, in *describeLogGroupsInput) (*describeLogGroupsOutput, error) {
	if in.Prefix != "" && in.Pattern != "" {
		return nil, invalid("logGroupNamePattern", "a request has either this or logGroupNamePrefix")
	}
	limit, err := page(in.Limit, maxDescribed)
	if err != nil {
		return nil, err
	}
	after, err := base64.RawURLEncoding.DecodeString(in.NextToken)
	if err != nil {
		return nil, invalid("nextToken", "the token is not one of this operation's answers")
	}
	var identified []string
	for _, identifier := range in.Identifiers {
		name, err := s.identified("logGroupIdentifiers", c.AccountID, identifier)
		if err != nil {
			return nil, err
		}
		identified = append(identified, name)
	}
	wanted := func(name string) bool {
		return strings.HasPrefix(name, in.Prefix) && strings.Contains(name, in.Pattern) && name > string(after) &&
			(len(identified) == 0 || slices.Contains(identified, name)) &&
			(in.Class == "" || in.Class == classStandard) &&
			(len(in.Accounts) == 0 || slices.Contains(in.Accounts, c.AccountID))
	}
	out := &describeLogGroupsOutput{Groups: []logGroup{}}
	all := slices.SortedFunc(slices.Values(c.Account.LogGroups.All()), func(a, b *resources.Item[sms.LogGroup]) int { return cmp.Compare(a.ID, b.ID) })
	for _, item := range all {
		if !wanted(item.ID) {
			continue
		}
		if len(out.Groups) == limit {
			out.NextToken = base64.RawURLEncoding.EncodeToString([]byte(out.Groups[limit-1].Name))
			break
		}
		arn := s.groupARN(c.AccountID, item.ID)
		out.Groups = append(out.Groups, logGroup{Name: item.ID, Created: item.Created.UnixMilli(), RetentionDays: item.Value.RetentionDays,
			ARN: arn + ":*", GroupARN: arn, Class: classStandard})
	}
	return out, nil
}
