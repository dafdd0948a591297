package identity

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"heliograph/internal/iam"
)

// ServiceUse is what a service wants to do by means of a customer's role.
type ServiceUse struct {
	Service string // who takes the role on: iam.ServicePrincipal, or another one that is built in
	Role    string // ARN
	Account string // whose resource is the cause: aws:SourceAccount
	Source  string // ARN of that resource: aws:SourceArn
	// ExternalID is sts:ExternalId; empty: none.
	ExternalID string
	Action     string // "logs:PutLogEvents"; empty: it is about taking the role on alone
	Resource   string // ARN
	Policy     string // its resource policy as stored; empty: none
}

// Assumable says why a service may not do something by means of a role: there is no such
// role, it does not trust the service for that source, or it does not allow the action.
// nil: it may. The role has to be of the account itself.
func (a *Authority) Assumable(u ServiceUse) error {
	account, role, err := a.Role(u.Role)
	if _, of, _, _, _, ok := iam.SplitARN(u.Role); ok && of != u.Account { // whether there is one
		return fmt.Errorf("the role %s is not of the account %s", u.Role, u.Account)
	}
	if err != nil {
		return fmt.Errorf("the role %s: %w", u.Role, err)
	}
	by := &iam.Identity{Principal: iam.Principal{Type: iam.ServiceType, Service: u.Service, ARN: u.Service}}
	from := iam.Circumstances{Now: a.Now(), Secure: true, SourceAccount: u.Account, SourceARN: u.Source}
	if u.ExternalID != "" {
		from.More = map[string][]string{"sts:externalid": {u.ExternalID}}
	}
	if a.compiled(iam.TrustPolicy, role.Value.DecidingTrust()) == nil {
		return fmt.Errorf("the trust policy of the role %s cannot be read", u.Role)
	}
	if d := a.MayAssume(account, role, by, "sts:AssumeRole", from); !d.Allowed {
		switch {
		case d.Reason == iam.ExplicitDeny:
			return fmt.Errorf("the trust policy of the role %s denies %s to take it on", u.Role, u.Service)
		case trustsService(role.Value.Trust, u.Service):
			return fmt.Errorf("the conditions of the trust policy of the role %s do not let %s take it on for %s of the account %s",
				u.Role, u.Service, u.Source, u.Account)
		}
		return fmt.Errorf("the role %s does not trust %s", u.Role, u.Service)
	}
	if u.Action == "" {
		return nil
	}
	s := &iam.Session{Issued: a.Now(), RoleName: role.Value.Name, RoleID: role.Value.ID, Name: "heliograph"}
	as := &iam.Identity{Principal: a.assumed(account, role, s), Session: s}
	on := Resource{ARN: u.Resource, Policy: u.Policy}
	if f := strings.SplitN(u.Resource, ":", 6); len(f) == 6 && f[4] != u.Account {
		on.Owner = f[4] // who has to allow it too
	}
	if d := a.Decide(as, u.Action, on, iam.Circumstances{Secure: true}); !d.Allowed {
		return fmt.Errorf("the role %s does not allow %s on %s: %s", u.Role, u.Action, u.Resource, d.Reason)
	}
	return nil
}

// trustsService reports whether a statement of a trust policy names a service, whatever
// its conditions are. It is for people alone: nothing is decided by it.
func trustsService(trust, service string) bool {
	type named struct{ Service texts }
	type statement struct {
		Effect    string
		Principal json.RawMessage
	}
	var document struct{ Statement json.RawMessage }
	if json.Unmarshal([]byte(trust), &document) != nil {
		return false
	}
	var all []statement
	if json.Unmarshal(document.Statement, &all) != nil {
		all = make([]statement, 1)
		if json.Unmarshal(document.Statement, &all[0]) != nil {
			return false
		}
	}
	return slices.ContainsFunc(all, func(s statement) bool {
		if s.Effect != "Allow" {
			return false
		}
		var n named
		return string(s.Principal) == `"*"` || json.Unmarshal(s.Principal, &n) == nil && slices.Contains(n.Service, service)
	})
}

// texts are one text or several.
type texts []string

func (t *texts) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*t = texts{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(t))
}
