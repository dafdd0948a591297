package numbering

import (
	_ "embed"
	"encoding/csv"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

//go:embed calling_codes.csv
var callingCodesCSV string

//go:embed prefixes.csv
var prefixesCSV string

// plan is the root of the trie of the world's numbers.
var plan = mustLoad(loadPlan(callingCodesCSV, prefixesCSV))

// Reasons why a number cannot be parsed.
var (
	ErrFormat      = errors.New("phone number is not E.164: a plus sign, then 2 to 19 digits of which the first is not 0")
	ErrCallingCode = errors.New("phone number has no known country calling code")
	ErrTrunkZeros  = errors.New("phone number has more than one 0 between its country calling code and the rest")
	ErrLength      = errors.New("phone number has a length that no number of its country calling code has")
)

// Number is a telephone number.
type Number struct {
	E164 string // "+" and digits

	// Country is the ISO 3166-1 alpha-2 code, of countries that are not served
	// too; empty for calling codes that belong to no country (800, 870, 88x).
	// Kosovo is XV and the former Netherlands Antilles are AN, as in the guide.
	Country string
}

// Parse reads a number in E.164 format; the plus sign may be missing, as the
// model's PhoneNumber allows. A single trunk 0 in front of the national number
// is dropped where no number of that calling code begins so, which makes
// different spellings of one number equal. The error is ErrFormat,
// ErrCallingCode, ErrTrunkZeros or ErrLength and does not repeat the number.
func Parse(s string) (Number, error) {
	digits, plus := strings.CutPrefix(s, "+")
	if !isE164(digits) {
		return Number{}, ErrFormat
	}
	code, n := findCode(digits)
	if code == nil {
		return Number{}, ErrCallingCode
	}
	national := digits[n:]
	trunk := code.hasTrunkZero(national)
	if trunk {
		national = national[1:]
		if code.hasTrunkZero(national) {
			return Number{}, ErrTrunkZeros
		}
	}
	if !code.lengths.has(len(national)) {
		return Number{}, ErrLength
	}
	number := Number{E164: s, Country: code.countryOf(national)}
	if trunk {
		number.E164 = "+" + digits[:n] + national
	} else if !plus {
		number.E164 = "+" + s
	}
	return number, nil
}

func isE164(digits string) bool {
	if len(digits) < 2 || len(digits) > 19 || digits[0] == '0' {
		return false
	}
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return false
		}
	}
	return true
}

// node is a prefix of numbers.
type node struct {
	next    [10]*node
	code    *callingCode // where the calling code ends
	country string       // where a country's prefix ends
}

type callingCode struct {
	node      *node
	country   string // of numbers under no prefix
	lengths   intSet // of national numbers
	afterZero intSet // digits that may follow a 0 in front of a national number
}

// intSet is a set of small numbers.
type intSet uint32

func (s intSet) has(n int) bool { return n < 32 && s>>n&1 == 1 }

// findCode gives the calling code that the digits begin with and its length.
func findCode(digits string) (*callingCode, int) {
	n := plan
	for i := range len(digits) {
		if n = n.next[digits[i]-'0']; n == nil {
			return nil, 0
		}
		if n.code != nil {
			return n.code, i + 1
		}
	}
	return nil, 0
}

// hasTrunkZero reports a 0 in front that no national number of the calling code
// has.
func (c *callingCode) hasTrunkZero(national string) bool {
	return len(national) > 1 && national[0] == '0' && !c.afterZero.has(int(national[1]-'0'))
}

func (c *callingCode) countryOf(national string) string {
	country, n := c.country, c.node
	for i := range len(national) {
		if n = n.next[national[i]-'0']; n == nil {
			break
		}
		if n.country != "" {
			country = n.country
		}
	}
	return country
}

// at gives the node of a prefix, making it.
func (n *node) at(digits string) *node {
	for i := range len(digits) {
		next := &n.next[digits[i]-'0']
		if *next == nil {
			*next = &node{}
		}
		n = *next
	}
	return n
}

func loadPlan(codes, prefixes string) (*node, error) {
	root := &node{}
	err := eachRow(codes, func(row []string) error {
		c := &callingCode{node: root.at(row[0]), country: row[1]}
		for l := range strings.FieldsSeq(row[2]) {
			n, err := strconv.Atoi(l)
			if err != nil {
				return err
			}
			c.lengths |= 1 << n
		}
		for _, d := range row[3] {
			c.afterZero |= 1 << (d - '0')
		}
		c.node.code = c
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("calling codes: %w", err)
	}
	err = eachRow(prefixes, func(row []string) error {
		root.at(row[0]).country = row[1]
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("prefixes: %w", err)
	}
	return root, nil
}

// eachRow calls f with every row of a table but its first.
func eachRow(table string, f func(row []string) error) error {
	rows, err := csv.NewReader(strings.NewReader(table)).ReadAll()
	if err != nil {
		return err
	}
	for i, row := range rows[1:] {
		if err := f(row); err != nil {
			return fmt.Errorf("row %d: %w", i+1, err)
		}
	}
	return nil
}

// mustLoad is for tables that are part of the binary: one that does not load is
// a mistake in the build, not an error of the running service.
func mustLoad[T any](table T, err error) T {
	if err != nil {
		panic(fmt.Sprintf("numbering: embedded table: %v", err))
	}
	return table
}
