// Package iam is who may do what: the nouns of AWS's identity and access management
// (accounts' users, groups, roles, access keys and policies), the policy language, and
// the decision about one request ("Policy evaluation logic" and "IAM JSON policy
// elements reference" in the IAM user guide). It decides and has no effects: what is
// stored and who signed a request are its callers' to find out.
//
// There is a library with these rules in Go, but it cannot be imported, and the
// decision is what the service promises: so it is made here.
//
// The rule behind all others: what is not allowed is denied, and a policy that cannot
// be read allows nothing and lets nothing else allow.
package iam
