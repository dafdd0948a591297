package smpp

import (
	"strings"

	"heliograph/internal/smpp/pdu"
	"heliograph/internal/smpp/receipt"
	"heliograph/internal/sms"
)

// stateStatuses is what the final states of SMPP 3.4 section 5.2.28 mean as
// message statuses (guide, chapter 10). EXPIRED is TTL_EXPIRED, since the validity
// period that ended is the message's time to live. A message that was deleted or
// skipped at the message centre failed for a reason that is not told.
var stateStatuses = map[pdu.MessageState]sms.Status{
	pdu.StateDelivered:     sms.StatusDelivered,
	pdu.StateExpired:       sms.StatusTTLExpired,
	pdu.StateDeleted:       sms.StatusUnknown,
	pdu.StateUndeliverable: sms.StatusUnreachable,
	pdu.StateUnknown:       sms.StatusUnknown,
	pdu.StateRejected:      sms.StatusCarrierBlocked,
	pdu.StateSkipped:       sms.StatusUnknown,
}

// stateWords are the words of SMPP 3.4 appendix B. In a profile they, the names
// and the numbers stand for the state wherever it comes from; any other word
// stands for itself alone.
var stateWords = map[string]pdu.MessageState{
	"ENROUTE": pdu.StateEnroute, "DELIVRD": pdu.StateDelivered, "EXPIRED": pdu.StateExpired,
	"DELETED": pdu.StateDeleted, "UNDELIV": pdu.StateUndeliverable, "ACCEPTD": pdu.StateAccepted,
	"UNKNOWN": pdu.StateUnknown, "REJECTD": pdu.StateRejected,
}

// meaning reads ids and receipts the way a profile wants it.
type meaning struct {
	responseIDs, receiptIDs receipt.Format
	words                   map[string]sms.Status // by the text's word
	states                  map[pdu.MessageState]sms.Status
	errors                  map[string]sms.Status // by errorKey
	deactivated             map[string]bool       // by errorKey, of error codes and of words for states
}

// newMeaning takes a profile that has its defaults.
func newMeaning(p Profile) meaning {
	m := meaning{
		responseIDs: p.MessageIDFormat, receiptIDs: p.ReceiptIDFormat,
		words: map[string]sms.Status{}, states: map[pdu.MessageState]sms.Status{}, errors: map[string]sms.Status{},
		deactivated: map[string]bool{},
	}
	for _, code := range p.Deactivated {
		m.deactivated[errorKey(code)] = true
	}
	for key, status := range p.ReceiptStates {
		word := strings.ToUpper(strings.TrimSpace(key))
		state, standard := stateWords[word]
		if parsed, ok := receipt.ParseState(word); !standard && ok {
			state = parsed
			standard = word == parsed.String() || strings.Trim(word, "0123456789") == ""
		}
		if standard {
			m.states[state] = status
		} else {
			m.words[word] = status
		}
	}
	for code, status := range p.ReceiptErrors {
		m.errors[errorKey(code)] = status
	}
	return m
}

// errorKey makes 45, 045 and 0045 the same.
func errorKey(code string) string {
	return strings.TrimLeft(strings.ToUpper(strings.TrimSpace(code)), "0")
}

// canonical is the form of a submit_sm_resp's id that receipts are looked up by.
func (m meaning) canonical(id string) string { return receipt.Canonical(id, m.responseIDs) }

// candidates are what canonical may have given for the message of a receipt.
func (m meaning) candidates(id string) []string {
	if m.responseIDs == receipt.Auto || m.receiptIDs == receipt.Auto {
		return receipt.Candidates(id)
	}
	return []string{receipt.Canonical(id, m.receiptIDs)}
}

// status is what a receipt says of its message; final is false while it may
// still change.
func (m meaning) status(r receipt.Receipt) (status sms.Status, final bool) {
	if r.Intermediate {
		return "", false
	}
	status, final = m.words[strings.ToUpper(r.StateText)]
	if !final && r.HasState {
		if status, final = m.states[r.State]; !final {
			status, final = stateStatuses[r.State]
		}
	}
	if status.Failed() && final {
		if of, ok := m.errors[errorKey(r.Error)]; ok && r.Error != "" {
			status = of
		}
	}
	return status, final
}

// outOfService reports whether a receipt says that its recipient's number is out of
// service for good.
func (m meaning) outOfService(r receipt.Receipt) bool {
	return !r.Intermediate && (r.Error != "" && m.deactivated[errorKey(r.Error)] || r.StateText != "" && m.deactivated[errorKey(r.StateText)])
}
