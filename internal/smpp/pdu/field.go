package pdu

// field is a C-octet string of a PDU: a name, the largest sizes in octets with the
// terminating NUL, and the status that answers a value which is too long.
//
// write is the size of SMPP 3.4 section 4, but for system_id and password: message
// centres hand out longer ones than the specification has room for, and then
// expect them. read is how much is accepted from a peer.
type field struct {
	name   string
	write  int
	read   int
	status Status
}

var (
	fieldSystemID     = &field{"system_id", 64, 256, RInvSysID}
	fieldPassword     = &field{"password", 64, 256, RInvPaswd}
	fieldSystemType   = &field{"system_type", 13, 256, RInvSysTyp}
	fieldAddressRange = &field{"address_range", 41, 256, RBindFail}
	fieldServiceType  = &field{"service_type", 6, 64, RInvSerTyp}
	fieldSource       = &field{"source_addr", 21, 66, RInvSrcAdr}
	fieldDestination  = &field{"destination_addr", 21, 66, RInvDstAdr}
	fieldLongSource   = &field{"source_addr", 65, 256, RInvSrcAdr}
	fieldLongDest     = &field{"destination_addr", 65, 256, RInvDstAdr}
	fieldESMEAddr     = &field{"esme_addr", 65, 256, RInvDstAdr}
	fieldSchedule     = &field{"schedule_delivery_time", 17, 64, RInvSched}
	fieldValidity     = &field{"validity_period", 17, 64, RInvExpiry}
	fieldFinalDate    = &field{"final_date", 17, 64, RInvSched}
	fieldMessageID    = &field{"message_id", 65, 256, RInvMsgID}
	fieldDLName       = &field{"dl_name", 21, 66, RInvDLName}
)
