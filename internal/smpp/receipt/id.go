package receipt

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
)

// Format is how a message centre writes message ids. submit_sm_resp and receipt of
// one message centre may differ in it.
type Format string

// The formats.
const (
	// Raw ids are compared as they are.
	Raw Format = "raw"
	// Decimal ids are numbers in decimal.
	Decimal Format = "decimal"
	// Hexadecimal ids are numbers in hexadecimal.
	Hexadecimal Format = "hexadecimal"
	// Auto ids are of no known format: case and leading zeros do not count.
	Auto Format = "auto"
)

// ParseFormat checks the name of a format; none means Auto.
func ParseFormat(name string) (Format, error) {
	switch f := Format(name); f {
	case "":
		return Auto, nil
	case Raw, Decimal, Hexadecimal, Auto:
		return f, nil
	}
	return "", fmt.Errorf("message id format %q: one of raw, decimal, hexadecimal and auto is allowed", name)
}

// maxNumber is the greatest length, in digits, of an id that is taken for a number.
const maxNumber = 64

// Canonical is the form of an id under which one message's submit_sm_resp and
// receipt meet: store that of the response, in the response's format, and look up
// that of the receipt, in the receipt's.
//
// Decimal and Hexadecimal both give the number in decimal, or what Auto gives where
// the id is no such number. Auto gives lower case without leading zeros; look such
// ids up by Candidates.
func Canonical(id string, f Format) string {
	switch f {
	case Raw:
		return id
	case Decimal:
		if n, ok := number(id, 10); ok {
			return n.Text(10)
		}
	case Hexadecimal:
		if n, ok := number(id, 16); ok {
			return n.Text(10)
		}
	}
	return fold(id)
}

// Candidates are the forms under which the message of a receipt may have been
// stored, the likeliest first and each once: the id as it is, in lower case, without
// leading zeros, from hexadecimal to decimal and from decimal to hexadecimal. For
// every id that a message centre writes in one of these ways in its response and in
// another in its receipt, Canonical(response, Auto) is among Candidates(receipt).
//
// One number read two ways can be the id of two messages: whoever looks candidates up
// should hold the receipt's address against the message's.
func Candidates(id string) []string {
	id = clean(id)
	if id == "" {
		return nil
	}
	list := []string{id}
	add := func(s string) {
		if !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	add(strings.ToLower(id))
	add(fold(id))
	if n, ok := number(id, 16); ok {
		add(n.Text(10))
	}
	if n, ok := number(id, 10); ok {
		add(n.Text(16))
	}
	return list
}

// fold takes case, leading zeros and a mark of hexadecimal off an id.
func fold(id string) string {
	id = strings.ToLower(clean(id))
	if digits, ok := strings.CutPrefix(id, "0x"); ok && digits != "" {
		id = digits
	}
	trimmed := strings.TrimLeft(id, "0")
	if trimmed == "" && id != "" {
		return "0"
	}
	return trimmed
}

// number reads an id of digits only, which 0x may precede in hexadecimal.
func number(id string, base int) (*big.Int, bool) {
	marked := len(id) > 1 && id[0] == '0' && id[1]|0x20 == 'x'
	id = fold(id)
	if id == "" || len(id) > maxNumber || marked && base != 16 {
		return nil, false
	}
	for _, c := range []byte(id) {
		if (c < '0' || c > '9') && (base != 16 || c < 'a' || c > 'f') {
			return nil, false
		}
	}
	return new(big.Int).SetString(id, base)
}
