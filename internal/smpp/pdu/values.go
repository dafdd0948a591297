package pdu

import "fmt"

// TON is a type of number (SMPP 3.4 section 5.2.5).
type TON uint8

// The types of number.
const (
	TONUnknown          TON = 0
	TONInternational    TON = 1
	TONNational         TON = 2
	TONNetworkSpecific  TON = 3
	TONSubscriberNumber TON = 4
	TONAlphanumeric     TON = 5
	TONAbbreviated      TON = 6
)

// NPI is a numbering plan indicator (SMPP 3.4 section 5.2.6).
type NPI uint8

// The numbering plans.
const (
	NPIUnknown    NPI = 0
	NPIISDN       NPI = 1 // E.163 and E.164
	NPIData       NPI = 3 // X.121
	NPITelex      NPI = 4 // F.69
	NPILandMobile NPI = 6 // E.212
	NPINational   NPI = 8
	NPIPrivate    NPI = 9
	NPIERMES      NPI = 10
	NPIInternet   NPI = 14
	NPIWAPClient  NPI = 18
)

// ESMClass is the esm_class of a message (SMPP 3.4 section 5.2.12): the low two
// bits are its mode, the next four its type, the high two GSM features.
type ESMClass uint8

// The parts of an esm_class.
const (
	ESMDefaultMode     ESMClass = 0x00
	ESMDatagram        ESMClass = 0x01
	ESMForward         ESMClass = 0x02
	ESMStoreAndForward ESMClass = 0x03
	ESMModeMask        ESMClass = 0x03

	ESMDefaultType              ESMClass = 0x00
	ESMDeliveryReceipt          ESMClass = 0x04
	ESMDeliveryAcknowledgement  ESMClass = 0x08
	ESMManualAcknowledgement    ESMClass = 0x10
	ESMConversationAbort        ESMClass = 0x18
	ESMIntermediateNotification ESMClass = 0x20
	ESMTypeMask                 ESMClass = 0x3C

	ESMUDHI      ESMClass = 0x40
	ESMReplyPath ESMClass = 0x80
)

// Mode is the messaging mode.
func (e ESMClass) Mode() ESMClass { return e & ESMModeMask }

// Type is the message type.
func (e ESMClass) Type() ESMClass { return e & ESMTypeMask }

// UDHI reports whether the body begins with a user data header.
func (e ESMClass) UDHI() bool { return e&ESMUDHI != 0 }

// RegisteredDelivery asks for receipts and acknowledgements (SMPP 3.4 section 5.2.17).
type RegisteredDelivery uint8

// The parts of registered_delivery. ReceiptOnSuccess is SMPP 5.0's.
const (
	ReceiptNone              RegisteredDelivery = 0x00
	ReceiptFinal             RegisteredDelivery = 0x01
	ReceiptOnFailure         RegisteredDelivery = 0x02
	ReceiptOnSuccess         RegisteredDelivery = 0x03
	ReceiptMask              RegisteredDelivery = 0x03
	AcknowledgeDelivery      RegisteredDelivery = 0x04
	AcknowledgeManual        RegisteredDelivery = 0x08
	AcknowledgeMask          RegisteredDelivery = 0x0C
	IntermediateNotification RegisteredDelivery = 0x10
)

// DataCoding says how the octets of a body are to be read (SMPP 3.4 section 5.2.19).
type DataCoding uint8

// The data codings. What DataCodingDefault means is the message centre's choice.
const (
	DataCodingDefault       DataCoding = 0x00
	DataCodingIA5           DataCoding = 0x01
	DataCodingOctetsAlt     DataCoding = 0x02
	DataCodingLatin1        DataCoding = 0x03
	DataCodingOctets        DataCoding = 0x04
	DataCodingJIS           DataCoding = 0x05
	DataCodingCyrillic      DataCoding = 0x06
	DataCodingHebrew        DataCoding = 0x07
	DataCodingUCS2          DataCoding = 0x08
	DataCodingPictogram     DataCoding = 0x09
	DataCodingISO2022JP     DataCoding = 0x0A
	DataCodingExtendedKanji DataCoding = 0x0D
	DataCodingKSC5601       DataCoding = 0x0E
	DataCodingWaiting       DataCoding = 0xC0 // GSM message waiting indication control
	DataCodingClass         DataCoding = 0xF0 // GSM message class control
)

// The interface versions that a bind can announce (SMPP 3.4 section 5.2.4).
const (
	Version33 uint8 = 0x33
	Version34 uint8 = 0x34
	Version50 uint8 = 0x50
)

// MessageState is where a message stands at the message centre (SMPP 3.4 section
// 5.2.28). Scheduled and Skipped are SMPP 5.0's.
type MessageState uint8

// The states of a message.
const (
	StateScheduled     MessageState = 0
	StateEnroute       MessageState = 1
	StateDelivered     MessageState = 2
	StateExpired       MessageState = 3
	StateDeleted       MessageState = 4
	StateUndeliverable MessageState = 5
	StateAccepted      MessageState = 6
	StateUnknown       MessageState = 7
	StateRejected      MessageState = 8
	StateSkipped       MessageState = 9
)

var stateNames = [...]string{
	"SCHEDULED", "ENROUTE", "DELIVERED", "EXPIRED", "DELETED", "UNDELIVERABLE",
	"ACCEPTED", "UNKNOWN", "REJECTED", "SKIPPED",
}

// String is the specification's name of the state, or its number.
func (m MessageState) String() string {
	if int(m) < len(stateNames) {
		return stateNames[m]
	}
	return fmt.Sprintf("%d", uint8(m))
}

// Final reports whether a message in this state changes no more. ACCEPTED is not
// final here: message centres use it for "taken over, nothing known yet".
func (m MessageState) Final() bool {
	switch m {
	case StateDelivered, StateExpired, StateDeleted, StateUndeliverable, StateUnknown, StateRejected, StateSkipped:
		return true
	}
	return false
}

// Address is a number or name with its type and numbering plan.
type Address struct {
	TON  TON
	NPI  NPI
	Addr string
}
