package iam

import (
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Circumstances are those of a request, from which the global condition keys of AWS
// come ("AWS global condition context keys" in the IAM user guide). A zero member is a
// key that the request does not have.
type Circumstances struct {
	Principal *Principal
	Session   *Session
	Now       time.Time
	SourceIP  netip.Addr
	Secure    bool // it came by TLS
	UserAgent string
	Region    string // aws:RequestedRegion

	ResourceTags map[string]string // aws:ResourceTag/, and the service's own name for it
	RequestTags  map[string]string // aws:RequestTag/ and aws:TagKeys
	TagKeys      []string          // where the request names keys alone

	ResourceAccount string
	// SourceAccount and SourceARN are there where a service asks for a customer.
	SourceAccount, SourceARN string

	More map[string][]string // keys of a service, in lower case: "iam:passedtoservice"
}

// Lookup gives the values of a condition key, which is asked for in lower case: it is
// part of Context.
func (c *Circumstances) Lookup(key string) []string {
	if c == nil {
		return nil
	}
	service, name, ok := strings.Cut(key, ":")
	if !ok {
		return nil
	}
	if service != "aws" {
		return c.ofService(key, name)
	}
	if kind, tag, ok := strings.Cut(name, "/"); ok {
		switch kind {
		case "resourcetag":
			return tagged(c.ResourceTags, tag)
		case "requesttag":
			return tagged(c.RequestTags, tag)
		case "principaltag":
			if c.Principal != nil {
				return tagged(c.Principal.Tags, tag)
			}
		}
		return c.More[key]
	}
	if values, ok := c.ofPrincipal(name); ok {
		return values
	}
	if values, ok := c.ofSession(name); ok {
		return values
	}
	if values, ok := c.ofRequest(name); ok {
		return values
	}
	return c.More[key]
}

// ofPrincipal has the keys about who asks.
func (c *Circumstances) ofPrincipal(name string) (values []string, ok bool) {
	p := c.Principal
	if p == nil {
		return nil, false
	}
	switch name {
	case "principalarn":
		if p.Type == AssumedRole && p.Role != "" {
			return only(p.Role), true // of a session it is the role's
		}
		return only(p.ARN), true
	case "principalaccount":
		return only(p.Account), true
	case "principaltype":
		if p.Type == ServiceType {
			return nil, true
		}
		return only(string(p.Type)), true
	case "viaawsservice": // no service hands a request of a principal on
		return truth(false), true
	case "principalisawsservice":
		return truth(p.Type == ServiceType), true
	case "principalservicename":
		return only(p.Service), true
	case "principalservicenameslist":
		return only(p.Service), true
	case "userid":
		if p.Type == Anonymous {
			return only("anonymous"), true
		}
		return only(p.ID), true
	case "username":
		if p.Type == UserType {
			return only(p.Name), true
		}
		return nil, true
	case "federatedprovider":
		return only(p.Issuer), true
	}
	return nil, false
}

// ofSession has the keys about temporary credentials, which long-term ones lack.
func (c *Circumstances) ofSession(name string) (values []string, ok bool) {
	switch name {
	case "tokenissuetime", "multifactorauthpresent", "multifactorauthage", "sourceidentity":
	default:
		return nil, false
	}
	s := c.Session
	if s == nil {
		return nil, true
	}
	switch name {
	case "tokenissuetime":
		return moment(s.Issued), true
	case "multifactorauthpresent":
		return truth(!s.MFA.IsZero()), true
	case "multifactorauthage":
		if s.MFA.IsZero() || c.Now.IsZero() {
			return nil, true
		}
		return only(strconv.FormatInt(int64(c.Now.Sub(s.MFA)/time.Second), 10)), true
	}
	return only(s.SourceID), true
}

// ofRequest has the keys about the request itself and what it is about.
func (c *Circumstances) ofRequest(name string) (values []string, ok bool) {
	switch name {
	case "currenttime":
		return moment(c.Now), true
	case "epochtime":
		if c.Now.IsZero() {
			return nil, true
		}
		return only(strconv.FormatInt(c.Now.Unix(), 10)), true
	case "sourceip":
		if !c.SourceIP.IsValid() {
			return nil, true
		}
		return only(c.SourceIP.Unmap().WithZone("").String()), true
	case "securetransport":
		return truth(c.Secure), true
	case "useragent":
		return only(c.UserAgent), true
	case "requestedregion":
		return only(c.Region), true
	case "tagkeys":
		return c.tagKeys(), true
	case "resourceaccount":
		return only(c.ResourceAccount), true
	case "sourceaccount":
		return only(c.SourceAccount), true
	case "sourcearn":
		return only(c.SourceARN), true
	}
	return nil, false
}

// ofService has the keys of services: More, what an issuer claims, and the tags by a
// service's own name ("sms-voice:ResourceTag/team").
func (c *Circumstances) ofService(key, name string) []string {
	if values, ok := c.More[key]; ok {
		return values
	}
	if kind, tag, ok := strings.Cut(name, "/"); ok {
		switch kind {
		case "resourcetag":
			return tagged(c.ResourceTags, tag)
		case "requesttag":
			return tagged(c.RequestTags, tag)
		}
	}
	if c.Principal != nil {
		if claim, ok := c.Principal.Claims[key]; ok {
			return only(claim)
		}
	}
	return nil
}

func (c *Circumstances) tagKeys() []string {
	if len(c.RequestTags) == 0 {
		return c.TagKeys
	}
	keys := slices.Concat(slices.Sorted(maps.Keys(c.RequestTags)), c.TagKeys)
	slices.Sort(keys)
	return slices.Compact(keys)
}

// tagged gives the value of a tag, whatever the case of its key; tags whose keys differ
// by case alone give their values in order.
func tagged(tags map[string]string, key string) []string {
	var found []string
	for k, v := range tags {
		if k == key || strings.EqualFold(k, key) {
			found = append(found, v)
		}
	}
	slices.Sort(found)
	return found
}

// only is a key's only value; a text that is empty is a key that is not there.
func only(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

func truth(b bool) []string {
	if b {
		return []string{"true"}
	}
	return []string{"false"}
}

func moment(t time.Time) []string {
	if t.IsZero() {
		return nil
	}
	return []string{t.UTC().Format(time.RFC3339)}
}
