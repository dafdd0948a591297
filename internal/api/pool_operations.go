package api

import (
	"strings"

	"heliograph/internal/api/wire"
	"heliograph/internal/sms"
)

func (a *API) poolOperations() []operation {
	return []operation{
		{"CreatePool", handle(a.createPool), "sms-voice:CreatePool",
			on(func(c *Call, in *wire.CreatePoolRequest) []string {
				return identityARNs(c, in.OriginationIdentity, in.IsoCountryCode)
			})},
		{"DescribePools", handle(a.describePools), "sms-voice:DescribePools",
			on(func(c *Call, in *wire.DescribePoolsRequest) []string { return namedARNs(c, sms.TypePool, in.PoolIds) })},
		{"UpdatePool", handle(a.updatePool), "sms-voice:UpdatePool",
			on(func(c *Call, in *wire.UpdatePoolRequest) []string {
				return []string{namedARN(c, sms.TypePool, in.PoolId)}
			})},
		{"DeletePool", handle(a.deletePool), "sms-voice:DeletePool",
			on(func(c *Call, in *wire.DeletePoolRequest) []string {
				return []string{namedARN(c, sms.TypePool, in.PoolId)}
			})},
		{"AssociateOriginationIdentity", handle(a.associateOriginationIdentity), "sms-voice:AssociateOriginationIdentity",
			on(func(c *Call, in *wire.AssociateOriginationIdentityRequest) []string {
				return append(identityARNs(c, in.OriginationIdentity, in.IsoCountryCode), namedARN(c, sms.TypePool, in.PoolId))
			})},
		{"DisassociateOriginationIdentity", handle(a.disassociateOriginationIdentity), "sms-voice:DisassociateOriginationIdentity",
			on(func(c *Call, in *wire.DisassociateOriginationIdentityRequest) []string {
				return append(identityARNs(c, in.OriginationIdentity, in.IsoCountryCode), namedARN(c, sms.TypePool, in.PoolId))
			})},
		{"ListPoolOriginationIdentities", handle(a.listPoolOriginationIdentities), "sms-voice:ListPoolOriginationIdentities",
			on(func(c *Call, in *wire.ListPoolOriginationIdentitiesRequest) []string {
				return []string{namedARN(c, sms.TypePool, in.PoolId)}
			})},
	}
}

// namedARN is the ARN of a resource that a request names by id, name or ARN.
func namedARN(c *Call, t sms.ResourceType, idOrARN string) string {
	if sms.IsARN(idOrARN) {
		return idOrARN
	}
	return c.arn(t, idOrARN)
}

func namedARNs(c *Call, t sms.ResourceType, idsOrARNs []string) []string {
	var arns []string
	for _, id := range idsOrARNs {
		arns = append(arns, namedARN(c, t, id))
	}
	return arns
}

// identityARNs is the ARN of the phone number or sender ID that a request names.
// There is none where it names one that does not exist.
func identityARNs(c *Call, idOrARN string, country *string) []string {
	if sms.IsARN(idOrARN) {
		return []string{idOrARN}
	}
	if strings.HasPrefix(idOrARN, "phone-") {
		return []string{c.arn(sms.TypePhoneNumber, idOrARN)}
	}
	found, err := findIdentity(c, c.Account, idOrARN, country)
	if err != nil {
		return nil
	}
	return []string{c.arn(found.resourceType(), found.id())}
}
