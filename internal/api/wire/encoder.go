package wire

import (
	"encoding/base64"
	"maps"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// The appenders below are what the generated code writes members with. A
// structure is written as a run of `,"Name":value`; closeObject then turns the
// first comma into the opening brace.

// closeObject ends the object whose members were appended to b from start on.
func closeObject(b []byte, start int) []byte {
	if len(b) == start {
		return append(b, '{', '}')
	}
	b[start] = '{'
	return append(b, '}')
}

const hexDigits = "0123456789abcdef"

// appendText appends s as a JSON string. Bytes that are not UTF-8 become
// U+FFFD, since the document has to be UTF-8.
func appendText(b []byte, s string) []byte {
	b = append(b, '"')
	done := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				b = append(append(b, s[done:i]...), "\uFFFD"...)
				done = i + 1
			}
			i += n
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		b = append(b, s[done:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\b':
			b = append(b, '\\', 'b')
		case '\f':
			b = append(b, '\\', 'f')
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		done = i
	}
	return append(append(b, s[done:]...), '"')
}

func appendBoolean(b []byte, v bool) []byte {
	return strconv.AppendBool(b, v)
}

func appendInteger[T int32 | int64](b []byte, v T) []byte {
	return strconv.AppendInt(b, int64(v), 10)
}

// appendTimestamp appends epoch seconds with as many of three decimals as are
// not zero. What is below a millisecond is cut off.
func appendTimestamp(b []byte, t time.Time) []byte {
	ms := t.UnixMilli()
	if ms < 0 {
		b = append(b, '-')
		ms = -ms
	}
	b = strconv.AppendInt(b, ms/1000, 10)
	if ms %= 1000; ms == 0 {
		return b
	}
	b = append(b, '.', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10))
	for b[len(b)-1] == '0' {
		b = b[:len(b)-1]
	}
	return b
}

func appendBlob(b []byte, v []byte) []byte {
	b = append(b, '"')
	return append(base64.StdEncoding.AppendEncode(b, v), '"')
}

// appender is a pointer to T that writes T.
type appender[T any] interface {
	*T
	AppendWire([]byte) []byte
}

func appendListOf[T any](b []byte, v []T, one func([]byte, *T) []byte) []byte {
	b = append(b, '[')
	for i := range v {
		if i > 0 {
			b = append(b, ',')
		}
		b = one(b, &v[i])
	}
	return append(b, ']')
}

func appendTextList(b []byte, v []string) []byte {
	return appendListOf(b, v, func(b []byte, s *string) []byte { return appendText(b, *s) })
}

func appendInt64List(b []byte, v []int64) []byte {
	return appendListOf(b, v, func(b []byte, n *int64) []byte { return appendInteger(b, *n) })
}

func appendStructList[T any, P appender[T]](b []byte, v []T) []byte {
	return appendListOf(b, v, func(b []byte, e *T) []byte { return P(e).AppendWire(b) })
}

// appendMapOf appends the entries in the order of their keys, so that equal
// values give equal documents.
func appendMapOf[T any](b []byte, v map[string]T, one func([]byte, T) []byte) []byte {
	b = append(b, '{')
	for i, key := range slices.Sorted(maps.Keys(v)) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendText(b, key), ':')
		b = one(b, v[key])
	}
	return append(b, '}')
}

func appendTextMap(b []byte, v map[string]string) []byte {
	return appendMapOf(b, v, appendText)
}

func appendStructMap[T any, P appender[T]](b []byte, v map[string]T) []byte {
	return appendMapOf(b, v, func(b []byte, e T) []byte { return P(&e).AppendWire(b) })
}
