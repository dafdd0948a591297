package store

import (
	"slices"
	"testing"

	"heliograph/internal/sms"
)

// Where there is no room for all that has to stay, passes go on from the first of what
// there was none for, and drop what they can above it.
func TestRedactionWithoutRoom(t *testing.T) {
	r := NewRedaction()
	const rows = 500
	pass := func(last sms.ID, stays func(id int64) bool) (looked int, dropped []int64) {
		p := Pass{Bodies: last + 1, Redacted: r, Stage: PruneBodies}
		for {
			_, reach := p.ToRedact(rows)
			ids := reach.Again
			for id := reach.After + 1; reach.Again == nil && id <= int64(last) && len(ids) < rows; id++ {
				ids = append(ids, id)
			}
			if len(ids) == 0 {
				return looked, dropped
			}
			looked += len(ids)
			var stay []int64
			for _, id := range ids {
				if stays(id) {
					stay = append(stay, id)
				} else if id%2 == 0 {
					dropped = append(dropped, id)
				}
			}
			p.RedactedTo(sms.ID(ids[len(ids)-1]), stay)
		}
	}
	even := func(id int64) bool { return id%2 == 0 }
	const n = 2*maxLeft + 1000
	pass(n, even)
	if r.Bodies.At != 2*maxLeft+1 || len(r.Bodies.Left) != maxLeft {
		t.Fatalf("up to %d, %d left", r.Bodies.At, len(r.Bodies.Left))
	}
	if looked, _ := pass(n, even); looked != maxLeft+999 {
		t.Errorf("looked at %d", looked)
	}
	if _, dropped := pass(n, func(id int64) bool { return even(id) && id > 4 }); !slices.Equal(dropped, []int64{2, 4}) {
		t.Errorf("dropped %d", dropped)
	}
	if r.Bodies.At != 2*maxLeft+5 || len(r.Bodies.Left) != maxLeft || !slices.IsSorted(r.Bodies.Left) {
		t.Errorf("up to %d, %d left", r.Bodies.At, len(r.Bodies.Left))
	}
	if _, dropped := pass(n, func(int64) bool { return false }); len(dropped) != n/2-2 || r.Bodies.At != n || len(r.Bodies.Left) != 0 {
		t.Errorf("dropped %d, up to %d, %d left", len(dropped), r.Bodies.At, len(r.Bodies.Left))
	}
}

// A step that ends before its last row leaves the rest of them to the next one.
func TestRedactionInPart(t *testing.T) {
	r := NewRedaction()
	r.Numbers = Reached{At: 9, Left: []int64{2, 4, 6, 8}}
	p := Pass{Numbers: 100, Redacted: r, Stage: PruneNumbers}
	if _, reach := p.ToRedact(3); !slices.Equal(reach.Again, []int64{2, 4, 6}) {
		t.Fatalf("%+v", reach)
	}
	p.RedactedTo(4, []int64{2, 6})
	if _, reach := p.ToRedact(3); !slices.Equal(reach.Again, []int64{6, 8}) || !slices.Equal(r.Numbers.Left, []int64{2, 6, 8}) {
		t.Fatalf("%+v of %+v", reach, r.Numbers)
	}
	p.RedactedTo(8, []int64{6, 8})
	if _, reach := p.ToRedact(3); reach.Again != nil || reach.After != 9 {
		t.Fatalf("%+v", reach)
	}
	p.RedactedTo(20, []int64{15, 21})
	if _, reach := p.ToRedact(3); reach.Again != nil || reach.After != 20 || p.Redacted.Numbers.At != 20 || !slices.Equal(r.Numbers.Left, []int64{2, 6, 8, 15}) {
		t.Fatalf("%+v of %+v", reach, r.Numbers)
	}
}
