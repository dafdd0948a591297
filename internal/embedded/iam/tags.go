package iam

import (
	"context"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"heliograph/internal/api/service"
	"heliograph/internal/iam"
	"heliograph/internal/resources"
)

// tagList renders tags by key; nil where there are none.
func tagList(tags map[string]string) *service.List[service.Tag] {
	if len(tags) == 0 {
		return nil
	}
	list := &service.List[service.Tag]{}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		list.Member = append(list.Member, service.Tag{Key: key, Value: tags[key]})
	}
	return list
}

// checkTags holds tags against the rules ("Rules for tagging in IAM and AWS STS" in the
// IAM user guide). Keys that differ in case alone are one.
func checkTags(tags []service.Tag) (map[string]string, error) {
	seen := map[string]bool{}
	for _, t := range tags {
		if err := checkTagKey(t.Key); err != nil {
			return nil, err
		}
		if strings.ContainsFunc(t.Value, service.NotInTags) {
			return nil, invalidInput("The value of the tag %q has characters other than letters, digits, spaces and _.:/=+-@.", shorten(t.Key))
		}
		if key := strings.ToLower(t.Key); seen[key] {
			return nil, invalidInput("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		} else {
			seen[key] = true
		}
	}
	return service.TagMap(tags), nil
}

func checkTagKey(key string) error {
	switch {
	case key == "" || utf8.RuneCountInString(key) > 128 || strings.ContainsFunc(key, service.NotInTags):
		return service.Invalid("The tag key %q is not 1 to 128 letters, digits, spaces and characters of _.:/=+-@.", shorten(key))
	case strings.HasPrefix(strings.ToLower(key), "aws:"):
		return invalidInput("The tag key %q begins with aws:, which is kept for AWS.", shorten(key))
	}
	return nil
}

// taggable is what has tags: a user, a role or a managed policy.
type taggable struct {
	what string // in the operations' names
	acts func(*service.Caller, *tagInput) service.Act
	// tags are its tags as they are, set stores others.
	tags func(*service.Caller, *tagInput) (map[string]string, error)
	edit func(*resources.Tx, *tagInput) (tags map[string]string, set func(map[string]string), err error)
}

type tagInput struct {
	names
	PolicyARN string        `query:"PolicyArn,max=2048"`
	Tags      []service.Tag `query:",max=50"`
	TagKeys   []string      `query:",max=50"`
	paging
}

func (s *Service) tagOperations() (all []service.QueryOperation) {
	for _, t := range []taggable{s.tagged(user), s.tagged(role), s.taggedPolicy()} {
		requested := func(c *service.Caller, in *tagInput) service.Act {
			act := t.acts(c, in)
			act.RequestTags, act.TagKeys = service.TagMap(in.Tags), in.TagKeys
			return act
		}
		all = append(all,
			service.HandleQuery("Tag"+t.what, s.tag(t), requested),
			service.HandleQuery("Untag"+t.what, s.untag(t), requested),
			service.HandleQuery("List"+t.what+"Tags", listTags(t), t.acts))
	}
	return all
}

func (s *Service) tagged(k kind) taggable {
	return taggable{what: string(k),
		acts: on[tagInput](s, k),
		tags: func(c *service.Caller, in *tagInput) (map[string]string, error) {
			e, err := in.entity(c.Account, k)
			return e.tags, err
		},
		edit: func(tx *resources.Tx, in *tagInput) (map[string]string, func(map[string]string), error) {
			name, err := in.require(k)
			if err != nil {
				return nil, nil, err
			}
			e, err := findIn(tx, k, name)
			return e.tags, func(tags map[string]string) {
				if k == user {
					tx.Users.SetTags(resources.IAMKey(name), tags)
				} else {
					tx.Roles.SetTags(resources.IAMKey(name), tags)
				}
			}, err
		}}
}

func (s *Service) taggedPolicy() taggable {
	return taggable{what: "Policy",
		acts: func(c *service.Caller, in *tagInput) service.Act { return s.onPolicy(c, in.PolicyARN) },
		tags: func(c *service.Caller, in *tagInput) (map[string]string, error) {
			if item := s.policy(c.Account, in.PolicyARN); item != nil {
				return item.Tags, nil
			}
			return nil, s.policyExists(c.Account, in.PolicyARN)
		},
		edit: func(tx *resources.Tx, in *tagInput) (map[string]string, func(map[string]string), error) {
			item, err := s.own(tx, in.PolicyARN)
			if err != nil {
				return nil, nil, err
			}
			return item.Tags, func(tags map[string]string) { tx.Policies.SetTags(item.ID, tags) }, nil
		}}
}

func (s *Service) tag(t taggable) func(context.Context, *service.Caller, *tagInput) (*empty, error) {
	return func(ctx context.Context, c *service.Caller, in *tagInput) (*empty, error) {
		if len(in.Tags) == 0 {
			return nil, service.Invalid("The parameter Tags is missing.")
		}
		tags, err := checkTags(in.Tags)
		if err != nil {
			return nil, err
		}
		return nil, s.change(ctx, c, func(tx *resources.Tx) error {
			old, set, err := t.edit(tx, in)
			if err != nil {
				return err
			}
			all := without(old, slices.Collect(maps.Keys(tags)))
			maps.Copy(all, tags)
			if len(all) > iam.MaxTags {
				return limitExceeded("TagsPer"+t.what, iam.MaxTags)
			}
			set(all)
			return nil
		})
	}
}

// without is a copy of tags without some keys, whose case does not count.
func without(tags map[string]string, keys []string) map[string]string {
	left := map[string]string{}
	for key, value := range tags {
		if !slices.ContainsFunc(keys, func(k string) bool { return strings.EqualFold(k, key) }) {
			left[key] = value
		}
	}
	return left
}

func (s *Service) untag(t taggable) func(context.Context, *service.Caller, *tagInput) (*empty, error) {
	return func(ctx context.Context, c *service.Caller, in *tagInput) (*empty, error) {
		if len(in.TagKeys) == 0 {
			return nil, service.Invalid("The parameter TagKeys is missing.")
		}
		return nil, s.change(ctx, c, func(tx *resources.Tx) error {
			old, set, err := t.edit(tx, in)
			if err != nil {
				return err
			}
			set(without(old, in.TagKeys))
			return nil
		})
	}
}

type listTagsOutput struct {
	Tags service.List[service.Tag]
	paged
}

func listTags(t taggable) func(context.Context, *service.Caller, *tagInput) (*listTagsOutput, error) {
	return func(_ context.Context, c *service.Caller, in *tagInput) (*listTagsOutput, error) {
		tags, err := t.tags(c, in)
		if err != nil {
			return nil, err
		}
		var all []service.Tag
		if list := tagList(tags); list != nil {
			all = list.Member
		}
		some, more, err := page(all, func(t service.Tag) string { return t.Key }, in.paging)
		return &listTagsOutput{service.List[service.Tag]{Member: some}, more}, err
	}
}
