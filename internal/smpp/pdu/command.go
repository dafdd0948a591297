package pdu

import "fmt"

// CommandID names the kind of a PDU (SMPP 3.4 section 5.1.2.1).
type CommandID uint32

// The commands of SMPP 3.4.
const (
	CommandGenericNack         CommandID = 0x80000000
	CommandBindReceiver        CommandID = 0x00000001
	CommandBindReceiverResp    CommandID = 0x80000001
	CommandBindTransmitter     CommandID = 0x00000002
	CommandBindTransmitterResp CommandID = 0x80000002
	CommandQuerySM             CommandID = 0x00000003
	CommandQuerySMResp         CommandID = 0x80000003
	CommandSubmitSM            CommandID = 0x00000004
	CommandSubmitSMResp        CommandID = 0x80000004
	CommandDeliverSM           CommandID = 0x00000005
	CommandDeliverSMResp       CommandID = 0x80000005
	CommandUnbind              CommandID = 0x00000006
	CommandUnbindResp          CommandID = 0x80000006
	CommandReplaceSM           CommandID = 0x00000007
	CommandReplaceSMResp       CommandID = 0x80000007
	CommandCancelSM            CommandID = 0x00000008
	CommandCancelSMResp        CommandID = 0x80000008
	CommandBindTransceiver     CommandID = 0x00000009
	CommandBindTransceiverResp CommandID = 0x80000009
	CommandOutbind             CommandID = 0x0000000B
	CommandEnquireLink         CommandID = 0x00000015
	CommandEnquireLinkResp     CommandID = 0x80000015
	CommandSubmitMulti         CommandID = 0x00000021
	CommandSubmitMultiResp     CommandID = 0x80000021
	CommandAlertNotification   CommandID = 0x00000102
	CommandDataSM              CommandID = 0x00000103
	CommandDataSMResp          CommandID = 0x80000103
)

// responseBit is set in the command id of every response.
const responseBit CommandID = 0x80000000

// IsResponse reports whether c answers another PDU; generic_nack does.
func (c CommandID) IsResponse() bool { return c&responseBit != 0 }

// Response is the command that answers c. It means something only where
// HasResponse is true.
func (c CommandID) Response() CommandID { return c | responseBit }

// HasResponse reports whether a peer that receives c owes an answer. outbind and
// alert_notification are not answered, and neither is a response.
func (c CommandID) HasResponse() bool {
	return !c.IsResponse() && c != CommandOutbind && c != CommandAlertNotification
}

// String is the name that the specification gives to the command, or its number
// where it has none.
func (c CommandID) String() string {
	if name, ok := commandNames[c]; ok {
		return name
	}
	return fmt.Sprintf("0x%08X", uint32(c))
}

var commandNames = map[CommandID]string{
	CommandGenericNack:         "generic_nack",
	CommandBindReceiver:        "bind_receiver",
	CommandBindReceiverResp:    "bind_receiver_resp",
	CommandBindTransmitter:     "bind_transmitter",
	CommandBindTransmitterResp: "bind_transmitter_resp",
	CommandQuerySM:             "query_sm",
	CommandQuerySMResp:         "query_sm_resp",
	CommandSubmitSM:            "submit_sm",
	CommandSubmitSMResp:        "submit_sm_resp",
	CommandDeliverSM:           "deliver_sm",
	CommandDeliverSMResp:       "deliver_sm_resp",
	CommandUnbind:              "unbind",
	CommandUnbindResp:          "unbind_resp",
	CommandReplaceSM:           "replace_sm",
	CommandReplaceSMResp:       "replace_sm_resp",
	CommandCancelSM:            "cancel_sm",
	CommandCancelSMResp:        "cancel_sm_resp",
	CommandBindTransceiver:     "bind_transceiver",
	CommandBindTransceiverResp: "bind_transceiver_resp",
	CommandOutbind:             "outbind",
	CommandEnquireLink:         "enquire_link",
	CommandEnquireLinkResp:     "enquire_link_resp",
	CommandSubmitMulti:         "submit_multi",
	CommandSubmitMultiResp:     "submit_multi_resp",
	CommandAlertNotification:   "alert_notification",
	CommandDataSM:              "data_sm",
	CommandDataSMResp:          "data_sm_resp",
}
