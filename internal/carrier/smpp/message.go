package smpp

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"heliograph/internal/carrier"
	"heliograph/internal/encode"
	"heliograph/internal/smpp/pdu"
	"heliograph/internal/sms"
)

// errExpired is a part whose validity period is over.
var errExpired = errors.New("the message's time to live is over")

// submitSM writes a part the way the profile, with its defaults, wants it.
func (p Profile) submitSM(part carrier.Part, now time.Time) (*pdu.SubmitSM, error) {
	validity, err := p.validityPeriod(part.Expires, now)
	if err != nil {
		return nil, err
	}
	m := &pdu.SubmitSM{
		ServiceType:    p.ServiceType,
		Source:         p.sourceAddress(part),
		Destination:    p.address(part.Destination, *p.Destination, p.DestinationPlus),
		ValidityPeriod: validity,
	}
	if *p.Receipts {
		m.RegisteredDelivery = pdu.ReceiptFinal
	}
	if err := p.writeText(m, part); err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(part.CountryParameters)) {
		if tag, ok := p.CountryParameters[name]; ok {
			m.TLVs = append(m.TLVs, pdu.TLV{Tag: pdu.Tag(tag), Value: []byte(part.CountryParameters[name])})
		}
	}
	return m, nil
}

// writeText puts header and text where the long-message style has them.
func (p Profile) writeText(m *pdu.SubmitSM, part carrier.Part) error {
	var body []byte
	concatenated := part.Total > 1
	number, total := byte(part.Number), byte(part.Total)
	if concatenated {
		switch {
		case p.LongMessages == SAR:
			m.TLVs.SetSegment(pdu.Segment{Reference: part.Reference, Total: total, Number: number})
		case p.LongMessages == UDH16 && part.Reference16:
			body = encode.AppendUDH16(body, part.Reference, total, number)
		default: // parts cut without room for 16 bits do not fit beside them
			body = encode.AppendUDH8(body, byte(part.Reference), total, number)
		}
	}
	header := len(body)
	if header > 0 {
		m.ESMClass |= pdu.ESMUDHI
	}
	body, written, err := encode.AppendPayload(body, part.Text, part.Encoding, p.DefaultAlphabet, header)
	if err != nil {
		return err
	}
	if concatenated && written != part.Encoding {
		// The other parts may be in the default alphabet, and handsets join only
		// parts that are alike.
		return encode.ErrNotRepresentable
	}
	m.DataCoding = pdu.DataCoding(p.DataCoding)
	if written == encode.Unicode {
		m.DataCoding = pdu.DataCodingUCS2
	}
	if concatenated && p.LongMessages == Payload {
		m.TLVs.Set(pdu.TagMessagePayload, body)
	} else {
		m.ShortMessage = body
	}
	return nil
}

// validityPeriod is the part's last moment in the profile's form.
func (p Profile) validityPeriod(expires, now time.Time) (string, error) {
	if expires.IsZero() {
		return "", nil
	}
	left := expires.Sub(now)
	if left <= 0 {
		return "", errExpired
	}
	switch p.Validity {
	case ValidityRelative:
		return pdu.FormatRelative(left)
	case ValidityNone:
		return "", nil
	}
	return pdu.FormatTime(expires.UTC())
}

// sourceAddress types the origination identity by what it is. A shared route's
// may be any of the three.
func (p Profile) sourceAddress(part carrier.Part) pdu.Address {
	from := part.Origination
	digits := strings.TrimPrefix(from, "+")
	numeric := digits != "" && strings.Trim(digits, "0123456789") == ""
	types := p.Source.Alphanumeric
	switch {
	case part.Kind == sms.IdentitySenderID, !numeric:
	case part.NumberType == sms.ShortCode, part.Kind == sms.IdentitySharedRoute && !strings.HasPrefix(from, "+"):
		types = p.Source.ShortCode
	default:
		types = p.Source.PhoneNumber
	}
	return p.address(from, *types, p.SourcePlus)
}

func (p Profile) address(addr string, types AddressType, plus bool) pdu.Address {
	if !plus {
		addr = strings.TrimPrefix(addr, "+")
	}
	return pdu.Address{TON: pdu.TON(types.TON), NPI: pdu.NPI(types.NPI), Addr: addr}
}

// notWritable is the outcome of a part that cannot be made into a submit_sm.
func notWritable(err error) carrier.Outcome {
	o := carrier.Outcome{Kind: carrier.Refused, Status: sms.StatusInvalidMessage, Code: codeNotWritable, Detail: err.Error()}
	var field *pdu.FieldError
	switch {
	case errors.Is(err, errExpired):
		o.Status, o.Code = sms.StatusTTLExpired, codeExpired
	case errors.As(err, &field) && field.Field == "destination_addr":
		o.Status = sms.StatusInvalid
	}
	return o
}

// The codes of outcomes that no message centre gave.
const (
	codeNotWritable = "not_writable" // the part does not fit into a submit_sm
	codeExpired     = "expired"      // its validity period was over before it was written
	codeNoSession   = "no_session"   // nothing is bound
	codeWindowFull  = "window_full"
	codeNoAnswer    = "no_answer" // it was written, and the session ended or the time passed
)
