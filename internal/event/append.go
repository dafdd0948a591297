package event

import (
	"maps"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"heliograph/internal/sms"
)

// version is the eventVersion of the guide's example.
const version = "1.0"

// Record is what one event adds to its message.
type Record struct {
	Status      sms.Status
	At          time.Time
	Final       bool       // no other event of the message will be final
	Description string     // empty: the status's own
	Route       *sms.Route // nil: the message's own
}

// Append adds the event's JSON object to dst, on one line and without a line
// end. Members, their order and their types are those of the guide's SMS example
// log: times are Unix milliseconds, prices US dollars for all parts together,
// context is an object even if it is empty, with its keys sorted. The same
// arguments always give the same bytes.
func Append(dst []byte, messageID string, m *sms.Message, r Record) []byte {
	identity := m.Route.Identity
	if r.Route != nil {
		identity = r.Route.Identity
	}
	description := r.Description
	if description == "" {
		description = Description(r.Status)
	}
	dst = append(dst, `{"eventType":`...)
	dst = appendString(dst, r.Status.EventType())
	dst = append(dst, `,"eventVersion":"`+version+`","eventTimestamp":`...)
	dst = strconv.AppendInt(dst, r.At.UnixMilli(), 10)
	dst = append(dst, `,"isFinal":`...)
	dst = strconv.AppendBool(dst, r.Final)
	dst = append(dst, `,"originationPhoneNumber":`...)
	dst = appendString(dst, identity)
	dst = append(dst, `,"destinationPhoneNumber":`...)
	dst = appendString(dst, m.Destination)
	dst = append(dst, `,"isoCountryCode":`...)
	dst = appendString(dst, m.Country)
	dst = append(dst, `,"messageId":`...)
	dst = appendString(dst, messageID)
	dst = append(dst, `,"messageRequestTimestamp":`...)
	dst = strconv.AppendInt(dst, m.AcceptedAt.UnixMilli(), 10)
	dst = append(dst, `,"messageEncoding":`...)
	dst = appendString(dst, m.Encoding)
	dst = append(dst, `,"messageType":`...)
	dst = appendString(dst, string(m.Type))
	dst = append(dst, `,"messageStatus":`...)
	dst = appendString(dst, string(r.Status))
	dst = append(dst, `,"messageStatusDescription":`...)
	dst = appendString(dst, description)
	dst = append(dst, `,"context":`...)
	dst = appendContext(dst, m.Context)
	dst = append(dst, `,"totalMessageParts":`...)
	dst = strconv.AppendInt(dst, int64(m.Parts), 10)
	dst = append(dst, `,"totalMessagePrice":`...)
	dst = appendMoney(dst, m.Price)
	dst = append(dst, `,"totalCarrierFee":`...)
	dst = appendMoney(dst, m.CarrierFee)
	return append(dst, '}')
}

func appendContext(dst []byte, context map[string]string) []byte {
	if len(context) == 0 {
		return append(dst, `{}`...)
	}
	open := byte('{')
	for _, key := range slices.Sorted(maps.Keys(context)) {
		dst = append(dst, open)
		dst = appendString(dst, key)
		dst = append(dst, ':')
		dst = appendString(dst, context[key])
		open = ','
	}
	return append(dst, '}')
}

// appendMoney writes US dollars exactly, with the fewest decimals but at least
// one: 0.09582, 0.0.
func appendMoney(dst []byte, m sms.Money) []byte {
	rest := uint64(m)
	if m < 0 {
		dst = append(dst, '-')
		rest = -rest
	}
	dst = strconv.AppendUint(dst, rest/uint64(sms.USD), 10)
	rest %= uint64(sms.USD)
	dst = append(dst, '.')
	for digit := uint64(sms.USD) / 10; digit > 0; digit /= 10 {
		dst = append(dst, '0'+byte(rest/digit))
		rest %= digit
		if rest == 0 {
			break
		}
	}
	return dst
}

const hexDigits = "0123456789abcdef"

// appendString writes s as a JSON string (RFC 8259, section 7). Bytes that are
// not UTF-8 become U+FFFD.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		b := s[i]
		if b >= ' ' && b != '"' && b != '\\' && b < utf8.RuneSelf {
			i++
			continue
		}
		if b >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r != utf8.RuneError || size != 1 {
				i += size
				continue
			}
		}
		dst = append(dst, s[start:i]...)
		switch {
		case b >= utf8.RuneSelf:
			dst = append(dst, "\ufffd"...)
		case b == '"' || b == '\\':
			dst = append(dst, '\\', b)
		case b == '\n':
			dst = append(dst, '\\', 'n')
		case b == '\r':
			dst = append(dst, '\\', 'r')
		case b == '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[b>>4], hexDigits[b&15])
		}
		i++
		start = i
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}
