package sns

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"heliograph/internal/api/service"
	"heliograph/internal/resources"
)

// Bounds of tags, as everywhere in AWS: their number, and characters of keys and values.
const (
	maxTags     = 50
	maxTagKey   = 128
	maxTagValue = 256
)

func checkTags(tags map[string]string) error {
	if len(tags) > maxTags {
		return exception("TagLimitExceeded", http.StatusBadRequest, "A topic has at most %d tags.", maxTags)
	}
	for key, value := range tags {
		switch {
		case strings.HasPrefix(strings.ToLower(key), "aws:"):
			return invalid("Tags", "keys that begin with aws: are AWS's own")
		case utf8.RuneCountInString(key) > maxTagKey:
			return invalid("Tags", "a key has more than 128 characters")
		case utf8.RuneCountInString(value) > maxTagValue:
			return invalid("Tags", "a value has more than 256 characters")
		}
	}
	return nil
}

// changeTags changes the tags of the topic that ResourceArn names.
func (s *Service) changeTags(ctx context.Context, c *service.Caller, f form, with func(map[string]string)) ([]any, error) {
	n, err := s.Place.own(c, "ResourceArn", f.get("ResourceArn"), false)
	if err != nil {
		return nil, err
	}
	return []any{}, s.change(ctx, c.AccountID, func(tx *resources.Tx) error {
		item := tx.Topics.Get(n.topic)
		if item == nil {
			return exception("ResourceNotFound", http.StatusNotFound, "Resource does not exist")
		}
		tags := maps.Clone(item.Tags)
		if tags == nil {
			tags = map[string]string{}
		}
		with(tags)
		if err := checkTags(tags); err != nil {
			return err
		}
		tx.Topics.SetTags(n.topic, tags)
		return nil
	})
}

func (s *Service) tagResource(ctx context.Context, c *service.Caller, f form) ([]any, error) {
	tags, err := f.pairs("Tags.member", "Key", "Value")
	if err != nil {
		return nil, err
	}
	return s.changeTags(ctx, c, f, func(of map[string]string) { maps.Copy(of, tags) })
}

func (s *Service) untagResource(ctx context.Context, c *service.Caller, f form) ([]any, error) {
	keys, err := f.list("TagKeys")
	if err != nil {
		return nil, err
	}
	return s.changeTags(ctx, c, f, func(of map[string]string) {
		maps.DeleteFunc(of, func(key, _ string) bool { return slices.Contains(keys, key) })
	})
}

func (s *Service) listTagsForResource(_ context.Context, c *service.Caller, f form) ([]any, error) {
	n, err := s.Place.own(c, "ResourceArn", f.get("ResourceArn"), false)
	if err != nil {
		return nil, err
	}
	item := c.Account.Topics.Get(n.topic)
	if item == nil {
		return nil, exception("ResourceNotFound", http.StatusNotFound, "Resource does not exist")
	}
	var members []any
	for _, key := range slices.SortedFunc(maps.Keys(item.Tags), cmp.Compare[string]) {
		members = append(members, structure{Fields: []any{element("Key", key), element("Value", item.Tags[key])}})
	}
	return []any{list("Tags", members)}, nil
}
