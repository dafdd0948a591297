package smpp

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"

	"heliograph/internal/carrier"
	"heliograph/internal/encode"
	"heliograph/internal/numbering"
	"heliograph/internal/smpp"
	"heliograph/internal/smpp/pdu"
	"heliograph/internal/smpp/receipt"
)

// maxWaiting is how many receipts and inbound parts may wait for the sink; those
// above are answered with a temporary error at once.
const maxWaiting = 10_000

// incoming is a deliver_sm or data_sm.
type incoming struct {
	request             pdu.PDU
	source, destination pdu.Address
	class               pdu.ESMClass
	coding              pdu.DataCoding
	tlvs                pdu.TLVs
	body                []byte
	receipt             receipt.Receipt
	isReceipt           bool
}

// receive is given every request of the message centre. It does not wait.
func (l *link) receive(s *smpp.Session, request pdu.PDU) {
	var in incoming
	switch p := request.(type) {
	case *pdu.DeliverSM:
		in = incoming{source: p.Source, destination: p.Destination, class: p.ESMClass, coding: p.DataCoding, tlvs: p.TLVs, body: p.Body()}
		in.receipt, in.isReceipt = receipt.FromDeliver(p, nil)
	case *pdu.DataSM:
		in = incoming{source: p.Source, destination: p.Destination, class: p.ESMClass, coding: p.DataCoding, tlvs: p.TLVs, body: p.Body()}
		in.receipt, in.isReceipt = receipt.FromData(p, nil)
	default:
		if response := pdu.ResponseTo(request, pdu.RInvCmdID); response != nil {
			s.Respond(response)
		}
		return
	}
	in.request = request
	l.carrier.take(s, l, in)
}

// take brings in to the sink, and answers once the sink has it for good.
func (c *Carrier) take(s *smpp.Session, l *link, in incoming) {
	if c.counts.waitingForSink.Add(1) > maxWaiting {
		c.answer(s, in, fmt.Errorf("%d receipts and messages wait to be kept", maxWaiting))
		return
	}
	done := func(err error) { c.answer(s, in, err) }
	content := in.content(c.config.Profile.DefaultAlphabet)
	part := content.part
	if !in.isReceipt && *c.config.Profile.UnmarkedReceipts && in.class.Type() == pdu.ESMDefaultType && part.Total == 0 {
		in.receipt, in.isReceipt = unmarkedReceipt(in.plain())
	}
	switch {
	case in.isReceipt && in.receipt.ID != "":
		c.counts.receipts.Add(1)
		c.sink.Receipt(c.receiptOf(in), done)
	case in.isReceipt, in.class.Type() != pdu.ESMDefaultType:
		// It names no message, or is an acknowledgement by a handset that was not
		// asked for. To have it sent again would not help.
		c.counts.unreadable.Add(1)
		l.log.Warn("passed over: it says nothing about a message",
			"command", in.request.Command().String(), "esm_class", fmt.Sprintf("0x%02x", uint8(in.class)))
		done(nil)
	default:
		c.counts.inbound.Add(1)
		m := carrier.Inbound{
			Carrier: c.name, From: c.config.Profile.number(in.source), To: c.config.Profile.number(in.destination),
			Text: content.text, Head: content.head, Tail: content.tail, Binary: content.binary, Total: 1, Number: 1, At: time.Now(),
		}
		if part.Total > 1 {
			m.Reference, m.Reference16, m.Total, m.Number = part.Reference, part.Reference16, int(part.Total), int(part.Sequence)
		}
		c.sink.Inbound(m, done)
	}
}

// answer acknowledges what the sink keeps, and asks to have the rest sent again.
func (c *Carrier) answer(s *smpp.Session, in incoming, err error) {
	c.counts.waitingForSink.Add(^uint64(0))
	status := pdu.ROK
	if err != nil {
		status = pdu.RXTAppn
		c.counts.notKept.Add(1)
		c.log.Warn("not kept; the message centre is asked to send it again", "command", in.request.Command().String(), "error", err)
	}
	// A session that has ended cannot be answered; the message centre sends it
	// again on the next.
	_ = s.Respond(pdu.ResponseTo(in.request, status))
}

func (c *Carrier) receiptOf(in incoming) carrier.Receipt {
	r := carrier.Receipt{
		Carrier: c.name, CarrierMessageIDs: c.meaning.candidates(in.receipt.ID),
		Destination: in.source.Addr, Code: in.receipt.Error, Detail: detail(in), At: time.Now(),
	}
	r.Status, r.Final = c.meaning.status(in.receipt)
	r.Deactivated = c.meaning.outOfService(in.receipt)
	return r
}

// maxDetail bounds what is kept of a receipt's text, in octets.
const maxDetail = 500

// detail is the receipt as it came: its text, and what optional parameters add.
func detail(in incoming) string {
	var words []string
	if text := strings.TrimRight(in.plain(), "\x00 \r\n"); text != "" {
		words = append(words, text)
	}
	if id, ok := in.tlvs.ReceiptedMessageID(); ok {
		words = append(words, "receipted_message_id="+id)
	}
	if state, ok := in.tlvs.MessageState(); ok {
		words = append(words, "message_state="+state.String())
	}
	if e, ok := in.tlvs.NetworkErrorCode(); ok {
		words = append(words, fmt.Sprintf("network_error_code=%d/%d", e.Network, e.Code))
	}
	all := strings.ToValidUTF8(strings.Join(words, " "), "\uFFFD")
	if len(all) > maxDetail {
		end := maxDetail
		for !utf8.RuneStart(all[end]) {
			end--
		}
		all = all[:end]
	}
	return all
}

// plain is the body of a receipt: ASCII whatever the alphabet of data_coding 0 is,
// but for the underscore of ids, which may come from the GSM alphabet.
func (in incoming) plain() string {
	if in.coding == pdu.DataCodingUCS2 {
		return encode.DecodeUCS2(in.body)
	}
	return strings.ReplaceAll(string(in.body), "\x11", "_")
}

// unmarkedReceipt reads a text that has every field of SMPP 3.4 appendix B.
func unmarkedReceipt(text string) (receipt.Receipt, bool) {
	r, ok := receipt.ParseText(text, nil)
	return r, ok && r.ID != "" && r.HasState && r.HasCounts && !r.SubmittedAt.IsZero() && !r.DoneAt.IsZero()
}

// longestShortCode is the most digits that a short code has; no number in E.164 format
// is so short.
const longestShortCode = 6

// number writes an address as the rest of the service does: phone numbers in E.164
// format with their +, short codes without, all else as it came. An address whose type
// is not known, and that could be in E.164 format, is taken to be.
func (p Profile) number(a pdu.Address) string {
	digits, plus := strings.CutPrefix(a.Addr, "+")
	if digits == "" || strings.Trim(digits, "0123456789") != "" || a.TON == pdu.TONAlphanumeric {
		return a.Addr
	}
	switch {
	case len(digits) <= longestShortCode:
		return digits
	case plus:
		return a.Addr
	case a.TON == pdu.TONInternational:
		return "+" + strings.TrimPrefix(digits, "00")
	case a.TON == pdu.TONNational && p.NationalCallingCode != "":
		if n, err := numbering.Parse(p.NationalCallingCode + digits); err == nil { // Italian numbers keep their 0
			return n.E164
		}
		return "+" + p.NationalCallingCode + strings.TrimLeft(digits, "0")
	case a.TON == pdu.TONUnknown:
		if n, err := numbering.Parse(strings.TrimPrefix(digits, "00")); err == nil {
			return n.E164
		}
	}
	return a.Addr
}

// content is what a body holds: text, or binary data, of which there is none. The part's
// Total is 0 for a message that is whole.
type content struct {
	text       string
	head, tail uint16 // see carrier.Inbound
	binary     bool
	part       encode.Concatenation
}

// content reads the body: header, then text or data. The part is by the header, or by
// the sar parameters.
func (in incoming) content(alphabet encode.Alphabet) (c content) {
	body := in.body
	header := 0
	if in.class.UDHI() {
		if h, rest, err := encode.ParseUDH(body); err == nil {
			c.part, header, body = h.Concatenation, h.Length, rest
		}
	} else if segment, ok := in.tlvs.Segment(); ok {
		c.part = encode.Concatenation{Reference: segment.Reference, Reference16: true, Total: segment.Total, Sequence: segment.Number}
	}
	if octets(in.coding) {
		c.binary = true
		return c
	}
	if c.part.Total > 1 && ucs2(in.coding) {
		body, c.head, c.tail = encode.CutHalves(body)
	}
	c.text = decode(body, in.coding, alphabet, header)
	return c
}

// ucs2 reports whether data_coding says UCS-2.
func ucs2(coding pdu.DataCoding) bool {
	return coding == pdu.DataCodingUCS2 || coding >= 0x10 && coding < 0x80 && coding&0x0C == 0x08 || coding&0xF0 == 0xE0
}

// octets reports whether data_coding says that there is no text: the two values of SMPP
// 3.4 section 5.2.19, and 8-bit data of 3GPP TS 23.038 section 4.
func octets(coding pdu.DataCoding) bool {
	return coding == pdu.DataCodingOctets || coding == pdu.DataCodingOctetsAlt ||
		coding >= 0x10 && coding < 0x80 && coding&0x0C == 0x04 || coding&0xF4 == 0xF4
}

// decode reads octets by their data_coding: the values of SMPP 3.4 section 5.2.19,
// and above them those of 3GPP TS 23.038 section 4. What has no table here is read as
// Latin-1, which keeps every octet.
func decode(body []byte, coding pdu.DataCoding, alphabet encode.Alphabet, header int) string {
	switch {
	case ucs2(coding):
		return encode.DecodeUCS2(body)
	case coding == pdu.DataCodingCyrillic:
		return decodeCharmap(charmap.ISO8859_5, body)
	case coding == pdu.DataCodingHebrew:
		return decodeCharmap(charmap.ISO8859_8, body)
	case coding == pdu.DataCodingJIS:
		return decodeWide(japanese.ShiftJIS, body)
	case coding == pdu.DataCodingISO2022JP:
		return decodeWide(japanese.ISO2022JP, body)
	case coding == pdu.DataCodingExtendedKanji:
		return decodeWide(japanese.EUCJP, body)
	case coding == pdu.DataCodingKSC5601:
		return decodeWide(korean.EUCKR, body)
	case coding == pdu.DataCodingDefault, coding >= 0x10 && coding < 0x80 && coding&0x0C == 0,
		coding >= 0xC0 && coding < 0xE0, coding&0xF4 == 0xF0:
		switch alphabet {
		case encode.AlphabetLatin1, encode.AlphabetASCII:
		case encode.AlphabetGSMPacked:
			return encode.DecodeGSM(encode.UnpackSeptets(body, header, -1))
		default:
			return encode.DecodeGSM(body)
		}
	}
	return encode.DecodeLatin1(body)
}

// decodeWide reads characters of one or more octets. What is none becomes U+FFFD.
func decodeWide(from encoding.Encoding, body []byte) string {
	text, err := from.NewDecoder().Bytes(body)
	if err != nil {
		return encode.DecodeLatin1(body)
	}
	return strings.ToValidUTF8(string(text), "\uFFFD")
}

func decodeCharmap(from *charmap.Charmap, body []byte) string {
	var out strings.Builder
	for _, octet := range body {
		out.WriteRune(from.DecodeByte(octet))
	}
	return out.String()
}
