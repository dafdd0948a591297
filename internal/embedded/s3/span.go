package s3

import (
	"strconv"
	"strings"
)

// span is the bytes from one on and before another.
type span struct{ from, to int64 }

// readRange reads a Range header (RFC 9110, section 14.2) for a text of size bytes. What
// names several ranges, or is not written as one, asks for all of it; ok is false where
// the range has no byte of the text.
func readRange(header string, size int64) (s span, ok bool) {
	all := span{0, size}
	asked, isBytes := strings.CutPrefix(header, "bytes=")
	first, last, isRange := strings.Cut(asked, "-")
	if !isBytes || !isRange || strings.Contains(asked, ",") {
		return all, true
	}
	if first == "" {
		n, err := strconv.ParseInt(last, 10, 64)
		if err != nil || n < 0 {
			return all, true
		}
		return span{max(size-n, 0), size}, n > 0 && size > 0
	}
	from, err := strconv.ParseInt(first, 10, 64)
	if err != nil || from < 0 {
		return all, true
	}
	to := size
	if last != "" {
		end, err := strconv.ParseInt(last, 10, 64)
		if err != nil || end < from {
			return all, true
		}
		to = min(end, size-1) + 1
	}
	return span{from, to}, from < size
}
