package store

import (
	"slices"
	"testing"
	"time"

	"heliograph/internal/sms"
)

const redactRows = 500

// redactStep does a step over messages with the IDs 1 to last, of which some have to
// stay. It writes so many at most, and answers which it looked at and which it wrote.
func redactStep(t *testing.T, p *Pass, last int64, most int, stays func(id int64) bool) (looked, wrote []int64) {
	t.Helper()
	n, err := p.RedactMessages(redactRows, func(reach Reach, limit sms.ID) (found []Redactable, end sms.ID, err error) {
		looked = slices.Clone(reach.Again)
		for id := reach.After + 1; reach.Again == nil && id <= last && len(looked) < redactRows; id++ {
			looked, end = append(looked, id), sms.ID(id)
		}
		for _, id := range looked {
			found = append(found, Redactable{Message: &sms.Message{ID: sms.ID(id)}, Stays: stays(id)})
		}
		return found, end, nil
	}, func(ready []*sms.Message) (int, time.Duration, error) {
		ready = ready[:min(most, len(ready))]
		for _, m := range ready {
			wrote = append(wrote, int64(m.ID))
		}
		return len(ready), 0, nil
	})
	if err != nil || n.Redacted != len(wrote) {
		t.Fatalf("%d written: %+v, %v", len(wrote), n, err)
	}
	return looked, wrote
}

// Where there is no room for all that has to stay, passes go on from the first of what
// there was none for, and drop what they can above it.
func TestRedactionWithoutRoom(t *testing.T) {
	r := NewRedaction()
	const n = 2*maxLeft + 1000
	pass := func(stays func(id int64) bool) (looked int, wrote []int64) {
		for p := (Pass{Bodies: n + 1, Redacted: r, Stage: PruneBodies}); p.Stage == PruneBodies; {
			l, w := redactStep(t, &p, n, redactRows, stays)
			looked += len(l)
			wrote = append(wrote, slices.DeleteFunc(w, func(id int64) bool { return id%2 == 1 })...)
		}
		return looked, wrote
	}
	even := func(id int64) bool { return id%2 == 0 }
	pass(even)
	if r.Bodies.At != 2*maxLeft+1 || len(r.Bodies.Left) != maxLeft {
		t.Fatalf("up to %d, %d left", r.Bodies.At, len(r.Bodies.Left))
	}
	if looked, _ := pass(even); looked != maxLeft+999 {
		t.Errorf("looked at %d", looked)
	}
	if _, wrote := pass(func(id int64) bool { return even(id) && id > 4 }); !slices.Equal(wrote, []int64{2, 4}) {
		t.Errorf("wrote %d", wrote)
	}
	if r.Bodies.At != 2*maxLeft+5 || len(r.Bodies.Left) != maxLeft || !slices.IsSorted(r.Bodies.Left) {
		t.Errorf("up to %d, %d left", r.Bodies.At, len(r.Bodies.Left))
	}
	if _, wrote := pass(func(int64) bool { return false }); len(wrote) != n/2-2 || r.Bodies.At != n || len(r.Bodies.Left) != 0 {
		t.Errorf("wrote %d, up to %d, %d left", len(wrote), r.Bodies.At, len(r.Bodies.Left))
	}
}

// A step that has no time for all its rows leaves the rest of them to the next one.
func TestRedactionInPart(t *testing.T) {
	r := NewRedaction()
	r.Numbers = Reached{At: 9, Left: []int64{2, 4, 6, 8}}
	p := Pass{Numbers: 100, Redacted: r, Stage: PruneNumbers}
	stays := func(id int64) bool { return id == 2 || id == 8 || id == 10 || id == 15 }
	for _, want := range []struct{ looked, wrote, left []int64 }{
		{[]int64{2, 4, 6, 8}, []int64{4}, []int64{2, 6, 8}},
		{[]int64{6, 8}, []int64{6}, []int64{2, 8}},
		{[]int64{10, 11, 12, 13, 14, 15}, []int64{11}, []int64{2, 8, 10}},
		{[]int64{12, 13, 14, 15}, []int64{12}, []int64{2, 8, 10}},
		{[]int64{13, 14, 15}, []int64{13}, []int64{2, 8, 10}},
		{[]int64{14, 15}, []int64{14}, []int64{2, 8, 10, 15}},
		{nil, nil, []int64{2, 8, 10, 15}},
	} {
		looked, wrote := redactStep(t, &p, 15, 1, stays)
		if !slices.Equal(looked, want.looked) || !slices.Equal(wrote, want.wrote) || !slices.Equal(r.Numbers.Left, want.left) {
			t.Fatalf("looked at %d, wrote %d, left %d; want %d", looked, wrote, r.Numbers.Left, want)
		}
	}
	if r.Numbers.At != 15 || p.Stage != PruneNumbers+1 {
		t.Errorf("up to %d, stage %d", r.Numbers.At, p.Stage)
	}
}
