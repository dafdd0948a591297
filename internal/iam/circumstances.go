package iam

import (
	"net/netip"
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
