package api

import (
	"heliograph/internal/api/wire"
	"heliograph/internal/sms"
)

func (a *API) poolOperations() []operation {
	return []operation{
		{"CreatePool", handle(a.createPool), "sms-voice:CreatePool",
			on(func(c *Call, in *wire.CreatePoolRequest) []string {
				return append(identityARNs(c, in.OriginationIdentity, in.IsoCountryCode), c.arn(sms.TypePool, "*"))
			})},
		{"DescribePools", handle(a.describePools), "sms-voice:DescribePools",
			on(func(c *Call, in *wire.DescribePoolsRequest) []string { return namedARNs(c, sms.TypePool, in.PoolIds) })},
		{"UpdatePool", handle(a.updatePool), "sms-voice:UpdatePool",
			on(func(c *Call, in *wire.UpdatePoolRequest) []string {
				return append(othersList(c, in.OptOutListName), namedARN(c, sms.TypePool, in.PoolId))
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
func identityARNs(c *Call, idOrARN string, country *string) []string {
	return []string{identityARN(c, idOrARN, value(country))}
}
