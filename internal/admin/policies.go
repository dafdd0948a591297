package admin

import (
	"context"
	"maps"
	"net/netip"
	"strings"
	"time"

	"heliograph/internal/iam"
	"heliograph/internal/identity"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

// key is an access key as it is kept.
type key = iam.AccessKey

// ExplainPolicyInput is a request that is decided about without being made.
type ExplainPolicyInput struct {
	Principal string            `json:"principal"`          // ARN of an account's root, a user, a role or a session of a role
	Action    string            `json:"action"`             // "sms-voice:SendTextMessage"
	Resource  string            `json:"resource,omitempty"` // ARN; empty: none in particular, "*"
	Context   map[string]string `json:"context,omitempty"`  // condition keys; several values have commas between them
}

// MatchedStatement is a statement that matched the request.
type MatchedStatement struct {
	Source    string `json:"source"` // "identity-based policy" and so on
	Policy    string `json:"policy"`
	Statement int    `json:"statement"` // its number in the policy, from 1
	Sid       string `json:"sid,omitempty"`
	Effect    string `json:"effect"` // Allow or Deny
	Line      int    `json:"line"`   // where it begins in the document
	Column    int    `json:"column"`
	Decides   bool   `json:"decides,omitempty"`
}

// ExplainPolicyOutput is the decision and what it comes from.
type ExplainPolicyOutput struct {
	Allowed bool               `json:"allowed"`
	Reason  string             `json:"reason"`
	Source  string             `json:"source"`
	Message string             `json:"message,omitempty"` // that the principal would get
	Matches []MatchedStatement `json:"matches"`
}

func (a *identities) explain(_ context.Context, in ExplainPolicyInput) (ExplainPolicyOutput, error) {
	id, err := a.identity(in.Principal)
	if err != nil {
		return ExplainPolicyOutput{}, err
	}
	if service, name, ok := strings.Cut(in.Action, ":"); !ok || service == "" || name == "" || strings.ContainsAny(in.Action, "*? ") {
		return ExplainPolicyOutput{}, sms.Invalid(sms.ReasonInvalidParameter, "action", "action is %q; a service and an action are needed, such as sms-voice:SendTextMessage.", in.Action)
	}
	r := a.resource(id, in.Resource)
	c, err := circumstances(id, &r, in.Context)
	if err != nil {
		return ExplainPolicyOutput{}, err
	}
	d, matches := a.Authority.Explain(id, in.Action, r, c)
	out := ExplainPolicyOutput{Allowed: d.Allowed, Reason: string(d.Reason), Source: string(d.Source), Message: d.Message(id.ARN, in.Action, in.Resource), Matches: []MatchedStatement{}}
	for _, m := range matches {
		effect := "Deny"
		if m.Allow {
			effect = "Allow"
		}
		out.Matches = append(out.Matches, MatchedStatement{Source: string(m.Source), Policy: m.Policy, Statement: m.Statement, Sid: m.Sid, Effect: effect,
			Line: m.StartLine, Column: m.StartColumn, Decides: d.Statement != 0 && m.Source == d.Source && m.Policy == d.Policy && m.Statement == d.Statement})
	}
	return out, nil
}

// identity is who an ARN stands for.
//
// Errors: Validation INVALID_PARAMETER where there is nobody.
func (a *identities) identity(arn string) (*iam.Identity, error) {
	nobody := func(what string) error {
		return sms.Invalid(sms.ReasonInvalidParameter, "principal", "principal is %q; %s", arn, what)
	}
	fields := strings.SplitN(arn, ":", 6)
	if len(fields) != 6 || fields[0] != "arn" || fields[1] != a.Authority.Partition {
		return nil, nobody("the ARN of an account's root, a user, a role or a session of a role is needed.")
	}
	s := a.Directory.Account(fields[4])
	if s == nil {
		return nil, nobody("there is no such account.")
	}
	p := iam.Principal{ARN: arn, Account: fields[4]}
	kind, rest, _ := strings.Cut(fields[5], "/")
	name, session := rest[strings.LastIndexByte(rest, '/')+1:], "explained"
	if fields[2] == "sts" && kind == "assumed-role" {
		kind, fields[2] = "role", "iam"
		name, session, _ = strings.Cut(rest, "/")
	}
	switch {
	case fields[2] == "iam" && fields[5] == "root":
		p.Type, p.ID = iam.Root, p.Account
	case fields[2] == "iam" && kind == "user":
		u := s.Users.Get(resources.IAMKey(name))
		if u == nil || iam.UserARN(fields[1], p.Account, u.Value.Path, u.Value.Name) != arn {
			return nil, nobody("there is no such user.")
		}
		p.Type, p.ID, p.Name, p.Tags = iam.UserType, u.Value.ID, u.Value.Name, u.Tags
	case fields[2] == "iam" && kind == "role":
		r := s.Roles.Get(resources.IAMKey(name))
		if r == nil {
			return nil, nobody("there is no such role.")
		}
		p.Role = iam.RoleARN(fields[1], p.Account, r.Value.Path, r.Value.Name)
		p.Type, p.ARN, p.ID, p.Tags = iam.AssumedRole, iam.SessionARN(fields[1], p.Account, r.Value.Name, session), r.Value.ID+":"+session, r.Tags
		if arn != p.Role && arn != p.ARN {
			return nil, nobody("there is no such role.")
		}
	default:
		return nil, nobody("the ARN of an account's root, a user, a role or a session of a role is needed.")
	}
	return &iam.Identity{Principal: p}, nil
}

// resource is what a request acts on, with its tags and the policy that its owner gave it,
// as the API decides about it: of another account's only what is shared is known, and the
// root of an account is asked nothing about its own.
func (a *identities) resource(id *iam.Identity, arn string) identity.Resource {
	r := identity.Resource{ARN: arn}
	fields := strings.SplitN(arn, ":", 6)
	if len(fields) != 6 || fields[4] == "" {
		return r
	}
	if fields[4] != id.Account {
		r.Owner = fields[4]
	} else if id.Type == iam.Root {
		return r
	}
	s := a.Directory.Account(fields[4])
	if s == nil {
		return r
	}
	if topic := s.Topics.Get(fields[5]); fields[2] == "sns" && topic != nil {
		r.Policy, r.Tags = topic.Value.Attributes["Policy"], maps.Clone(topic.Tags)
		return r
	}
	item := s.ResourcePolicies.Get(fields[5])
	if item != nil {
		r.Policy = item.Value.Deciding()
	}
	if item != nil || r.Owner == "" {
		kind, name, _ := strings.Cut(fields[5], "/")
		tags, _ := s.TagsOf(sms.ResourceType(kind), name)
		r.Tags = maps.Clone(tags)
	}
	return r
}

// circumstances takes condition keys as those of a request.
func circumstances(id *iam.Identity, r *identity.Resource, given map[string]string) (c iam.Circumstances, err error) {
	wrong := func(name, value, needs string) error {
		return sms.Invalid(sms.ReasonInvalidParameter, "context", "%s is %q; %s is needed.", name, value, needs)
	}
	tags := func(of *map[string]string, key, value string) {
		if *of == nil {
			*of = map[string]string{}
		}
		(*of)[key] = value
	}
	for name, value := range given {
		kind, tag, _ := strings.Cut(name, "/")
		switch strings.ToLower(kind) {
		case "aws:requesttag":
			tags(&c.RequestTags, tag, value)
		case "aws:resourcetag":
			tags(&r.Tags, tag, value)
		case "aws:tagkeys":
			c.TagKeys = strings.Split(value, ",")
		case "aws:sourceip":
			if c.SourceIP, err = netip.ParseAddr(value); err != nil {
				return c, wrong(name, value, "an address")
			}
		case "aws:currenttime":
			if c.Now, err = time.Parse(time.RFC3339, value); err != nil {
				return c, wrong(name, value, "a time such as 2006-01-02T15:04:05Z")
			}
		case "aws:securetransport":
			c.Secure = value == "true"
		case "aws:multifactorauthpresent":
			if value == "true" {
				_, _, _, _, role, _ := iam.SplitARN(id.Role)
				id.Session = &iam.Session{MFA: time.Now(), RoleName: role}
			}
		case "aws:useragent":
			c.UserAgent = value
		case "aws:requestedregion":
			c.Region = value
		case "aws:sourceaccount":
			c.SourceAccount = value
		case "aws:sourcearn":
			c.SourceARN = value
		default:
			if !strings.Contains(name, ":") {
				return c, wrong(name, value, "a condition key such as aws:SourceIp")
			}
			if c.More == nil {
				c.More = map[string][]string{}
			}
			c.More[strings.ToLower(name)] = strings.Split(value, ",")
		}
	}
	return c, nil
}
