package wire

import (
	"unicode"
	"unicode/utf8"
)

// Most patterns of the model are a sequence of character classes, each repeated
// a number of times, in which a class that may repeat a varying number of times
// shares no character with what can follow it. Such a pattern matches by taking
// as much as possible for each class in turn, without going back; the generator
// makes sure of it and writes the pattern as runs.

// runs is such a pattern.
type runs []run

// run is a class repeated lo to hi times, hi -1 being no limit.
type run struct {
	class  class
	lo, hi int
}

// class is a set of characters: a bit for each ASCII character, and which of
// all others belong to it.
type class struct {
	ascii [2]uint64
	wide  wide
}

// wide says which characters outside ASCII belong to a class.
type wide uint8

const (
	wideNone     wide = iota
	wideAll           // written "."
	wideSpace         // written "\s"
	wideNotSpace      // written "\S"
)

// match says whether the whole of s matches.
func (p runs) match(s string) bool {
	i := 0
	for _, r := range p {
		n := 0
		for i < len(s) && n != r.hi {
			size := r.class.size(s[i:])
			if size == 0 {
				break
			}
			i += size
			n++
		}
		if n < r.lo {
			return false
		}
	}
	return i == len(s)
}

// size returns the length in bytes of the first character of s if it belongs
// to the class, else 0. s is not empty.
func (c class) size(s string) int {
	if b := s[0]; b < utf8.RuneSelf {
		return int(c.ascii[b>>6] >> (b & 63) & 1)
	}
	if c.wide == wideNone {
		return 0
	}
	r, n := utf8.DecodeRuneInString(s)
	if c.wide == wideSpace && !isSpace(r) || c.wide == wideNotSpace && isSpace(r) {
		return 0
	}
	return n
}

// isSpace says whether a pattern's \s matches r: Unicode white space, and the
// four information separators, which the pattern language counts as such too.
func isSpace(r rune) bool {
	return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f
}

// The two patterns of the model that look ahead or behind are written by hand.

// matchNotBlank is (?!\s*$)[\s\S]+ : at least one character, and not all of
// them white space.
func matchNotBlank(s string) bool {
	for _, r := range s {
		if !isSpace(r) {
			return true
		}
	}
	return false
}

// matchTrimmed is (?!\s)^[\s\S]+(?<!\s) : at least one character, neither the
// first nor the last being white space.
func matchTrimmed(s string) bool {
	first, _ := utf8.DecodeRuneInString(s)
	last, _ := utf8.DecodeLastRuneInString(s)
	return s != "" && !isSpace(first) && !isSpace(last)
}
