package store

import (
	"cmp"
	"math"
	"slices"
)

// LogRange is what a LogScan wants of one slot: the lines whose time, in Unix
// milliseconds, and Seq come after one pair and before another.
type LogRange struct {
	AfterAt, AfterSeq   int64
	BeforeAt, BeforeSeq int64
}

// Of is the part of the scan that is a slot's. Engines keep the lines of each slot
// together, and bring those of several together with Merge.
func (s *LogScan) Of(slot int) LogRange {
	r := LogRange{AfterAt: math.MinInt64, AfterSeq: math.MinInt64, BeforeAt: math.MaxInt64, BeforeSeq: math.MaxInt64}
	if !s.From.IsZero() {
		r.AfterAt = s.From.UnixMilli()
	}
	if !s.To.IsZero() {
		r.BeforeAt, r.BeforeSeq = s.To.UnixMilli(), math.MinInt64
	}
	switch {
	case s.Backwards && !s.Before.zero():
		if at, seq := s.Before.in(slot); cmp.Or(cmp.Compare(at, r.BeforeAt), cmp.Compare(seq, r.BeforeSeq)) < 0 {
			r.BeforeAt, r.BeforeSeq = at, seq
		}
	case !s.Backwards && !s.After.zero():
		if at, seq := s.After.in(slot); cmp.Or(cmp.Compare(at, r.AfterAt), cmp.Compare(seq, r.AfterSeq)) > 0 {
			r.AfterAt, r.AfterSeq = at, seq
		}
	}
	return r
}

func (p LogPlace) zero() bool { return p.At.IsZero() && p.Slot == 0 && p.Seq == 0 }

// in is where p stands between the lines of a slot: between those of one time, the
// lines of lower slots come first.
func (p LogPlace) in(slot int) (at, seq int64) {
	switch at = p.At.UnixMilli(); {
	case slot < p.Slot:
		return at, math.MaxInt64
	case slot > p.Slot:
		return at, math.MinInt64
	}
	return at, p.Seq
}

// Compare orders places.
func (p LogPlace) Compare(q LogPlace) int {
	return cmp.Or(p.At.Compare(q.At), cmp.Compare(p.Slot, q.Slot), cmp.Compare(p.Seq, q.Seq))
}

// Merge brings the lines of several slots, of each the first Limit that the scan
// wants, into its order, and leaves the first Limit of them.
func (s *LogScan) Merge(lines []LogEvent) []LogEvent {
	slices.SortFunc(lines, func(a, b LogEvent) int {
		if s.Backwards {
			a, b = b, a
		}
		return a.Place().Compare(b.Place())
	})
	return lines[:min(len(lines), s.Limit)]
}
