package api

import (
	"cmp"
	"fmt"
	"strings"

	"heliograph/internal/accept"
	"heliograph/internal/api/service"
	"heliograph/internal/api/wire"
	"heliograph/internal/iam"
	identities "heliograph/internal/identity"
	"heliograph/internal/sms"
)

// later is the resources of a request whose permission is asked for when it is known
// what it acts on.
var later = []string{}

// authorize decides whether the caller may do what it asks for: on each resource that
// the request names, and on "*" where it names none. The root of an account needs no
// policy in it, and is asked about what it names of other accounts alone.
//
// What is denied reads alike whether the resource is there or not.
//
// Errors: AccessDenied.
func (s *session) authorize(e *endpoint, in any) error {
	c := &s.call
	if e.operator && s.api.operator != "" && c.AccountID != s.api.operator {
		return &sms.Error{Kind: sms.KindAccessDenied, Message: fmt.Sprintf(
			"User: %s is not authorized to perform: %s on resource: * because it is the operator's and allowed in the operator's account alone", c.Principal, e.action)}
	}
	if err := s.through(e, in); err != nil {
		return err
	}
	root := c.root()
	if root && namesOwn(in) {
		return nil
	}
	arns := e.resources(c, in)
	if arns == nil {
		if root {
			return nil
		}
		arns = []string{"*"}
	}
	asked := circumstancesOf(s, in)
	for _, arn := range arns {
		r := c.resource(in, arn)
		if root && (r.Owner == "" || r.Owner == c.AccountID) {
			continue
		}
		if err := c.decide(e.action, r, arn, asked); err != nil {
			return err
		}
		s.used(r.Owner, arn)
	}
	return nil
}

// through asks the policy of the endpoint, where it has one, which everybody's requests
// but the operator's operations are held to.
//
// Errors: AccessDenied.
func (s *session) through(e *endpoint, in any) error {
	c := &s.call
	if s.api.endpointPolicy == nil || e.operator {
		return nil
	}
	asked := circumstancesOf(s, in)
	asked.Principal, asked.Now = &c.Identity.Principal, c.Now
	arns := e.resources(c, in)
	if len(arns) == 0 {
		arns = []string{"*"}
	}
	for _, arn := range arns {
		asked.ResourceTags = c.resource(in, arn).Tags
		d := iam.Through(*s.api.endpointPolicy, asked.Principal, iam.Request{Action: e.action, Resource: arn, Context: &asked})
		if !d.Allowed {
			return denial(d, c.Principal, e.action, arn)
		}
	}
	return nil
}

// authorizeOther is authorize for a request to another service.
func (s *session) authorizeOther(caller *service.Caller, r *service.Request) error {
	c, f := &s.call, s.front
	if _, own := f.service.(service.OwnAuthorization); own {
		return nil
	}
	var act service.Act
	if acting, ok := f.service.(service.Acting); ok {
		act = acting.Acts(caller, r)
	} else {
		act.Action, act.Resources = f.service.Operation(r)
	}
	action := cmp.Or(act.Action, f.service.SigningName()+":Unknown")
	if d := identities.Withheld(c.Identity, action); d != nil { // from a root too
		return denial(*d, c.Principal, action, "*")
	}
	if act.Own {
		return nil
	}
	asked := caller.Circumstances
	asked.RequestTags, asked.TagKeys, asked.More = act.RequestTags, act.TagKeys, act.Keys
	arns := act.Resources
	if len(arns) == 0 {
		arns = []string{"*"}
	}
	for _, arn := range arns {
		on := identities.Resource{ARN: arn, Owner: cmp.Or(act.Owner, ownerOf(arn)), Tags: act.ResourceTags, Policy: act.Policy}
		if c.root() && (on.Owner == "" || on.Owner == c.AccountID) {
			continue
		}
		if err := c.decide(action, on, arn, asked); err != nil {
			return err
		}
	}
	return nil
}

// namesOwn tells without any cost that a request, of those that are made a thousand
// times a second, names nothing of another account.
func namesOwn(in any) bool {
	send, ok := in.(*wire.SendTextMessageRequest)
	return ok && !sms.IsARN(value(send.OriginationIdentity))
}

// Authorize decides whether the caller may do something on one resource besides what
// its operation is, for instance iam:PassRole. more are condition keys of the action, in
// lower case.
//
// Errors: AccessDenied.
func (c *Call) Authorize(action, arn string, more map[string][]string) error {
	r := c.resource(nil, arn)
	r.Owner = cmp.Or(r.Owner, ownerOf(arn))
	if c.root() && (r.Owner == "" || r.Owner == c.AccountID) {
		return nil
	}
	var asked iam.Circumstances
	if c.session != nil {
		asked = c.session.circumstances()
	}
	asked.More = more
	return c.decide(action, r, arn, asked)
}

// permit is what asks whether the caller may use an origination identity that was
// chosen for it; nil for a root, whose own all of them are.
func (c *Call) permit() func(arn string) error {
	if c.root() {
		return nil
	}
	action := "sms-voice:" + c.Operation
	return func(arn string) error { return c.Authorize(action, arn, nil) }
}

// decide decides about one resource, which is called shown where it is denied.
func (c *Call) decide(action string, r identities.Resource, shown string, asked iam.Circumstances) error {
	if c.session == nil || c.session.api.authority == nil {
		return denial(iam.Decision{Reason: iam.NoIdentityPolicy, Source: iam.FromIdentity}, c.Principal, action, shown)
	}
	authority := c.session.api.authority
	d := authority.Decide(c.Identity, action, r, asked)
	if d.Allowed {
		return nil
	}
	if r.Owner != "" && r.Owner != c.AccountID && d.Source == iam.FromResource {
		d.Reason = iam.NoResourcePolicy // what another account has, its denials do not tell
	}
	return denial(d, c.Principal, action, shown)
}

// denial is how a decision against the caller is answered.
func denial(d iam.Decision, principal, action, resource string) error {
	return &sms.Error{Kind: sms.KindAccessDenied, Message: d.Message(principal, action, resource)}
}

// resource is what policies know of the resource that an ARN names. An ARN that nothing
// can have here is taken as it is: the operation refuses it.
func (c *Call) resource(in any, arn string) identities.Resource {
	a, ok := sms.ParseARN(arn)
	if !ok || a.Partition != c.Partition || a.Region != c.Region {
		return identities.Resource{ARN: arn}
	}
	if a.Account == c.AccountID {
		a = c.meant(in, a)
		r := identities.Resource{ARN: a.String()}
		r.Tags, _ = c.Account.TagsOf(a.Type, a.ID)
		if shared := c.Account.ResourcePolicies.Get(string(a.Type) + "/" + a.ID); shared != nil {
			r.Policy = shared.Value.Deciding()
		}
		return r
	}
	r := identities.Resource{ARN: arn, Owner: a.Account}
	if c.session == nil {
		return r
	}
	owner := c.session.api.directory.Account(a.Account)
	if owner == nil {
		return r
	}
	if shared := owner.ResourcePolicies.Get(string(a.Type) + "/" + a.ID); shared != nil {
		r.Policy = shared.Value.Deciding()
		r.Tags, _ = owner.TagsOf(a.Type, a.ID)
	}
	return r
}

// ownerOf is the account of an ARN of another service, empty where it has none.
func ownerOf(arn string) string {
	fields := strings.SplitN(arn, ":", 6)
	if len(fields) < 6 || len(fields[4]) != 12 || strings.Trim(fields[4], "0123456789") != "" {
		return ""
	}
	return fields[4]
}

// anyCountry ends the ARN of a sender ID for which the request has no country.
const anyCountry = "/*"

// meant is the resource of the account that an ARN means which was made of a name in a
// request: the phone number of a number, and a sender ID with its country. Where there
// is none it stays as it is.
func (c *Call) meant(in any, a sms.ARN) sms.ARN {
	if member, country := memberOf(in); member != "" && !sms.IsARN(member) && a.Type != sms.TypePool {
		if found, err := findIdentity(c, c.Account, member, country); err == nil {
			a.Type, a.ID = found.resourceType(), found.id()
		}
		return a
	}
	switch a.Type {
	case sms.TypePhoneNumber:
		if strings.HasPrefix(a.ID, "phone-") {
			return a
		}
		if n := cmp.Or(c.Account.Number(a.ID), c.Account.Number("+"+a.ID)); n != nil {
			a.ID = n.ID
		} else if own := c.Account.SenderIDsNamed(a.ID); len(own) > 0 { // promotional ones of India may be digits
			a.Type, a.ID = sms.TypeSenderID, a.ID+anyCountry
			return c.meant(in, a)
		}
	case sms.TypeSenderID:
		name, ok := strings.CutSuffix(a.ID, anyCountry)
		if !ok {
			return a
		}
		if country := destinationCountry(c, in); country != "" {
			a.ID = name + "/" + country
		} else if own := c.Account.SenderIDsNamed(name); len(own) == 1 {
			a.ID = own[0].ID
		}
	}
	return a
}

// memberOf is the origination identity that a request about a pool's members names, and
// the country beside it; empty of other requests.
func memberOf(in any) (identity string, country *string) {
	switch in := in.(type) {
	case *wire.CreatePoolRequest:
		return in.OriginationIdentity, in.IsoCountryCode
	case *wire.AssociateOriginationIdentityRequest:
		return in.OriginationIdentity, in.IsoCountryCode
	case *wire.DisassociateOriginationIdentityRequest:
		return in.OriginationIdentity, in.IsoCountryCode
	}
	return "", nil
}

// identityARN is the ARN of what an OriginationIdentity of a send names; "*" where it
// can be none. country is the destination's, empty where it is not known.
func identityARN(c *Call, named, country string) string {
	if sms.IsARN(named) {
		a, ok := sms.ParseARN(named)
		if !ok || a.Type != sms.TypeSenderID || strings.Contains(a.ID, "/") {
			return named
		}
		a.ID += "/" + cmp.Or(country, "*")
		return a.String()
	}
	switch kind := accept.Form(named); kind {
	case "":
		return "*"
	case sms.TypeSenderID:
		return c.arn(kind, named+"/"+cmp.Or(country, "*"))
	default:
		return c.arn(kind, named)
	}
}

// circumstancesOf are those of a request, with the tags that it names.
func circumstancesOf(s *session, in any) iam.Circumstances {
	asked := s.circumstances()
	var tags []wire.Tag
	switch in := in.(type) {
	case *wire.CreateConfigurationSetRequest:
		tags = in.Tags
	case *wire.CreateOptOutListRequest:
		tags = in.Tags
	case *wire.CreatePoolRequest:
		tags = in.Tags
	case *wire.CreateProtectConfigurationRequest:
		tags = in.Tags
	case *wire.CreateVerifiedDestinationNumberRequest:
		tags = in.Tags
	case *wire.RequestPhoneNumberRequest:
		tags = in.Tags
	case *wire.RequestSenderIdRequest:
		tags = in.Tags
	case *wire.TagResourceRequest:
		tags = in.Tags
	case *wire.UntagResourceRequest:
		asked.TagKeys = in.TagKeys
	}
	if len(tags) > 0 {
		asked.RequestTags = make(map[string]string, len(tags))
		for _, tag := range tags {
			asked.RequestTags[tag.Key] = tag.Value
		}
	}
	return asked
}
