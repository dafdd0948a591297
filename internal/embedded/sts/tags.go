package sts

import (
	"maps"
	"slices"
	"strings"
	"unicode"

	"heliograph/internal/api/service"
	"heliograph/internal/iam"
)

// named refuses a name with other characters than letters and digits of ASCII and
// _=,.@- and +, or one of more.
func named(parameter, name, more string) error {
	bad := func(c rune) bool {
		return c > unicode.MaxASCII || !unicode.IsLetter(c) && !unicode.IsDigit(c) && !strings.ContainsRune("_+=,.@-"+more, c)
	}
	if strings.ContainsFunc(name, bad) {
		return service.Invalid("The parameter %s has characters other than letters, digits and _+=,.@-%s.", parameter, more)
	}
	return nil
}

// checkTags holds session tags against the rules of AWS ("Rules for tagging in IAM and
// AWS STS" in the IAM user guide). Keys that differ in case alone are one.
func checkTags(tags []service.Tag, transitive []string) error {
	seen := map[string]bool{}
	for _, t := range tags {
		key := strings.ToLower(t.Key)
		switch {
		case strings.HasPrefix(key, "aws:"):
			return service.Invalid("The tag key %s begins with aws:, which is kept for AWS.", t.Key)
		case strings.ContainsFunc(t.Key, service.NotInTags) || strings.ContainsFunc(t.Value, service.NotInTags):
			return service.Invalid("The tag %s has characters other than letters, digits, spaces and _.:/=+-@.", t.Key)
		case seen[key]:
			return service.Invalid("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		}
		seen[key] = true
	}
	for _, key := range transitive {
		if !seen[strings.ToLower(key)] {
			return service.Invalid("The transitive tag key %s is not one of Tags.", key)
		}
	}
	return nil
}

// inherit gives a session the transitive tags of the one that asks for it.
func inherit(session, from *iam.Session) error {
	if len(from.Transitive) == 0 {
		return nil
	}
	session.Transitive = slices.Clone(session.Transitive)
	session.Tags = maps.Clone(session.Tags)
	if session.Tags == nil {
		session.Tags = map[string]string{}
	}
	for _, key := range from.Transitive {
		for own := range session.Tags {
			if strings.EqualFold(own, key) {
				return service.Invalid("The tag key %s is that of a transitive tag of the calling session and cannot be set.", own)
			}
		}
		for had, value := range from.Tags {
			if strings.EqualFold(had, key) {
				session.Tags[had] = value
			}
		}
		session.Transitive = append(session.Transitive, key)
	}
	return nil
}
