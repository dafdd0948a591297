package inbound

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"heliograph/internal/carrier"
	"heliograph/internal/encode"
	"heliograph/internal/store"
)

// The lists of the store. An entry of pendingList is a part: its key is its message's
// (Keys.message) with the part's number, and copyBit for a copy, in the lowest bits; At
// when it came, Doc the part. One of doneList stands for a message that was made: its key
// is the message's with a place by its text in the lowest bits, At when it was made, Doc
// the digests of its parts. Docs are encrypted where the rest is not.
var (
	pendingList = store.ListID("inbound")
	doneList    = store.ListID("inbound-done")
)

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
	copied      bool      // a message with its reference had the same text in this part
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

func (p *part) entry(k *Keys) (store.Entry, error) {
	doc, err := json.Marshal(p)
	if err != nil {
		return store.Entry{}, fmt.Errorf("encode a message part: %w", err)
	}
	key := k.message(p) | int64(p.Number)
	if p.copied {
		key |= copyBit
	}
	return store.Entry{EntryKey: store.EntryKey{List: pendingList, Key: key}, At: p.At, Doc: doc}, nil
}

// readPart is the part of an entry. Its error comes with one that is of no message.
func readPart(e *store.Entry) (p part, err error) {
	if err = json.Unmarshal(e.Doc, &p); err != nil {
		p, err = part{}, fmt.Errorf("read a message part: %w", err)
	}
	p.At, p.place, p.Number, p.copied = e.At, e.Key, int(e.Key&(copyBit-1)), Copy(e)
	return p, err
}

// waiting are the parts of a message that are in the store, by their numbers; copies
// come after the others.
type waiting []part

// fresh are the parts that are no copies.
func (w waiting) fresh() waiting {
	return slices.DeleteFunc(slices.Clone(w), func(p part) bool { return p.copied })
}

// merged is one part for each number: a copy only where there is no other.
func (w waiting) merged() waiting {
	all := slices.Clone(w)
	slices.SortStableFunc(all, func(a, b part) int { return cmp.Compare(a.Number, b.Number) })
	return slices.CompactFunc(all, func(a, b part) bool { return a.Number == b.Number })
}

// find is the part, or the copy, with p's number; nil for none.
func (w waiting) find(p *part, copied bool) *part {
	for i := range w {
		if w[i].Number == p.Number && w[i].copied == copied {
			return &w[i]
		}
	}
	return nil
}

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

// since is when the first of the parts came, of copies only where there is nothing else.
func (w waiting) since() time.Time {
	if fresh := w.fresh(); len(fresh) > 0 {
		w = fresh
	}
	return slices.MinFunc(w, byTime).At
}

// last is when the last of the parts came.
func (w waiting) last() time.Time { return slices.MaxFunc(w, byTime).At }

func byTime(a, b part) int { return a.At.Compare(b.At) }

// with is w and another part.
func (w waiting) with(p part) waiting { return append(waiting{p}, w...).merged() }

// done is what is left of a message that was made: when that was, and the digests of its
// parts by their numbers.
type done struct {
	at    time.Time
	marks map[int]int64
}

func (w waiting) marks() map[int]int64 {
	marks := map[int]int64{}
	for i := range w {
		marks[w[i].Number] = w[i].mark()
	}
	return marks
}

func (d *done) has(p *part) bool {
	mark, ok := d.marks[p.Number]
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
// for the same texts, unless there are others. ok is false where all are taken.
func (m made) claim(k *Keys, key int64, w waiting) (claim int64, ok bool) {
	first := k.place(w)
	for i := range int64(1) << partBits {
		claim = key | (first+i)%(1<<partBits)
		if _, taken := m[claim]; !taken {
			return claim, true
		}
	}
	return 0, false
}

// oldest is the half of the messages, by their keys in the list, that were made first.
func (m made) oldest() []int64 {
	keys := slices.SortedFunc(maps.Keys(m), func(a, b int64) int { return cmp.Or(m[a].at.Compare(m[b].at), cmp.Compare(a, b)) })
	return keys[:(len(keys)+1)/2]
}

// step is what to do with a part that came.
type step int

const (
	stepDuplicate step = iota + 1 // nothing: it is there
	stepKeep                      // put it to the others
	stepCopy                      // put it to the others as a copy
	stepWhole                     // make the message
	stepEnd                       // end the message of those that wait: the part is of another one
	stepStray                     // delete those that wait: they are of a message that was made
	stepRepeated                  // delete the copies: with the part they are a message that came again
)

// next decides what becomes of a part, by the parts of its message that wait and by what
// is left of those with its reference that were made. It is asked again after every step
// but stepDuplicate, stepWhole and stepRepeated: after stepKeep, because another node may
// have put the last part, or made the message, meanwhile. kept says that the part was put
// there before by who asks.
//
// A part with the text that it had in a message that was made may be sent again, or be
// the beginning of another message with the same reference. It waits as a copy: copies
// alone make no message, and those that are needed to make one are taken into it after
// a while (see Sweep), if no other part has come in their place.
func next(p *part, w waiting, m made, kept bool) step {
	fresh := w.fresh()
	if m.hasAll(fresh) {
		return stepStray
	}
	if len(w) > 0 && !w[0].same(p) {
		return stepEnd // two messages have the same key
	}
	if q := fresh.find(p, false); q != nil {
		switch {
		case q.mark() != p.mark() && !m.has(p):
			return stepEnd
		case q.mark() == p.mark() && fresh.whole():
			return stepWhole
		case q.mark() == p.mark():
			return stepDuplicate
		}
	}
	if !m.has(p) {
		if len(fresh.with(*p)) == p.Total {
			return stepWhole
		}
		return stepKeep
	}
	if q := w.find(p, true); q != nil && q.mark() == p.mark() {
		if !kept && len(fresh) > 0 && w.merged().whole() {
			return stepEnd // it is of one more message with the same text
		}
		return stepDuplicate
	}
	if len(fresh) == 0 && w.with(*p).whole() {
		return stepRepeated
	}
	return stepCopy
}
