package service

import (
	"strings"
	"unicode"
)

// Tag is the data type Tag of the query protocol.
type Tag struct {
	Key   string `query:",required,max=128"`
	Value string `query:",max=256"`
}

// TagMap is tags by key, nil where there are none.
func TagMap(tags []Tag) map[string]string {
	if len(tags) == 0 {
		return nil
	}
	m := make(map[string]string, len(tags))
	for _, t := range tags {
		m[t.Key] = t.Value
	}
	return m
}

// NotInTags tells the characters that keys and values of tags may not have ("Rules for
// tagging in IAM and AWS STS" in the IAM user guide).
func NotInTags(c rune) bool {
	return !unicode.IsLetter(c) && !unicode.IsNumber(c) && !unicode.Is(unicode.Z, c) && !strings.ContainsRune("_.:/=+-@", c)
}
