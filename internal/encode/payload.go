package encode

import "errors"

// maxOctets is the user data of one message part, header included (TS 23.040
// section 9.2.3.16).
const maxOctets = 140

// ErrNotRepresentable is returned for a part that a carrier's alphabet lacks
// and that is too long to be sent as UCS-2 instead.
var ErrNotRepresentable = errors.New("message part cannot be written in the carrier's alphabet and is too long for UCS-2")

// AppendPayload appends the octets of one part's text to dst, without header,
// for a carrier that reads data_coding 0 as alphabet. encoding is that of the
// message: the parts of a Unicode message are all UCS-2, whatever characters
// they hold. udhLen is the length in octets of the user data header that the
// part carries, 0 for none; it decides the fill bits of packed septets.
//
// It returns what was written: GSM where the octets are data_coding 0, Unicode
// where they are UCS-2 and data_coding is 8. A GSM part whose characters the
// alphabet lacks becomes Unicode if it fits beside the header and is
// ErrNotRepresentable otherwise; a message that was cut by SplitWith with the
// same alphabet has no such part.
func AppendPayload(dst []byte, text string, encoding Encoding, alphabet Alphabet, udhLen int) ([]byte, Encoding, error) {
	if encoding == GSM {
		if out, ok := appendAlphabet(dst, text, alphabet, udhLen); ok {
			return out, GSM, nil
		}
	}
	out := AppendUCS2(dst, text)
	if len(out)-len(dst)+udhLen > maxOctets {
		return dst, "", ErrNotRepresentable
	}
	return out, Unicode, nil
}

func appendAlphabet(dst []byte, text string, alphabet Alphabet, udhLen int) ([]byte, bool) {
	switch alphabet {
	case AlphabetLatin1:
		return AppendLatin1(dst, text)
	case AlphabetASCII:
		return AppendASCII(dst, text)
	case AlphabetGSMPacked:
		var room [singleSeptets]byte
		septets, ok := AppendGSM(room[:0], text)
		if !ok {
			return dst, false
		}
		return PackSeptets(dst, septets, udhLen), true
	}
	return AppendGSM(dst, text)
}
