package iam

// NoEndpointPolicy and FromEndpoint are of requests that the policy of the endpoint they
// came by does not let through.
const (
	NoEndpointPolicy Reason = "no VPC endpoint policy allows"
	FromEndpoint     Source = "VPC endpoint policy"
)

// Through answers whether the policy of an endpoint lets a request pass ("Control access
// to VPC endpoints using endpoint policies" in the AWS PrivateLink guide). It limits
// everybody who comes by the endpoint, roots too, and grants nothing. A policy that is
// missing or cannot be read lets nothing through.
func Through(endpoint Attached, p *Principal, r Request) Decision {
	// To the endpoint everybody is a stranger who may do everything on their own side.
	r.Owner = "endpoint"
	d := Decide(&Subject{Principal: p, Identity: []Attached{{Name: "everything", Policy: everything()}}}, &r, &endpoint)
	if d.Allowed {
		return d
	}
	d.Source = FromEndpoint
	if d.Reason == NoResourcePolicy {
		d.Reason = NoEndpointPolicy
	}
	return d
}

// everything is a policy that allows all: no action is not meant.
func everything() *Policy {
	return &Policy{kind: IdentityPolicy, statements: []statement{{allow: true, actions: matcher{not: true}, place: Match{Statement: 1, Allow: true}}}}
}
