package api

import (
	"errors"

	"heliograph/internal/iam"
	identities "heliograph/internal/identity"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

// passRole decides about a role that a request gives: the caller has to be allowed to
// pass it to the service, and it has to be one of the account that trusts the service and
// allows what it is for (guide, chapters 6, 10 and 14). field is the request's. Where
// roles are kept elsewhere (Options.CheckRoles), only those of the account's own are asked
// about, and what they allow is not.
//
// Errors: AccessDenied; Validation INVALID_PARAMETER.
func (a *API) passRole(c *Call, field string, d *identities.Delivery) error {
	if d == nil || d.Role == "" {
		return nil
	}
	if _, account, _, _, _, ok := iam.SplitARN(d.Role); ok && account == c.AccountID {
		if err := c.Authorize("iam:PassRole", d.Role, map[string][]string{
			"iam:passedtoservice": {iam.ServicePrincipal}, "iam:associatedresourcearn": d.Sources[:1]}); err != nil {
			return err
		}
	}
	if !a.checkRoles || a.authority == nil {
		return nil
	}
	if err := a.authority.MayDeliver(d); err != nil {
		return sms.Invalid(sms.ReasonInvalidParameter, field, "%s cannot be used: %v.", field, err)
	}
	return nil
}

// passDestinationRole is passRole for an event destination of a configuration set.
func (a *API) passDestinationRole(c *Call, set string, d *sms.EventDestination) error {
	field := "CloudWatchLogsDestination.IamRoleArn"
	if d.Firehose != nil {
		field = "KinesisFirehoseDestination.IamRoleArn"
	}
	return a.passRole(c, field, identities.EventDelivery(c.AccountID, c.arn(sms.TypeConfigurationSet, set), d))
}

// passNumberRole is passRole for the channel of a phone number.
func (a *API) passNumberRole(c *Call, n *sms.PhoneNumber) error {
	return a.passRole(c, "TwoWayChannelRole", identities.ChannelDelivery(c.AccountID, []string{c.arn(sms.TypePhoneNumber, n.ID)}, n.TwoWay))
}

// passPoolRole is passRole for the channel of a pool. A role that does not name the pool
// has to be one for each of its phone numbers, which messages come to.
func (a *API) passPoolRole(c *Call, tx *resources.Tx, pool *sms.Pool) error {
	arn := c.arn(sms.TypePool, pool.ID)
	err := a.passRole(c, "TwoWayChannelRole", identities.ChannelDelivery(c.AccountID, []string{arn}, pool.TwoWay))
	if denied := (*sms.Error)(nil); err == nil || errors.As(err, &denied) && denied.Kind == sms.KindAccessDenied {
		return err
	}
	numbers := 0
	for _, n := range tx.PhoneNumbers.All() {
		if n.Value.PoolID != pool.ID {
			continue
		}
		numbers++
		sources := []string{c.arn(sms.TypePhoneNumber, n.ID), arn}
		if err := a.passRole(c, "TwoWayChannelRole", identities.ChannelDelivery(c.AccountID, sources, pool.TwoWay)); err != nil {
			return err
		}
	}
	if numbers == 0 {
		return err
	}
	return nil
}
