package iam

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// MaxDocument is the length in octets up to which a policy document is read at all
// (the PolicyDocument parameter of IAM's operations). Quotas count apart from it.
const MaxDocument = 131072

// maxDepth is deeper than any policy document goes: statement list, statement,
// condition, operator, key, values.
const maxDepth = 10

// SyntaxError says why a document is not a policy (IAM's MalformedPolicyDocument).
// Line and Column, from 1 and in characters, are where; 0: nowhere in particular.
type SyntaxError struct {
	Message      string
	Line, Column int
}

func (e *SyntaxError) Error() string {
	if e.Line == 0 {
		return e.Message
	}
	return fmt.Sprintf("%s (line %d, column %d)", e.Message, e.Line, e.Column)
}

type nodeKind int

const (
	nullNode nodeKind = iota
	stringNode
	numberNode
	boolNode
	listNode
	objectNode
)

// node is a JSON value with its place in the document: offsets of its first octet and
// behind its last.
type node struct {
	kind       nodeKind
	text       string // of strings, numbers ("1e3") and booleans ("true")
	items      []*node
	names      []string // of an object's members, whose values are in items
	start, end int
}

// reader reads a document into nodes.
type reader struct {
	document string
	decoder  *json.Decoder
}

// fail is an error at an offset.
func fail(document string, offset int, format string, args ...any) *SyntaxError {
	line, column := position(document, offset)
	return &SyntaxError{Message: fmt.Sprintf(format, args...), Line: line, Column: column}
}

// position gives the line and column of an offset.
func position(document string, offset int) (line, column int) {
	before := document[:min(max(offset, 0), len(document))]
	return 1 + strings.Count(before, "\n"), 1 + utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:])
}

// readDocument reads JSON: one object, no name twice in an object, nothing behind it.
func readDocument(document string) (*node, error) {
	switch {
	case len(document) > MaxDocument:
		return nil, &SyntaxError{Message: fmt.Sprintf("Syntax errors in policy: the document has %d octets, at most %d are read.", len(document), MaxDocument)}
	case strings.TrimSpace(document) == "":
		return nil, &SyntaxError{Message: "Syntax errors in policy: the document is empty."}
	case !utf8.ValidString(document):
		return nil, &SyntaxError{Message: "Syntax errors in policy: the document is not UTF-8."}
	}
	r := &reader{document: document, decoder: json.NewDecoder(strings.NewReader(document))}
	r.decoder.UseNumber()
	n, err := r.value(0)
	if err != nil {
		return nil, err
	}
	if n.kind != objectNode {
		return nil, fail(document, n.start, "Syntax errors in policy: the document must be a JSON object.")
	}
	if _, err := r.decoder.Token(); err != io.EOF {
		return nil, fail(document, n.end, "Syntax errors in policy: there is something behind the document's end.")
	}
	return n, nil
}

func (r *reader) at() int { return int(r.decoder.InputOffset()) }

// begin is the offset of the token that comes next: white space, commas and colons
// before it are passed over.
func (r *reader) begin() int {
	i := r.at()
	for i < len(r.document) && strings.IndexByte(" \t\r\n,:", r.document[i]) >= 0 {
		i++
	}
	return i
}

func (r *reader) token() (json.Token, error) {
	t, err := r.decoder.Token()
	if err == nil {
		return t, nil
	}
	reason := err.Error()
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		reason = "the document ends too early"
	}
	return nil, fail(r.document, r.at(), "Syntax errors in policy: this is not JSON: %s.", reason)
}

func (r *reader) value(depth int) (*node, error) {
	n := &node{start: r.begin()}
	t, err := r.token()
	if err != nil {
		return nil, err
	}
	switch t := t.(type) {
	case string:
		n.kind, n.text = stringNode, t
	case json.Number:
		n.kind, n.text = numberNode, t.String()
	case bool:
		n.kind, n.text = boolNode, fmt.Sprint(t)
	case json.Delim:
		if depth == maxDepth {
			return nil, fail(r.document, n.start, "Syntax errors in policy: the document is nested too deeply.")
		}
		if n.kind = listNode; t == '{' {
			n.kind = objectNode
		}
		if err := r.inside(n, depth); err != nil {
			return nil, err
		}
	}
	n.end = r.at()
	return n, nil
}

// inside reads what a list or an object has, and its closing bracket.
func (r *reader) inside(n *node, depth int) error {
	for r.decoder.More() {
		if n.kind == objectNode {
			start := r.begin()
			t, err := r.token()
			if err != nil {
				return err
			}
			name, ok := t.(string)
			if !ok {
				return fail(r.document, start, "Syntax errors in policy: this is not JSON: a member's name must be a string.")
			}
			if slices.Contains(n.names, name) {
				return fail(r.document, start, "Syntax errors in policy: the element %q is there twice.", clip(name))
			}
			n.names = append(n.names, name)
		}
		item, err := r.value(depth + 1)
		if err != nil {
			return err
		}
		n.items = append(n.items, item)
	}
	_, err := r.token()
	return err
}

// clip shortens what an error quotes.
func clip(s string) string {
	const most = 100
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "..."
}
