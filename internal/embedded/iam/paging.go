package iam

import (
	"cmp"
	"encoding/base64"
	"slices"

	"heliograph/internal/api/service"
)

// paging is what a list's request says of its pages.
type paging struct {
	Marker   string `query:",max=320"`
	MaxItems *int   `query:",min=1,max=1000"`
}

// paged is what a list's answer says of them.
type paged struct {
	IsTruncated bool
	Marker      string `xml:",omitempty"`
}

const defaultItems = 100

// page gives the part of a list that a request asks for, in the order of the keys. A
// Marker is the key of the last item that was given.
func page[T any](all []T, key func(T) string, p paging) ([]T, paged, error) {
	after, err := base64.RawURLEncoding.DecodeString(p.Marker)
	if err != nil {
		return nil, paged{}, service.Invalid("The parameter Marker is not one that was given in an answer.")
	}
	all = slices.SortedFunc(slices.Values(all), func(a, b T) int { return cmp.Compare(key(a), key(b)) })
	if p.Marker != "" {
		i := slices.IndexFunc(all, func(item T) bool { return key(item) > string(after) })
		if i < 0 {
			i = len(all)
		}
		all = all[i:]
	}
	most := defaultItems
	if p.MaxItems != nil {
		most = *p.MaxItems
	}
	if len(all) <= most {
		return all, paged{}, nil
	}
	all = all[:most]
	return all, paged{IsTruncated: true, Marker: marker(key(all[most-1]))}, nil
}

// marker is the Marker after the item of a key.
func marker(key string) string { return base64.RawURLEncoding.EncodeToString([]byte(key)) }
