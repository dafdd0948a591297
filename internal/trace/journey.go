package trace

import (
	"time"

	"heliograph/internal/sms"
)

// journey is what is remembered of a traced message between its commits. It
// helps to tell more, and nothing is wrong where it was forgotten, or where the
// message comes from another node.
type journey struct {
	waits  time.Time // since when, where it was put back into the queue
	left   bool      // a part of it was handed over here
	flying []flight
	tries  []int // submissions by part number - 1
}

// flight is a part that is with a carrier.
type flight struct {
	part    int
	seq     int64 // of the dispatch
	began   time.Time
	attempt int
}

// take removes the flight of a part.
func (j *journey) take(part int) (flight, bool) {
	for i, f := range j.flying {
		if f.part == part {
			j.flying = append(j.flying[:i], j.flying[i+1:]...)
			return f, true
		}
	}
	return flight{}, false
}

// takeOf removes the flight of a part if it is the one that a dispatch marked.
func (j *journey) takeOf(part int, seq int64) (flight, bool) {
	for _, f := range j.flying {
		if f.part == part && f.seq == seq {
			return j.take(part)
		}
	}
	return flight{}, false
}

// fly puts a part down as handed over.
func (j *journey) fly(part int, seq int64, at time.Time) {
	for len(j.tries) < part {
		j.tries = append(j.tries, 0)
	}
	j.tries[part-1]++
	j.flying = append(j.flying, flight{part, seq, at, j.tries[part-1]})
	j.left = true
}

// journeys remembers traced messages, in two generations of which the older is
// dropped when the younger is full.
type journeys struct{ young, old generation }

type generation struct {
	of    map[sms.ID]*journey
	marks map[int64][]sms.PartID // dispatches that have traced parts, by Seq
}

// maxGeneration is how many messages, and how many dispatches, a generation has.
const maxGeneration = 8192

func (s *journeys) room() {
	if len(s.young.of) >= maxGeneration || len(s.young.marks) >= maxGeneration || s.young.of == nil {
		s.old, s.young = s.young, generation{of: map[sms.ID]*journey{}, marks: map[int64][]sms.PartID{}}
	}
}

// get is the journey of a message, nil where it is not known.
func (s *journeys) get(id sms.ID) *journey {
	if j := s.young.of[id]; j != nil {
		return j
	}
	return s.old.of[id]
}

// begin is the journey of a message, a new one where it is not known.
func (s *journeys) begin(id sms.ID) *journey {
	s.room()
	j := s.get(id)
	if j == nil {
		j = &journey{}
	}
	delete(s.old.of, id)
	s.young.of[id] = j
	return j
}

func (s *journeys) forget(id sms.ID) {
	delete(s.young.of, id)
	delete(s.old.of, id)
}

func (s *journeys) mark(seq int64, part sms.PartID) {
	s.room()
	s.young.marks[seq] = append(s.young.marks[seq], part)
}

// unmark forgets a dispatch and gives its traced parts.
func (s *journeys) unmark(seq int64) []sms.PartID {
	parts := append(s.old.marks[seq], s.young.marks[seq]...)
	delete(s.young.marks, seq)
	delete(s.old.marks, seq)
	return parts
}
