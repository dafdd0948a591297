package queue

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestDequeBehavesLikeASlice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var d deque[int]
		var want []int
		for i := range rapid.IntRange(0, 200).Draw(t, "steps") {
			switch rapid.IntRange(0, 3).Draw(t, "step") {
			case 0:
				d.pushBack(i)
				want = append(want, i)
			case 1:
				at := rapid.IntRange(0, len(want)).Draw(t, "place")
				d.insert(at, i)
				want = slices.Insert(want, at, i)
			case 2:
				if len(want) > 0 {
					if got := d.popFront(); got != want[0] {
						t.Fatalf("popFront is %d, want %d", got, want[0])
					}
					want = want[1:]
				}
			case 3:
				keep := func(v int) bool { return v%3 != 0 }
				d.filter(keep)
				want = slices.DeleteFunc(want, func(v int) bool { return !keep(v) })
			}
			if d.len() != len(want) {
				t.Fatalf("length is %d, want %d", d.len(), len(want))
			}
			for i := range want {
				if d.at(i) != want[i] {
					t.Fatalf("at(%d) is %d, want %d", i, d.at(i), want[i])
				}
			}
		}
	})
}
