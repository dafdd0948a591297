package iam

import (
	"encoding/json"
	"strings"
)

// PinPrincipals puts ids in the place of the ARNs of users, roles and sessions of roles
// that a trust or resource policy names, so that it goes on naming those whom it names
// when it is saved, and nobody who has their name later ("AWS JSON policy elements:
// Principal" in the IAM user guide). resolve gives the id of the user or role of an ARN,
// AROA...:SESSION for a session; an empty one leaves the ARN as it is. pinned is empty
// where nothing was put in: then the document decides as it is. White space keeps all
// else where it is in the document, as decisions name lines and columns of statements.
//
// Errors: *SyntaxError; those of resolve.
func PinPrincipals(document string, kind Kind, resolve func(arn string) (id string, err error)) (pinned string, err error) {
	if _, err := Parse(document, kind); err != nil {
		return "", err
	}
	root, err := readDocument(document)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	done := 0
	for _, n := range namedARNs(root) {
		id, err := resolve(n.text)
		if err != nil {
			return "", err
		}
		if id == "" {
			continue
		}
		quoted, err := json.Marshal(id)
		if err != nil {
			return "", err
		}
		out.WriteString(document[done:n.start])
		out.Write(quoted)
		out.WriteString(strings.Repeat(" ", max(0, n.end-n.start-len(quoted))))
		done = n.end
	}
	if done == 0 {
		return "", nil
	}
	out.WriteString(document[done:])
	_, err = Parse(out.String(), kind)
	return out.String(), err
}

// namedARNs are the ARNs of users, roles and sessions of the principals of a policy, in
// the order of the document.
func namedARNs(root *node) (found []*node) {
	for _, s := range root.member("Statement").list() {
		for i, name := range s.names {
			if name != "Principal" && name != "NotPrincipal" {
				continue
			}
			for _, n := range s.items[i].member("AWS").list() {
				var p principals
				if p.addAWS(n.text) && len(p.arns) == 1 && !strings.Contains(n.text, ":federated-user/") {
					found = append(found, n)
				}
			}
		}
	}
	return found
}

// member is that of an object; nil where there is none.
func (n *node) member(name string) *node {
	for i, own := range n.names {
		if own == name {
			return n.items[i]
		}
	}
	return nil
}

// list is what stands alone or in a list.
func (n *node) list() []*node {
	switch {
	case n == nil:
		return nil
	case n.kind == listNode:
		return n.items
	}
	return []*node{n}
}
