package wire

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// MaxDepth is the number of objects and lists that may be open at once in a
// document.
const MaxDepth = 64

// ownAbove is the size of a document in bytes above which the strings taken
// from it are copied, so that a short string that is kept does not keep a large
// document in memory. Below it they share the document's memory.
const ownAbove = 16 << 10

// SerializationError says why a document is not what the API model describes:
// it is not well-formed, or a member has a value of another JSON type.
type SerializationError struct {
	Member  string // the innermost member concerned, "" when there is none
	Offset  int    // in bytes from the start of the document
	Problem string // what was expected and what was found
}

// Error names the member, the problem and the offset.
func (e *SerializationError) Error() string {
	if e.Member == "" {
		return fmt.Sprintf("%s at byte %d", e.Problem, e.Offset)
	}
	return fmt.Sprintf("%s: %s at byte %d", e.Member, e.Problem, e.Offset)
}

// Decode reads the document body into v, which must be new. A body of nothing
// but white space stands for an object without members. The error is always a
// *SerializationError; v is not to be used after one.
func Decode(body []byte, v Shape) error {
	d := Decoder{src: string(body)}
	if !utf8.ValidString(d.src) {
		return &SerializationError{Offset: invalidUTF8(d.src), Problem: "the document is not valid UTF-8"}
	}
	d.space()
	if d.pos == len(d.src) {
		return nil
	}
	v.UnmarshalWire(&d)
	d.space()
	if d.err == nil && d.pos != len(d.src) {
		d.fail("expected the end of the document, found " + d.found())
	}
	if d.err != nil {
		return d.err
	}
	return nil
}

func invalidUTF8(s string) int {
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return len(s)
}

// Decoder reads one JSON document from front to back. The first error sticks:
// after it every read returns a zero value and every loop ends.
type Decoder struct {
	src   string
	pos   int
	depth int
	fresh bool   // an object or list was opened and nothing was read from it yet
	key   string // the member last read, for errors
	err   *SerializationError
	slab  []string // room for the strings behind *string members
}

func (d *Decoder) fail(problem string) {
	if d.err == nil {
		d.err = &SerializationError{Member: d.key, Offset: d.pos, Problem: problem}
	}
	d.pos = len(d.src)
}

func (d *Decoder) failSyntax(expected string) {
	d.key = ""
	d.fail("expected " + expected + ", found " + d.found())
}

func (d *Decoder) failType(expected string) {
	d.fail("expected " + expected + ", found " + d.found())
}

// found says in words what stands at the current position.
func (d *Decoder) found() string {
	if d.pos >= len(d.src) {
		return "the end of the document"
	}
	switch c := d.src[d.pos]; {
	case c == '{':
		return "an object"
	case c == '[':
		return "a list"
	case c == '"':
		return "a string"
	case c == '-' || c >= '0' && c <= '9':
		return "a number"
	case strings.HasPrefix(d.src[d.pos:], "true"), strings.HasPrefix(d.src[d.pos:], "false"):
		return "a boolean"
	case strings.HasPrefix(d.src[d.pos:], "null"):
		return "null"
	default:
		r, _ := utf8.DecodeRuneInString(d.src[d.pos:])
		return fmt.Sprintf("%q", r)
	}
}

func (d *Decoder) space() {
	for d.pos < len(d.src) {
		switch d.src[d.pos] {
		case ' ', '\t', '\n', '\r':
			d.pos++
		default:
			return
		}
	}
}

// at says whether the next character other than white space is c.
func (d *Decoder) at(c byte) bool {
	d.space()
	return d.pos < len(d.src) && d.src[d.pos] == c
}

// literal takes word if it comes next.
func (d *Decoder) literal(word string) bool {
	d.space()
	if !strings.HasPrefix(d.src[d.pos:], word) {
		return false
	}
	d.pos += len(word)
	return true
}

// null takes a null if it comes next.
func (d *Decoder) null() bool {
	return d.literal("null")
}

// object opens an object; its members follow by calls of member.
func (d *Decoder) object() {
	d.open('{', "an object")
}

// list opens a list; its items follow by calls of item.
func (d *Decoder) list() {
	d.open('[', "a list")
}

func (d *Decoder) open(c byte, what string) {
	if !d.at(c) {
		d.failType(what)
		return
	}
	if d.depth == MaxDepth {
		d.fail(fmt.Sprintf("nested deeper than %d levels", MaxDepth))
		return
	}
	d.pos++
	d.depth++
	d.fresh = true
}

// member goes to the next member of the open object, leaves its name in d.key
// and its value next to be read. It returns false at the object's end.
func (d *Decoder) member() bool {
	if !d.next('}') {
		return false
	}
	if !d.at('"') {
		d.failSyntax("the name of a member")
		return false
	}
	d.key = d.scanString()
	if !d.at(':') {
		if d.err == nil {
			d.failSyntax("':'")
		}
		return false
	}
	d.pos++
	return true
}

// item goes to the next item of the open list, which is next to be read. It
// returns false at the list's end.
func (d *Decoder) item() bool {
	return d.next(']')
}

func (d *Decoder) next(end byte) bool {
	if d.err != nil {
		return false
	}
	first := d.fresh
	d.fresh = false
	if d.at(end) {
		d.pos++
		d.depth--
		return false
	}
	if first {
		return true
	}
	if !d.at(',') {
		d.failSyntax("',' or '" + string(end) + "'")
		return false
	}
	d.pos++
	return true
}

// skip reads a value and forgets it.
func (d *Decoder) skip() {
	d.space()
	if d.err != nil || d.pos == len(d.src) {
		d.failSyntax("a value")
		return
	}
	switch c := d.src[d.pos]; {
	case c == '{':
		for d.object(); d.member(); {
			d.skip()
		}
	case c == '[':
		for d.list(); d.item(); {
			d.skip()
		}
	case c == '"':
		d.scanString()
	case c == '-' || c >= '0' && c <= '9':
		d.scanNumber()
	case d.literal("true"), d.literal("false"), d.literal("null"):
	default:
		d.failSyntax("a value")
	}
}
