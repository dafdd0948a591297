package receipt

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"heliograph/internal/smpp/pdu"
)

// key is a field of a receipt's text.
type key int

const (
	keyID key = iota
	keySubmitted
	keyDelivered
	keySubmitDate
	keyDoneDate
	keyState
	keyError
	keyText
	keys
)

// keyNames are the names of the fields in lower case. A blank in one matches any
// number of blanks, a _ or a -, or nothing.
var keyNames = [keys][]string{
	keyID:         {"id", "message id", "msg id"},
	keySubmitted:  {"sub"},
	keyDelivered:  {"dlvrd", "dlvd"},
	keySubmitDate: {"submit date"},
	keyDoneDate:   {"done date"},
	keyState:      {"stat", "status", "state"},
	keyError:      {"err", "error"},
	keyText:       {"text"},
}

// states are the words for states, in upper case. The first eight are those of
// appendix B; the others are met.
var states = map[string]pdu.MessageState{
	"ENROUTE": pdu.StateEnroute,
	"DELIVRD": pdu.StateDelivered,
	"EXPIRED": pdu.StateExpired,
	"DELETED": pdu.StateDeleted,
	"UNDELIV": pdu.StateUndeliverable,
	"ACCEPTD": pdu.StateAccepted,
	"UNKNOWN": pdu.StateUnknown,
	"REJECTD": pdu.StateRejected,

	"BUFFERED": pdu.StateEnroute, "BUFFERD": pdu.StateEnroute, "BUFFRED": pdu.StateEnroute, "BUFFERE": pdu.StateEnroute,
	"QUEUED": pdu.StateEnroute, "PENDING": pdu.StateEnroute, "EN_ROUTE": pdu.StateEnroute, "ENROUT": pdu.StateEnroute,
	"RETRY": pdu.StateEnroute, "SENT": pdu.StateEnroute,
	"SCHEDULED": pdu.StateScheduled, "SCHEDUL": pdu.StateScheduled, "SCHEDLD": pdu.StateScheduled,
	"DELIVERED": pdu.StateDelivered, "DELIVER": pdu.StateDelivered, "DELIVERD": pdu.StateDelivered, "DELIVERE": pdu.StateDelivered,
	"EXPIRD": pdu.StateExpired, "EXPIRE": pdu.StateExpired,
	"DELETE": pdu.StateDeleted, "CANCELED": pdu.StateDeleted, "CANCELLED": pdu.StateDeleted,
	"UNDELIVERABLE": pdu.StateUndeliverable, "UNDELIVERED": pdu.StateUndeliverable, "UNDELIVRD": pdu.StateUndeliverable,
	"UNDELVD": pdu.StateUndeliverable, "UNDLVRD": pdu.StateUndeliverable, "FAILED": pdu.StateUndeliverable,
	"ACCEPTED": pdu.StateAccepted, "ACCEPT": pdu.StateAccepted,
	"UNKNOWM": pdu.StateUnknown, "UNKNOW": pdu.StateUnknown, "NOROUTE": pdu.StateUndeliverable,
	"REJECTED": pdu.StateRejected, "REJECT": pdu.StateRejected, "REJECTE": pdu.StateRejected,
	"SKIPPED": pdu.StateSkipped,
}

// ParseState reads a word for a state in any case, or the number of one.
func ParseState(word string) (pdu.MessageState, bool) {
	if state, ok := states[strings.ToUpper(word)]; ok {
		return state, true
	}
	n, err := strconv.ParseUint(word, 10, 8)
	if err != nil || n > uint64(pdu.StateSkipped) {
		return 0, false
	}
	return pdu.MessageState(n), true
}

// ParseText reads a receipt's text. Its fields may be in any order and case, and any
// may be missing; it is false where there is neither an id nor a state. Times are
// taken to be in zone, which is UTC where nil.
func ParseText(text string, zone *time.Location) (Receipt, bool) {
	if zone == nil {
		zone = time.UTC
	}
	values := split(text)
	var r Receipt
	r.ID = firstWord(values[keyID])
	r.StateText = firstWord(values[keyState])
	r.State, r.HasState = ParseState(r.StateText)
	r.Error = firstWord(values[keyError])
	submitted, err1 := strconv.ParseUint(firstWord(values[keySubmitted]), 10, 16)
	delivered, err2 := strconv.ParseUint(firstWord(values[keyDelivered]), 10, 16)
	if err1 == nil && err2 == nil {
		r.Submitted, r.Delivered, r.HasCounts = int(submitted), int(delivered), true
	}
	r.SubmittedAt = parseDate(values[keySubmitDate], zone)
	r.DoneAt = parseDate(values[keyDoneDate], zone)
	r.Text = values[keyText]
	return r, r.ID != "" || r.StateText != ""
}

// split finds the fields. The message's text comes last and may hold anything, so
// that what is found before it counts, and what follows it only where it is missing.
func split(text string) [keys]string {
	var values [keys]string
	var found, inText [keys]bool
	open := key(-1) // the field whose value is being read
	from, textFrom := 0, -1
	end := func(at int) {
		if open >= 0 && open != keyText {
			values[open] = clean(text[from:at])
		}
	}
	for at := 0; at < len(text); {
		k, size := keyAt(text, at)
		if size == 0 || found[k] {
			at++
			continue
		}
		end(at)
		found[k], inText[k] = true, textFrom >= 0
		open, from = k, at+size
		if k == keyText {
			textFrom = from
		}
		at += size
	}
	end(len(text))
	if textFrom >= 0 {
		values[keyText] = textValue(text, textFrom, found, inText)
	}
	return values
}

// textValue is the message's text: up to the first field that was found behind it
// where fields were, or else all that is left.
func textValue(text string, from int, found, inText [keys]bool) string {
	for at := from; at < len(text); at++ {
		if k, size := keyAt(text, at); size > 0 && found[k] && inText[k] {
			return clean(text[from:at])
		}
	}
	return clean(text[from:])
}

// keyAt tells which field begins at a position, and the size of its name with the
// colon.
func keyAt(text string, at int) (key, int) {
	if at > 0 && !separates(text[at-1]) {
		return 0, 0
	}
	for k, names := range keyNames {
		for _, name := range names {
			if size := matchName(text[at:], name); size > 0 {
				return key(k), size
			}
		}
	}
	return 0, 0
}

func separates(c byte) bool {
	switch c {
	case ' ', '\t', '\r', '\n', ',', ';', '|', '/', '&', 0:
		return true
	}
	return false
}

func matchName(text, name string) int {
	i := 0
	for j := 0; j < len(name); j++ {
		if name[j] == ' ' {
			for i < len(text) && (text[i] == ' ' || text[i] == '_' || text[i] == '-') {
				i++
			}
			continue
		}
		if i >= len(text) || text[i]|0x20 != name[j] {
			return 0
		}
		i++
	}
	for i < len(text) && text[i] == ' ' {
		i++
	}
	if i < len(text) && (text[i] == ':' || text[i] == '=') {
		return i + 1
	}
	return 0
}

func firstWord(s string) string {
	if i := strings.IndexAny(s, " \t\r\n,;|"); i >= 0 {
		return s[:i]
	}
	return s
}

// clean takes blanks and NULs off both ends.
func clean(s string) string { return strings.Trim(s, " \t\r\n\x00") }

// dateLayouts are the forms of a date, by their number of digits.
var dateLayouts = map[int][]string{
	10: {"0601021504"},
	12: {"060102150405", "200601021504"},
	14: {"20060102150405"},
}

// parseDate reads a date of a receipt; it is zero where that is none.
func parseDate(s string, zone *time.Location) time.Time {
	digits := strings.Map(func(c rune) rune {
		switch {
		case c >= '0' && c <= '9':
			return c
		case strings.ContainsRune(" -/:.T", c):
			return -1
		}
		return 'x'
	}, s)
	for _, layout := range dateLayouts[len(digits)] {
		if t, err := time.ParseInLocation(layout, digits, zone); err == nil {
			return t
		}
	}
	return time.Time{}
}

// decode makes text of a body. Receipts are plain ASCII in practice, which most
// alphabets share; but _, which message ids have, is a control character in GSM's.
func decode(coding pdu.DataCoding, body []byte) string {
	if coding == pdu.DataCodingUCS2 && len(body)%2 == 0 {
		units := make([]uint16, len(body)/2)
		for i := range units {
			units[i] = uint16(body[2*i])<<8 | uint16(body[2*i+1])
		}
		return string(utf16.Decode(units))
	}
	if coding != pdu.DataCodingDefault {
		return string(body)
	}
	return strings.ReplaceAll(string(body), "\x11", "_")
}
