package sigv4

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// sign returns the signature that r has to bear, in hexadecimal digits. date is
// the request's date in the basic format. s3 is whether S3's rules hold.
func sign(r *http.Request, a auth, key *signingKey, date string, body payload, s3 bool) (out [2 * sha256.Size]byte, err error) {
	w := key.take()
	defer key.free(w)
	b, err := appendCanonical(w.text[:0], r, a.signed, body, s3)
	if err != nil {
		return out, err
	}
	hash := sha256.Sum256(b)

	b = append(b[:0], algorithm...)
	b = append(b, '\n')
	b = append(b, date...)
	b = append(b, '\n')
	for _, part := range [...]string{a.date, a.region, a.service} {
		b = append(append(b, part...), '/')
	}
	b = append(append(b, terminator...), '\n')
	b = hex.AppendEncode(b, hash[:])

	w.mac.Reset()
	w.mac.Write(b)
	hex.Encode(out[:], w.mac.Sum(b[:0]))
	return out, nil
}

// appendCanonical appends the canonical request: method, path, query, the
// headers named in signed, these names, and the hash of the body.
func appendCanonical(b []byte, r *http.Request, signed string, body payload, s3 bool) ([]byte, error) {
	b = append(append(b, r.Method...), '\n')
	b = append(appendPath(b, r.URL.EscapedPath(), s3), '\n')
	b, err := appendQuery(b, r.URL.RawQuery)
	if err != nil {
		return nil, err
	}
	b = append(b, '\n')
	for name := range strings.SplitSeq(signed, ";") {
		if b, err = appendHeader(b, r, name); err != nil {
			return nil, err
		}
	}
	b = append(b, '\n')
	b = append(append(b, signed...), '\n')
	if body.unsigned {
		return append(b, unsignedPayload...), nil
	}
	return hex.AppendEncode(b, body.sum[:]), nil
}

// appendPath appends the path as it was sent, encoded once more: the rule for
// every service but S3, where it is not encoded again.
func appendPath(b []byte, path string, s3 bool) []byte {
	switch {
	case path == "":
		return append(b, '/')
	case s3:
		return append(b, path...)
	}
	return appendEncoded(b, path, true)
}

// appendQuery appends the parameters of the query, sorted by their encoded
// names and values.
func appendQuery(b []byte, raw string) ([]byte, error) {
	if raw == "" {
		return b, nil
	}
	var pairs [][2]string
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		var pair [2]string
		for i, s := range [...]string{name, value} {
			plain, err := url.QueryUnescape(s)
			if err != nil {
				return nil, refuse(InvalidSignature, "the query of the request is not well-formed")
			}
			pair[i] = string(appendEncoded(nil, plain, false))
		}
		pairs = append(pairs, pair)
	}
	slices.SortFunc(pairs, func(x, y [2]string) int { return slices.Compare(x[:], y[:]) })
	for i, p := range pairs {
		if i > 0 {
			b = append(b, '&')
		}
		b = append(append(append(b, p[0]...), '='), p[1]...)
	}
	return b, nil
}

// appendEncoded appends s with all bytes percent-encoded but the unreserved
// characters of RFC 3986, and slashes if they are to be kept.
func appendEncoded(b []byte, s string, slashes bool) []byte {
	const digits = "0123456789ABCDEF"
	for _, c := range []byte(s) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9',
			c == '-', c == '.', c == '_', c == '~', c == '/' && slashes:
			b = append(b, c)
		default:
			b = append(b, '%', digits[c>>4], digits[c&15])
		}
	}
	return b
}

// appendHeader appends the line of a signed header: its name, a colon, and its
// values, trimmed, with runs of spaces made one, separated by commas.
func appendHeader(b []byte, r *http.Request, name string) ([]byte, error) {
	values, err := headerValues(r, name)
	if err != nil {
		return nil, err
	}
	b = append(append(b, name...), ':')
	for i, v := range values {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendTrimmed(b, v)
	}
	return append(b, '\n'), nil
}

// headerValues returns the values of the header name, which is in lower case.
// net/http keeps Host, and for requests not yet sent Content-Length, outside
// the header.
func headerValues(r *http.Request, name string) ([]string, error) {
	if name == "host" {
		return []string{r.Host}, nil
	}
	var room [64]byte
	if len(name) > len(room) {
		return nil, refuse(IncompleteSignature, "the name of a header in SignedHeaders is longer than 64 characters")
	}
	key := append(room[:0], name...)
	upper := true
	for i, c := range key {
		if c >= 'A' && c <= 'Z' {
			return nil, refuse(IncompleteSignature, "the names in SignedHeaders have to be in lower case")
		}
		if upper && c >= 'a' && c <= 'z' {
			key[i] = c - 'a' + 'A'
		}
		upper = c == '-'
	}
	values, ok := r.Header[string(key)]
	switch {
	case ok:
		return values, nil
	case name == "content-length" && r.ContentLength >= 0:
		return []string{strconv.FormatInt(r.ContentLength, 10)}, nil
	}
	return nil, refuse(InvalidSignature, quoted(name)+" is one of the SignedHeaders, and the request does not have it")
}

func appendTrimmed(b []byte, s string) []byte {
	s = strings.Trim(s, " \t")
	space := false
	for _, c := range []byte(s) {
		if c == ' ' && space {
			continue
		}
		space = c == ' '
		b = append(b, c)
	}
	return b
}
