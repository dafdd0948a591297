package api

import (
	"regexp"

	"heliograph/internal/numbering"
	"heliograph/internal/sms"
)

// twoWayChange is what UpdatePhoneNumber and UpdatePool ask to be changed about
// incoming messages. What is nil stays, but for two things that belong together:
// a new channel comes with its role or without one, and turning two-way off
// drops the channel that was there.
type twoWayChange struct {
	enabled            *bool
	channelARN         *string
	channelRole        *string
	selfManagedOptOuts *bool
}

// apply gives the settings as they will be. A channel without a word about
// two-way turns it on, as the guide's command for pools does (chapter 6,
// "Two-way SMS messaging").
//
// Errors: Validation INVALID_ARN for a channel or role of a wrong form,
// TWO_WAY_CHANNEL_NOT_PRESENT for two-way or a role without a channel,
// TWO_WAY_NOT_ENABLED for self-managed opt-outs without two-way.
func (c twoWayChange) apply(t sms.TwoWay, selfManagedOptOuts bool) (sms.TwoWay, bool, error) {
	if err := c.checkForm(); err != nil {
		return t, selfManagedOptOuts, err
	}
	enabled := t.Enabled || c.channelARN != nil
	if c.enabled != nil {
		enabled = *c.enabled
	}
	if c.channelARN != nil {
		t = sms.TwoWay{ChannelARN: *c.channelARN}
	} else if !enabled {
		t = sms.TwoWay{}
	}
	t.Enabled = enabled
	if c.channelRole != nil {
		t.ChannelRole = *c.channelRole
	}
	if c.selfManagedOptOuts != nil {
		selfManagedOptOuts = *c.selfManagedOptOuts
	}
	switch {
	case t.Enabled && t.ChannelARN == "":
		return t, selfManagedOptOuts, sms.Invalid(sms.ReasonTwoWayChannelNotPresent, "TwoWayChannelArn",
			"Two-way messages need a channel: an Amazon SNS topic or connect.REGION.amazonaws.com.")
	case t.ChannelRole != "" && t.ChannelARN == "":
		return t, selfManagedOptOuts, sms.Invalid(sms.ReasonTwoWayChannelNotPresent, "TwoWayChannelRole",
			"A role is of use only with a channel, and there is none.")
	case selfManagedOptOuts && !t.Enabled:
		return t, selfManagedOptOuts, sms.Invalid(sms.ReasonTwoWayNotEnabled, "SelfManagedOptOutsEnabled",
			"Self-managed opt-outs need two-way messages, and they are off.")
	}
	return t, selfManagedOptOuts, nil
}

func (c twoWayChange) checkForm() error {
	if c.channelARN != nil {
		if err := checkChannel("TwoWayChannelArn", *c.channelARN); err != nil {
			return err
		}
	}
	if c.channelRole != nil {
		return checkRole("TwoWayChannelRole", *c.channelRole)
	}
	return nil
}

// The two ways to name Amazon Connect as a channel: the guide's (chapter 6) and
// the ARN of the instance.
var (
	connectName     = regexp.MustCompile(`^connect\.[a-z0-9-]+\.amazonaws\.com(\.cn)?$`)
	connectInstance = regexp.MustCompile(`^arn:aws[a-z-]*:connect:[a-z0-9-]+:[0-9]{12}:instance/[A-Za-z0-9-]{1,100}$`)
)

// checkChannel refuses what cannot take messages that come in: only Amazon
// Connect and a standard SNS topic can.
func checkChannel(field, channel string) error {
	if connectName.MatchString(channel) || connectInstance.MatchString(channel) {
		return nil
	}
	return checkTopic(field, channel)
}

// checkTakesMessages refuses two-way messages for a phone number whose country
// has none, or whose carrier brings none in.
func checkTakesMessages(n sms.PhoneNumber) error {
	country, served := numbering.Lookup(n.Country)
	switch {
	case !served || !country.TwoWay:
		return sms.Invalid(sms.ReasonTwoWayNotSupportedInCountry, "TwoWayEnabled",
			"Phone number %s is of %s, where two-way messages are not supported.", n.ID, n.Country)
	case !n.TwoWayOffered:
		return sms.Invalid(sms.ReasonTwoWayNotSupportedInCountry, "TwoWayEnabled",
			"The carrier of phone number %s brings no messages in.", n.ID)
	}
	return nil
}
