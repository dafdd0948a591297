package cloudwatchlogs

import (
	"context"
	"maps"
	"strings"
	"unicode/utf8"

	"heliograph/internal/api/service"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

// maxTags is how many tags a log group may have.
const maxTags = 50

// checkTags refuses tags that break the service's rules.
func checkTags(member string, tags map[string]string) error {
	if len(tags) > maxTags {
		return invalid(member, "a log group may have %d tags", maxTags)
	}
	for key, value := range tags {
		switch n := utf8.RuneCountInString(key); {
		case n < 1 || n > 128:
			return invalid(member, "a key has to have 1 to 128 characters")
		case strings.HasPrefix(strings.ToLower(key), "aws:"):
			return invalid(member, "keys that begin with aws: are reserved")
		case utf8.RuneCountInString(value) > 256:
			return invalid(member, "a value may have at most 256 characters")
		}
	}
	return nil
}

type tagResourceInput struct {
	ARN  string            `json:"resourceArn"`
	Tags map[string]string `json:"tags"`
}

func (s *Service) tagResource(ctx context.Context, c *service.Caller, in *tagResourceInput) (*nothing, error) {
	name, err := s.identified("resourceArn", c.AccountID, in.ARN)
	if err != nil {
		return nil, err
	}
	return nil, s.tag(ctx, c, name, in.Tags)
}

type tagLogGroupInput struct {
	Name string            `json:"logGroupName"`
	Tags map[string]string `json:"tags"`
}

func (s *Service) tagLogGroup(ctx context.Context, c *service.Caller, in *tagLogGroupInput) (*nothing, error) {
	return nil, s.tag(ctx, c, in.Name, in.Tags)
}

func (s *Service) tag(ctx context.Context, c *service.Caller, name string, tags map[string]string) error {
	if len(tags) == 0 {
		return invalid("tags", "there has to be one at least")
	}
	if err := checkTags("tags", tags); err != nil {
		return err
	}
	return s.change(ctx, c, name, func(tx *resources.Tx, item *resources.Item[sms.LogGroup]) error {
		all := map[string]string{}
		maps.Copy(all, item.Tags)
		maps.Copy(all, tags)
		if len(all) > maxTags {
			return refuse(tooManyTags, "A log group may have %d tags.", maxTags)
		}
		tx.LogGroups.SetTags(name, all)
		return nil
	})
}

type untagResourceInput struct {
	ARN  string   `json:"resourceArn"`
	Keys []string `json:"tagKeys"`
}

func (s *Service) untagResource(ctx context.Context, c *service.Caller, in *untagResourceInput) (*nothing, error) {
	name, err := s.identified("resourceArn", c.AccountID, in.ARN)
	if err != nil {
		return nil, err
	}
	return nil, s.untag(ctx, c, name, in.Keys)
}

type untagLogGroupInput struct {
	Name string   `json:"logGroupName"`
	Keys []string `json:"tags"`
}

func (s *Service) untagLogGroup(ctx context.Context, c *service.Caller, in *untagLogGroupInput) (*nothing, error) {
	return nil, s.untag(ctx, c, in.Name, in.Keys)
}

func (s *Service) untag(ctx context.Context, c *service.Caller, name string, keys []string) error {
	return s.change(ctx, c, name, func(tx *resources.Tx, item *resources.Item[sms.LogGroup]) error {
		left := maps.Clone(item.Tags)
		for _, key := range keys {
			delete(left, key)
		}
		tx.LogGroups.SetTags(name, left)
		return nil
	})
}

type tagsOutput struct {
	Tags map[string]string `json:"tags"`
}

type arnInput struct {
	ARN string `json:"resourceArn"`
}

func (s *Service) listTagsForResource(_ context.Context, c *service.Caller, in *arnInput) (*tagsOutput, error) {
	name, err := s.identified("resourceArn", c.AccountID, in.ARN)
	if err != nil {
		return nil, err
	}
	return s.tags(c, name)
}

func (s *Service) listTagsLogGroup(_ context.Context, c *service.Caller, in *nameInput) (*tagsOutput, error) {
	if err := checkGroupName("logGroupName", in.Name); err != nil {
		return nil, err
	}
	return s.tags(c, in.Name)
}

func (s *Service) tags(c *service.Caller, name string) (*tagsOutput, error) {
	g, err := s.group(c.Account, name)
	if err != nil {
		return nil, err
	}
	tags := g.item.Tags
	if tags == nil {
		tags = map[string]string{}
	}
	return &tagsOutput{tags}, nil
}
