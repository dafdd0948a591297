package smpp

import (
	"fmt"
	"time"

	"heliograph/internal/carrier"
	"heliograph/internal/smpp/pdu"
	"heliograph/internal/sms"
)

// rules say what each command_status of an answer means.
type rules map[pdu.Status]StatusRule

// defaultRules follow the descriptions of SMPP 3.4 section 5.1.3 and SMPP 5.0,
// and those of message statuses in the guide, chapter 10:
//
//   - the message centre asks to go slower, or its queue is full: the carrier is
//     left alone for a while;
//   - it, or its bind, is in trouble: the part is tried again;
//   - the recipient's address is wrong: INVALID;
//   - the sender's address or right to send is refused: CARRIER_BLOCKED;
//   - a field is refused: INVALID_MESSAGE, as sending it again will not help;
//   - the network could not be used: CARRIER_UNREACHABLE, or the handset:
//     UNREACHABLE.
//
// What is not here, message centres' own codes among them, is refused as UNKNOWN.
func defaultRules() rules {
	r := rules{}
	add := func(rule StatusRule, statuses ...pdu.Status) {
		for _, s := range statuses {
			r[s] = rule
		}
	}
	refused := func(status sms.Status) StatusRule { return StatusRule{Outcome: RuleRefused, Status: status} }
	add(StatusRule{Outcome: RuleThrottled}, pdu.RThrottled, pdu.RMsgQFul, pdu.RInvBndSts)
	add(StatusRule{Outcome: RuleRetry}, pdu.RSysErr, pdu.RXTAppn)
	add(refused(sms.StatusInvalid), pdu.RInvDstAdr, pdu.RInvDstTON, pdu.RInvDstNPI, pdu.RInvDestFlag,
		pdu.RInvNumDests, pdu.RInvDLName, pdu.RInvDstAddrSubunit)
	add(refused(sms.StatusCarrierBlocked), pdu.RInvSrcAdr, pdu.RInvSrcTON, pdu.RInvSrcNPI, pdu.RInvSrcAddrSubunit,
		pdu.RProhibited, pdu.RSerTypUnauth, pdu.RSerTypDenied, pdu.RXRAppn)
	add(refused(sms.StatusInvalidMessage), pdu.RInvMsgLen, pdu.RInvCmdLen, pdu.RInvCmdID, pdu.RInvPrtFlg,
		pdu.RInvRegDlvFlg, pdu.RInvSerTyp, pdu.RInvEsmClass, pdu.RInvSubRep, pdu.RInvRepFlag, pdu.RInvSched,
		pdu.RInvExpiry, pdu.RInvDftMsgID, pdu.RInvNumMsgs, pdu.RInvOptParStream, pdu.ROptParNotAllwd,
		pdu.RInvParLen, pdu.RMissingOptParam, pdu.RInvOptParamVal, pdu.RInvDCS)
	add(refused(sms.StatusCarrierUnreachable), pdu.RSerTypUnavail)
	add(refused(sms.StatusUnreachable), pdu.RDeliveryFailure)
	return r
}

// newRules puts a profile's rules over the defaults.
func newRules(over map[string]StatusRule) (rules, error) {
	r := defaultRules()
	from := map[pdu.Status]string{}
	for key, rule := range over {
		status, err := pdu.ParseStatus(key)
		if err != nil {
			return nil, err
		}
		if other, twice := from[status]; twice {
			return nil, fmt.Errorf("%s and %s are the same command_status", other, key)
		}
		from[status] = key
		r[status] = rule
	}
	return r, nil
}

// outcome is what an answer other than ESME_ROK means for a part.
func (r rules) outcome(status pdu.Status, pause time.Duration) carrier.Outcome {
	rule, ok := r[status]
	if !ok {
		rule = StatusRule{Outcome: RuleRefused, Status: sms.StatusUnknown}
	}
	o := carrier.Outcome{Code: status.String(), Detail: "the message centre answered " + status.String()}
	switch rule.Outcome {
	case RuleRetry:
		o.Kind = carrier.RetryLater
	case RuleThrottled:
		o.Kind, o.Pause = carrier.RetryLater, pause
	case RuleOtherRoute:
		o.Kind = carrier.OtherRoute
	default:
		o.Kind, o.Status = carrier.Refused, rule.Status
	}
	return o
}
