package event

import "heliograph/internal/sms"

// Description is the messageStatusDescription of a status whose event brings no
// words of its own. The text of SUCCESSFUL is the one that the guide shows.
func Description(s sms.Status) string {
	switch s {
	case sms.StatusQueued:
		return "Message is waiting to be sent"
	case sms.StatusPending:
		return "Message is being sent and is not delivered yet"
	case sms.StatusSuccessful:
		return "Message has been accepted by phone carrier"
	case sms.StatusDelivered:
		return "Message has reached the recipient's device"
	case sms.StatusInvalid:
		return "Destination phone number is not valid"
	case sms.StatusUnreachable:
		return "Recipient's device cannot be reached at present"
	case sms.StatusUnknown:
		return "Outcome of the message is not known"
	case sms.StatusBlocked:
		return "Recipient's device does not take messages from this origination identity"
	case sms.StatusCarrierUnreachable:
		return "Recipient's carrier cannot be reached at present"
	case sms.StatusSpam:
		return "Recipient's carrier took the message for spam and stopped it"
	case sms.StatusInvalidMessage:
		return "Body of the message is not valid"
	case sms.StatusCarrierBlocked:
		return "Recipient's carrier refused to deliver the message"
	case sms.StatusTTLExpired:
		return "Time to live of the message ended before it was delivered"
	case sms.StatusProtectBlocked:
		return "Protect configuration filtered the message; it was not sent"
	}
	return "Message status is " + string(s)
}
