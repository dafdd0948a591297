package inbound

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"heliograph/internal/carrier"
	"heliograph/internal/encode"
	"heliograph/internal/store"
)

// The lists of the store. An entry of pendingList is a part: its key is a partKey, At
// when it came, Mark the digest of its text, Doc the part. One of doneList stands for a
// message that was made: its key is a messageKey with a place by its text in the lowest
// bits, At when it was made, Doc the digests of its parts.
var (
	pendingList = store.ListID("inbound")
	doneList    = store.ListID("inbound-done")
)

// partBits are the lowest bits of a key: the number of a part, which is at most 255.
const (
	partBits   = 9
	senderBits = 27
	setBits    = 63 - senderBits - partBits
)

// messageKey is the key of a message of several parts: by the sender first, so that
// what waits of one sender is together, and then by all that tells the message from
// others. Its part number is 0.
func messageKey(p *part) int64 {
	return senderKey(p.From) | int64(digest(p.Carrier, p.From, p.To, fmt.Sprint(p.Reference, p.Reference16, p.Total))>>(64-setBits))<<partBits
}

// senderKey is the smallest key that a part from a sender can have.
func senderKey(from string) int64 {
	return int64(digest(from)>>(64-senderBits)) << (setBits + partBits)
}

// afterSender is the largest key that a part from the sender of key can have.
func afterSender(key int64) int64 { return key | (1<<(setBits+partBits) - 1) }

// messageOf is the key of the message that a part is of.
func messageOf(partKey int64) int64 { return partKey &^ (1<<partBits - 1) }

// digest is 64 bits of a SHA-256.
func digest(words ...string) uint64 {
	h := sha256.New()
	for _, w := range words {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(w)))
		h.Write(n[:])
		h.Write([]byte(w))
	}
	return binary.BigEndian.Uint64(h.Sum(nil))
}

// part is one of the parts of a message, as it is kept.
type part struct {
	Carrier     string    `json:"carrier"`
	From        string    `json:"from"`
	To          string    `json:"to"`
	Text        string    `json:"text"`
	Head        uint16    `json:"head,omitempty"` // halves of characters, see carrier.Inbound
	Tail        uint16    `json:"tail,omitempty"`
	Reference   uint16    `json:"reference"`
	Reference16 bool      `json:"reference16,omitempty"`
	Total       int       `json:"total"`
	Number      int       `json:"number"`
	At          time.Time `json:"-"` // in the entry
	place       int64     // its key in the store; 0 where it is not there
}

func partOf(m *carrier.Inbound) part {
	return part{Carrier: m.Carrier, From: m.From, To: m.To, Text: m.Text, Head: m.Head, Tail: m.Tail, Reference: m.Reference, Reference16: m.Reference16,
		Total: m.Total, Number: m.Number, At: m.At}
}

// same reports whether two parts are of the same message, as far as their headers say.
func (p *part) same(q *part) bool {
	return p.Carrier == q.Carrier && p.From == q.From && p.To == q.To && p.Reference == q.Reference &&
		p.Reference16 == q.Reference16 && p.Total == q.Total
}

// mark tells a part's text from others.
func (p *part) mark() int64 { return int64(digest(p.Text, fmt.Sprint(p.Head, p.Tail))) }

func (p *part) entry() (store.Entry, error) {
	doc, err := json.Marshal(p)
	if err != nil {
		return store.Entry{}, fmt.Errorf("encode a message part: %w", err)
	}
	key := store.EntryKey{List: pendingList, Key: messageKey(p) | int64(p.Number)}
	return store.Entry{EntryKey: key, At: p.At, Mark: p.mark(), Doc: doc}, nil
}

// readPart is the part of an entry. Its error comes with one that is of no message.
func readPart(e *store.Entry) (p part, err error) {
	if err = json.Unmarshal(e.Doc, &p); err != nil {
		p, err = part{}, fmt.Errorf("read a message part: %w", err)
	}
	p.At, p.place, p.Number = e.At, e.Key, int(e.Key-messageOf(e.Key))
	return p, err
}

// waiting are the parts of a message that are in the store, by their numbers.
type waiting []part

// text is that of the parts, in order. A character that was cut between two of them is
// whole again if both are there.
func (w waiting) text() string {
	var b strings.Builder
	tail := uint16(0) // of the part before
	for i := range w {
		p := &w[i]
		if i > 0 && w[i-1].Number+1 != p.Number && tail != 0 {
			b.WriteRune(utf8.RuneError)
			tail = 0
		}
		if tail != 0 || p.Head != 0 {
			b.WriteRune(encode.JoinHalves(tail, p.Head))
		}
		b.WriteString(p.Text)
		tail = p.Tail
	}
	if tail != 0 {
		b.WriteRune(utf8.RuneError)
	}
	return b.String()
}

// whole reports whether no part is missing.
func (w waiting) whole() bool { return len(w) > 0 && len(w) == w[0].Total }

// since is when the first of the parts came.
func (w waiting) since() time.Time {
	at := w[0].At
	for i := range w {
		if w[i].At.Before(at) {
			at = w[i].At
		}
	}
	return at
}

// with is w and another part.
func (w waiting) with(p part) waiting {
	all := append(slices.Clone(w), p)
	slices.SortFunc(all, func(a, b part) int { return cmp.Compare(a.Number, b.Number) })
	return all
}

// done is what is left of a message that was made: the digests of its parts by their
// numbers.
type done map[int]int64

func (w waiting) done() done {
	d := done{}
	for i := range w {
		d[w[i].Number] = w[i].mark()
	}
	return d
}

func (d done) has(p *part) bool {
	mark, ok := d[p.Number]
	return ok && mark == p.mark()
}

// made is what is left of the messages with one key, by their keys in the list.
type made map[int64]done

// has reports whether one of the messages has a part.
func (m made) has(p *part) bool {
	for _, d := range m {
		if d.has(p) {
			return true
		}
	}
	return false
}

// hasAll reports whether one of the messages has all of these parts.
func (m made) hasAll(w waiting) bool {
	for _, d := range m {
		if !slices.ContainsFunc(w, func(p part) bool { return !d.has(&p) }) {
			return len(w) > 0
		}
	}
	return false
}

// claim is the key in doneList for the message of these parts, which is always the same
// for the same texts, unless there are others. ok is false where there are too many.
func (m made) claim(key int64, w waiting) (claim int64, ok bool) {
	words := make([]string, len(w))
	for i := range w {
		words[i] = fmt.Sprint(w[i].Number, " ", w[i].Head, " ", w[i].Tail, " ", w[i].Text)
	}
	first := int64(digest(words...) >> (64 - partBits))
	for i := range int64(1) << partBits {
		claim = key | (first+i)%(1<<partBits)
		if _, taken := m[claim]; !taken {
			return claim, true
		}
	}
	return 0, false
}

// step is what to do with a part that came.
type step int

const (
	stepDuplicate step = iota + 1 // nothing: it was here before
	stepKeep                      // put it to the others
	stepWhole                     // make the message
	stepEnd                       // make a message of those that wait: the part is of another one
	stepStray                     // delete those that wait: they are of a message that was made
)

// next decides what becomes of a part, by the parts of its message that wait and by what
// is left of those with its reference that were made. It is asked again after every step
// but stepDuplicate and stepWhole: after stepKeep, because another node may have put the
// last part, or made the message, meanwhile.
func next(p *part, w waiting, m made) step {
	if m.hasAll(w) {
		return stepStray
	}
	if len(w) > 0 && !w[0].same(p) {
		return stepEnd // two messages have the same key
	}
	if i := slices.IndexFunc(w, func(q part) bool { return q.Number == p.Number }); i >= 0 {
		switch {
		case w[i].mark() != p.mark():
			return stepEnd
		case w.whole():
			return stepWhole
		}
		return stepDuplicate
	}
	switch {
	case m.has(p):
		return stepDuplicate
	case len(w)+1 == p.Total:
		return stepWhole
	}
	return stepKeep
}
