// Package receipt reads delivery receipts as message centres send them in deliver_sm
// and data_sm: by optional parameters (SMPP 3.4 sections 5.3.2.12, 5.3.2.31 and
// 5.3.2.35), by the text that SMPP 3.4 appendix B describes as one vendor's and
// nearly all others use, or both.
package receipt

import (
	"fmt"
	"time"

	"heliograph/internal/smpp/pdu"
)

// Receipt is what a message centre says about a message it was given.
type Receipt struct {
	// ID is the message's id as the receipt has it, which need not be how the
	// submit_sm_resp had it: see Candidates and Canonical.
	ID string
	// State is where the message stands; it means something only with HasState.
	State    pdu.MessageState
	HasState bool
	// StateText is the text's word for the state, as it came; empty without text.
	StateText string
	// Error is the reason in the message centre's or the network's own numbering:
	// the code of network_error_code in decimal with at least three digits where that
	// is not 0, else the text's err.
	Error string
	// Network is the network type of network_error_code, 0 without.
	Network uint8
	// Submitted and Delivered count the message parts; HasCounts says that they came.
	Submitted, Delivered int
	HasCounts            bool
	SubmittedAt          time.Time // zero without
	DoneAt               time.Time // when the state was reached; zero without
	Text                 string    // the beginning of the message, where it is repeated
	// Intermediate is true for a notification that precedes the receipt proper.
	Intermediate bool
}

// Final reports whether the receipt tells the end of its message.
func (r Receipt) Final() bool { return r.HasState && r.State.Final() && !r.Intermediate }

// FromDeliver reads a deliver_sm. It is false where that is not a receipt: where
// neither esm_class nor receipted_message_id says so, since any subscriber can send
// a text that looks like one. A receipt that cannot be read has neither ID nor state.
// Times in the text are taken to be in zone, which is UTC where nil.
func FromDeliver(p *pdu.DeliverSM, zone *time.Location) (Receipt, bool) {
	return fromMessage(p.ESMClass, p.DataCoding, p.TLVs, p.Body(), zone)
}

// FromData reads a data_sm as FromDeliver reads a deliver_sm.
func FromData(p *pdu.DataSM, zone *time.Location) (Receipt, bool) {
	return fromMessage(p.ESMClass, p.DataCoding, p.TLVs, p.Body(), zone)
}

func fromMessage(class pdu.ESMClass, coding pdu.DataCoding, list pdu.TLVs, body []byte, zone *time.Location) (Receipt, bool) {
	id, hasID := list.ReceiptedMessageID()
	intermediate := class.Type() == pdu.ESMIntermediateNotification
	if class.Type() != pdu.ESMDeliveryReceipt && !intermediate && !hasID {
		return Receipt{}, false
	}
	if class.UDHI() && len(body) > 0 && int(body[0]) < len(body) {
		body = body[1+int(body[0]):]
	}
	r, _ := ParseText(decode(coding, body), zone)
	r.Intermediate = intermediate
	if id = clean(id); id != "" {
		r.ID = id
	}
	if state, ok := list.MessageState(); ok && state <= pdu.StateSkipped {
		r.State, r.HasState = state, true
	}
	if e, ok := list.NetworkErrorCode(); ok {
		r.Network = e.Network
		if e.Code != 0 || r.Error == "" {
			r.Error = fmt.Sprintf("%03d", e.Code)
		}
	}
	return r, true
}
