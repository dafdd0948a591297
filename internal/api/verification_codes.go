package api

import (
	"cmp"
	"context"

	"heliograph/internal/accept"
	"heliograph/internal/api/wire"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
	"heliograph/internal/verification"
)

// sendVerificationCode sends a code to a destination number that is to be verified
// (guide chapter 3). The code counts before it is sent, so that of several requests at
// once each is counted and one alone is the first, which is free. One that is refused
// afterwards is taken back.
//
// Errors: ResourceNotFound; Validation CHANNEL_NOT_ENABLED for VOICE; those of
// verification.Send and of SendTextMessage, but for the sandbox's.
func (a *API) sendVerificationCode(ctx context.Context, c *Call, in *wire.SendDestinationNumberVerificationCodeRequest) (*wire.SendDestinationNumberVerificationCodeResult, error) {
	item, err := find(c, c.Account.VerifiedNumbers, sms.TypeVerifiedNumber, in.VerifiedDestinationNumberId, verifiedNumberID)
	if err != nil {
		return nil, err
	}
	if in.VerificationChannel == wire.VerificationChannelVoice {
		return nil, sms.Invalid(sms.ReasonChannelNotEnabled, "VerificationChannel", "Voice messages are not enabled; VerificationChannel can be %s.", wire.VerificationChannelText)
	}
	code, err := verification.NewCode(a.rand)
	if err != nil {
		return nil, err
	}
	digest := a.codeKey.Digest(c.AccountID, item.ID, code)
	var before sms.VerifiedNumber
	var free bool
	err = a.changeVerifiedNumber(ctx, c, item.ID, func(n sms.VerifiedNumber, tx *resources.Tx) (_ sms.VerifiedNumber, err error) {
		before = n
		n, free, err = verification.Send(n, digest, tx.Now)
		return n, err
	})
	if err != nil {
		return nil, err
	}
	id, err := a.sender.SendVerification(ctx, c.Account, accept.Request{
		Destination:         item.Value.Number,
		OriginationIdentity: value(in.OriginationIdentity),
		Body:                verification.Message(value(in.LanguageCode), code),
		MessageType:         sms.Transactional,
		ConfigurationSet:    value(in.ConfigurationSetName),
		Permit:              c.permit(),
		Owner:               a.lender(c, in.OriginationIdentity),
		Context:             in.Context,
		CountryParameters:   in.DestinationCountryParameters,
		Trace:               c.trace,
	}, free)
	if err != nil {
		if _, refused := sms.AsError(err); refused {
			// Nobody got the code. Where this fails too, an attempt more is counted.
			a.changeVerifiedNumber(context.WithoutCancel(ctx), c, item.ID, func(n sms.VerifiedNumber, _ *resources.Tx) (sms.VerifiedNumber, error) {
				return verification.Withdraw(n, before, digest), nil
			})
		}
		return nil, err
	}
	return &wire.SendDestinationNumberVerificationCodeResult{MessageId: id}, nil
}

// verifyDestinationNumber tries a code. What the try changed is stored before it is
// answered, also where the code is refused.
//
// Errors: ResourceNotFound, and those of verification.Verify.
func (a *API) verifyDestinationNumber(ctx context.Context, c *Call, in *wire.VerifyDestinationNumberRequest) (*wire.VerifyDestinationNumberResult, error) {
	item, err := find(c, c.Account.VerifiedNumbers, sms.TypeVerifiedNumber, in.VerifiedDestinationNumberId, verifiedNumberID)
	if err != nil {
		return nil, err
	}
	digest := a.codeKey.Digest(c.AccountID, item.ID, in.VerificationCode)
	var refusal error
	err = a.changeVerifiedNumber(ctx, c, item.ID, func(n sms.VerifiedNumber, tx *resources.Tx) (_ sms.VerifiedNumber, err error) {
		var changed bool
		if n, changed, err = verification.Verify(n, digest, tx.Now); changed {
			refusal, err = err, nil
		}
		return n, err
	})
	if err = cmp.Or(err, refusal); err != nil {
		return nil, err
	}
	return &wire.VerifyDestinationNumberResult{
		VerifiedDestinationNumberArn: c.arn(sms.TypeVerifiedNumber, item.ID), VerifiedDestinationNumberId: item.ID,
		DestinationPhoneNumber: item.Value.Number, Status: wire.VerificationStatusVerified, CreatedTimestamp: item.Created,
	}, nil
}

// changeVerifiedNumber runs change on a verified destination number and stores what it
// gives.
//
// Errors: ResourceNotFound, where it was deleted meanwhile, and those of change.
func (a *API) changeVerifiedNumber(ctx context.Context, c *Call, id string, change func(sms.VerifiedNumber, *resources.Tx) (sms.VerifiedNumber, error)) error {
	return a.directory.Change(ctx, c.AccountID, func(tx *resources.Tx) error {
		item := tx.VerifiedNumbers.Get(id)
		if item == nil {
			return sms.NotFound(sms.TypeVerifiedNumber, id)
		}
		n, err := change(item.Value, tx)
		if err != nil {
			return err
		}
		tx.VerifiedNumbers.Put(id, n)
		return nil
	})
}

// verificationCodeResources is the ARN of the origination identity that a request
// names, as sendTextMessageResources gives it. A sender ID's country is found where its
// permission is decided.
func verificationCodeResources(c *Call, in *wire.SendDestinationNumberVerificationCodeRequest) []string {
	return sendTextMessageResources(c, &wire.SendTextMessageRequest{OriginationIdentity: in.OriginationIdentity})
}

// destinationCountry is the country that a request sends a verification code to, empty
// for other requests and for numbers that are not there.
func destinationCountry(c *Call, in any) string {
	code, ok := in.(*wire.SendDestinationNumberVerificationCodeRequest)
	if !ok {
		return ""
	}
	item, err := find(c, c.Account.VerifiedNumbers, sms.TypeVerifiedNumber, code.VerifiedDestinationNumberId, verifiedNumberID)
	if err != nil {
		return ""
	}
	return countryOf(item.Value.Number)
}
