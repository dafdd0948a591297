package main

import (
	"fmt"
	"log"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// maxPrefix bounds the national digits that are looked at. Regions that are not
// told apart by then share the numbers, and the library's first is taken.
const maxPrefix = 8

// member is one of the regions that share a calling code.
type member struct {
	country string
	meta    *phonenumbers.PhoneMetadata
	program *syntax.Prog
	leading bool // program is the region's leading digits: what follows is free
}

func newMember(country string, meta *phonenumbers.PhoneMetadata) *member {
	m := &member{country: country, meta: meta}
	var patterns []string
	if meta.GetLeadingDigits() != "" {
		m.leading = true
		patterns = append(patterns, meta.GetLeadingDigits())
	} else {
		for _, d := range []*phonenumbers.PhoneNumberDesc{
			meta.GetFixedLine(), meta.GetMobile(), meta.GetTollFree(), meta.GetPremiumRate(), meta.GetSharedCost(),
			meta.GetPersonalNumber(), meta.GetVoip(), meta.GetPager(), meta.GetUan(), meta.GetVoicemail(),
		} {
			if p := d.GetNationalNumberPattern(); p != "" && p != "NA" {
				patterns = append(patterns, "(?:"+p+")")
			}
		}
	}
	re, err := syntax.Parse(strings.Join(patterns, "|"), syntax.Perl)
	if err != nil {
		log.Fatal(err)
	}
	if m.program, err = syntax.Compile(re.Simplify()); err != nil {
		log.Fatal(err)
	}
	return m
}

func (m *member) lengths() string {
	var s []string
	for _, l := range m.meta.GetGeneralDesc().GetPossibleLength() {
		s = append(s, strconv.Itoa(int(l)))
	}
	return strings.Join(s, " ")
}

// state is a member's expression after some digits.
type state struct {
	m    *member
	pcs  []uint32
	done bool // leading digits were matched in full
}

func (m *member) start() state {
	s := state{m: m}
	s.follow(uint32(m.program.Start), map[uint32]bool{})
	return s
}

func (s *state) follow(pc uint32, seen map[uint32]bool) {
	if seen[pc] {
		return
	}
	seen[pc] = true
	switch in := s.m.program.Inst[pc]; in.Op {
	case syntax.InstAlt, syntax.InstAltMatch:
		s.follow(in.Out, seen)
		s.follow(in.Arg, seen)
	case syntax.InstCapture, syntax.InstNop, syntax.InstEmptyWidth:
		s.follow(in.Out, seen)
	case syntax.InstMatch:
		if s.m.leading {
			s.done = true
		}
		s.pcs = append(s.pcs, pc)
	case syntax.InstFail:
	default:
		s.pcs = append(s.pcs, pc)
	}
}

func (s state) step(digit rune) state {
	next := state{m: s.m, done: s.done}
	seen := map[uint32]bool{}
	for _, pc := range s.pcs {
		in := s.m.program.Inst[pc]
		if in.Op != syntax.InstMatch && in.MatchRune(digit) {
			next.follow(in.Out, seen)
		}
	}
	slices.Sort(next.pcs)
	return next
}

// open reports whether some number with these digits in front is the region's,
// and a key that is the same for states that go on alike.
func (s state) open() (key string, alive bool) {
	if s.done {
		return s.m.country + ":done", true
	}
	return fmt.Sprint(s.m.country, s.pcs), len(s.pcs) > 0
}

// split gives the prefixes, in national digits, of numbers whose country is not
// the one that a shorter prefix or main says.
func split(members []*member, main string) map[string]string {
	states := make([]state, len(members))
	for i, m := range members {
		states[i] = m.start()
	}
	root := build(states, 0, map[string]*node{})
	out := map[string]string{}
	root.emit("", main, out)
	return out
}

// node is a prefix: settled on one country ("" for no number at all) or divided.
type node struct {
	country string
	next    *[10]*node
}

func build(states []state, depth int, known map[string]*node) *node {
	var alive []state
	keys := []string{strconv.Itoa(depth)}
	countries := map[string]bool{}
	for _, s := range states {
		if key, ok := s.open(); ok {
			alive = append(alive, s)
			keys = append(keys, key)
			countries[s.m.country] = true
		}
	}
	if len(alive) == 0 {
		return &node{}
	}
	if len(countries) == 1 || depth == maxPrefix {
		return &node{country: alive[0].m.country}
	}
	key := strings.Join(keys, " ")
	if n, ok := known[key]; ok {
		return n
	}
	n := &node{next: new([10]*node)}
	settled := map[string]bool{}
	divided := false
	for d := range n.next {
		after := make([]state, len(alive))
		for i, s := range alive {
			after[i] = s.step(rune('0' + d))
		}
		child := build(after, depth+1, known)
		n.next[d] = child
		divided = divided || child.next != nil
		if child.next == nil && child.country != "" {
			settled[child.country] = true
		}
	}
	if !divided && len(settled) <= 1 {
		n.next = nil
		for c := range settled {
			n.country = c
		}
	}
	known[key] = n
	return n
}

func (n *node) emit(prefix, inherited string, out map[string]string) {
	if n.next == nil {
		if n.country != "" && n.country != inherited {
			out[prefix] = n.country
		}
		return
	}
	for d, child := range n.next {
		child.emit(prefix+strconv.Itoa(d), inherited, out)
	}
}
