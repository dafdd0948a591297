package iam

import (
	"slices"
	"strings"
)

// principals are those of a Principal or NotPrincipal, compiled.
type principals struct {
	not      bool
	everyone bool     // "*"
	accounts []string // twelve digits: an account, or its root
	arns     []string // of users, roles and sessions
	ids      []string // AIDA..., AROA... and AROA...:SESSION
	services []string
	anyOf    bool // all services
	issuers  []string
}

// grant is how far a statement of a resource's policy reaches for the one it names.
type grant int

const (
	noGrant grant = iota
	// toAccount: the account may give it on by its identity-based policies.
	toAccount
	// toRole: it needs no identity-based policy, but a boundary and a session policy
	// limit it.
	toRole
	// toPrincipal: it needs nothing else.
	toPrincipal
)

// of says whom a statement names p by. Everything about it is of the single account of
// "Policy evaluation for requests within a single account" in the IAM user guide;
// between accounts any grant is as good as another. owner is the resource's account.
func (n *principals) of(p *Principal, limited bool, owner string) grant {
	switch p.Type {
	case ServiceType:
		if n.anyOf || slices.Contains(n.services, p.Service) {
			return toPrincipal
		}
	case WebIdentity:
		if p.Issuer != "" && (slices.Contains(n.issuers, p.Issuer) || slices.Contains(n.issuers, owner+"/"+p.Issuer)) {
			return toPrincipal
		}
	}
	if n.everyone {
		return toPrincipal
	}
	switch p.Type {
	case Root:
		if slices.Contains(n.accounts, p.Account) {
			return toPrincipal
		}
	case UserType:
		if slices.Contains(n.arns, p.ARN) || slices.Contains(n.ids, p.ID) {
			if limited {
				return toRole // the ARN is the user's, not the session's
			}
			return toPrincipal
		}
	case AssumedRole:
		switch {
		case n.session(p):
			return toPrincipal
		case n.role(p):
			return toRole
		}
	}
	if p.Account != "" && slices.Contains(n.accounts, p.Account) {
		return toAccount
	}
	return noGrant
}

// denies says whether a statement with Deny is for p: its Principal names it, its
// account or everybody; or its NotPrincipal leaves out one of the names that p goes by:
// a user is spared where both the user and the account are listed, a session where
// session, role and account are, each by its ARN or id.
func (n *principals) denies(p *Principal, owner string) bool {
	if !n.not {
		return n.of(p, false, owner) != noGrant
	}
	if n.everyone {
		return false
	}
	listed := slices.Contains(n.accounts, p.Account) && p.Account != ""
	switch p.Type {
	case Root:
		return !listed
	case UserType:
		return !listed || !slices.Contains(n.arns, p.ARN) && !slices.Contains(n.ids, p.ID)
	case AssumedRole:
		return !listed || !n.session(p) || !n.role(p)
	}
	return n.of(p, false, owner) == noGrant
}

// session says whether a session of a role is named itself, by its ARN or AROA...:NAME.
func (n *principals) session(p *Principal) bool {
	return slices.Contains(n.arns, p.ARN) || strings.Contains(p.ID, ":") && slices.Contains(n.ids, p.ID)
}

// role says whether the role of a session is named, by its ARN or id.
func (n *principals) role(p *Principal) bool {
	id, _, _ := strings.Cut(p.ID, ":")
	return p.Role != "" && slices.Contains(n.arns, p.Role) || id != "" && slices.Contains(n.ids, id)
}

// principals reads a Principal or NotPrincipal: "*", or principals by type.
func (p *parser) principals(element string, n *node) (*principals, map[string][]string, error) {
	out := &principals{}
	if n.kind == stringNode && n.text == "*" {
		out.everyone = true
		return out, map[string][]string{"AWS": {"*"}}, nil
	}
	if n.kind != objectNode || len(n.names) == 0 {
		return nil, nil, p.fail(n, "Syntax errors in policy: %s must be \"*\" or a JSON object of AWS, Service, Federated or CanonicalUser.", element)
	}
	source := map[string][]string{}
	for i, kind := range n.names {
		list, err := p.strings(element, n.items[i])
		if err != nil {
			return nil, nil, err
		}
		for _, text := range list {
			if !out.add(kind, text) {
				return nil, nil, p.fail(n.items[i], "Invalid principal in policy: \"%s\":\"%s\".", clip(kind), clip(text))
			}
		}
		source[kind] = list
	}
	return out, source, nil
}

// add takes one principal in, if it is one.
func (n *principals) add(kind, s string) bool {
	switch kind {
	case "AWS":
		return n.addAWS(s)
	case "Service":
		if s == "*" {
			n.anyOf = true
			return true
		}
		if s == "" || strings.ContainsFunc(s, func(c rune) bool { return !word(c) && c != '-' && c != '.' }) || !strings.Contains(s, ".") {
			return false
		}
		n.services = append(n.services, s)
		return true
	case "Federated":
		return n.addFederated(s)
	case "CanonicalUser": // of S3: nobody here has one
		return s != "" && !strings.ContainsAny(s, "*?")
	}
	return false
}

func (n *principals) addAWS(s string) bool {
	if s == "*" {
		n.everyone = true
		return true
	}
	if accountID(s) {
		n.accounts = append(n.accounts, s)
		return true
	}
	if strings.ContainsAny(s, "*? \t\n${}") {
		return false
	}
	id, session, ofSession := strings.Cut(s, ":")
	if uniqueID(id) && (!ofSession || strings.HasPrefix(id, "AROA") && session != "" && !strings.Contains(session, ":")) {
		n.ids = append(n.ids, s)
		return true
	}
	fields := strings.SplitN(s, ":", 6)
	if len(fields) != 6 || fields[0] != "arn" || fields[1] == "" || fields[3] != "" || !accountID(fields[4]) {
		return false
	}
	kind, name, _ := strings.Cut(fields[5], "/")
	switch {
	case fields[2] == "iam" && fields[5] == "root":
		n.accounts = append(n.accounts, fields[4])
		return true
	case fields[2] == "iam" && (kind == "user" || kind == "role") && name != "" && !strings.HasSuffix(name, "/"),
		fields[2] == "sts" && kind == "federated-user" && name != "":
	case fields[2] == "sts" && kind == "assumed-role":
		if role, session, ok := strings.Cut(name, "/"); !ok || role == "" || session == "" {
			return false
		}
	default:
		return false
	}
	n.arns = append(n.arns, s)
	return true
}

// addFederated takes in an issuer: arn:aws:iam::ACCOUNT:oidc-provider/ISSUER, which is
// kept with its account, or ISSUER alone.
func (n *principals) addFederated(s string) bool {
	if s == "" || strings.ContainsAny(s, "*? \t\n${}") {
		return false
	}
	if !strings.HasPrefix(s, "arn:") {
		n.issuers = append(n.issuers, s)
		return strings.Contains(s, ".") || strings.Contains(s, "localhost")
	}
	_, account, kind, path, name, ok := SplitARN(s)
	if !ok || !accountID(account) {
		return false
	}
	switch kind {
	case "oidc-provider":
		n.issuers = append(n.issuers, account+path+name)
		return true
	case "saml-provider":
		return true // nobody signs in by SAML here
	}
	return false
}

// uniqueID says whether a text is the id of a user or a role.
func uniqueID(s string) bool {
	return len(s) >= 16 && len(s) <= 128 && (strings.HasPrefix(s, "AIDA") || strings.HasPrefix(s, "AROA")) &&
		!strings.ContainsFunc(s, func(c rune) bool { return !word(c) })
}

func accountID(s string) bool {
	return len(s) == 12 && strings.Trim(s, "0123456789") == ""
}
