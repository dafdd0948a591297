package inbound

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"heliograph/internal/carrier"
	"heliograph/internal/optout"
	"heliograph/internal/store"
)

func pieceOf(n, total int, reference uint16, body string) carrier.Inbound {
	return carrier.Inbound{Carrier: "acme", From: handset, To: twoWay, Text: body, Reference: reference, Total: total, Number: n}
}

// message5 is a message of five parts.
func message5(reference uint16, body string) (parts []carrier.Inbound, whole string) {
	for n := 1; n <= 5; n++ {
		p := pieceOf(n, 5, reference, fmt.Sprintf("%s %d, ", body, n))
		parts = append(parts, p)
		whole += p.Text
	}
	return parts, whole
}

func TestOutOfOrderAndTwice(t *testing.T) {
	r := newRig(t, 1)
	parts, whole := message5(7, "part")
	for _, i := range []int{4, 2, 2, 0, 3} {
		if o := r.take(parts[i]); o.Message != 0 || o.Result != carrier.InboundKept && o.Result != carrier.InboundDuplicate {
			t.Errorf("part %d: %+v", i+1, o)
		}
	}
	if o := r.take(parts[1]); o.Result != carrier.InboundPublished {
		t.Errorf("the last part: %+v", o)
	}
	for i := range parts {
		if o := r.take(parts[i]); o.Result != carrier.InboundDuplicate {
			t.Errorf("part %d, late: %+v", i+1, o)
		}
	}
	if got := r.bodies(); !slices.Equal(got, []string{whole}) {
		t.Errorf("published %q", got)
	}
	if parts, made := r.waiting(); parts != 0 || made != 1 {
		t.Errorf("%d parts wait, %d messages were made", parts, made)
	}
	r.clock.advance(2 * ReassemblyTimeout)
	r.sweep()
	if got := r.bodies(); len(got) != 1 {
		t.Errorf("copies were published: %q", got)
	}
	if n := r.count(0, "heliograph_inbound_duplicate_parts_total"); n != 6 {
		t.Errorf("%d duplicates were counted", n)
	}
	if n := r.count(0, "heliograph_inbound_parts_pending"); n != 0 {
		t.Errorf("%d parts are shown to wait", n)
	}
}

// TestReferences: the reference has two widths, and is each sender's, number's and
// carrier's own.
func TestReferences(t *testing.T) {
	r := newRig(t, 1)
	var want []string
	for i, change := range []func(*carrier.Inbound){
		func(*carrier.Inbound) {},
		func(m *carrier.Inbound) { m.Reference16 = true },
		func(m *carrier.Inbound) { m.From = "+14255550169" },
		func(m *carrier.Inbound) { m.Carrier = "other" },
		func(m *carrier.Inbound) { m.Total = 3 },
		func(m *carrier.Inbound) { m.Reference = 8 },
	} {
		p := pieceOf(1, 2, 7, fmt.Sprint("a", i))
		change(&p)
		if o := r.take(p); o.Result != carrier.InboundKept {
			t.Errorf("message %d: %+v", i, o)
		}
		want = append(want, fmt.Sprint("a", i, "b"))
	}
	for i, change := range []func(*carrier.Inbound){
		func(*carrier.Inbound) {},
		func(m *carrier.Inbound) { m.Reference16 = true },
		func(m *carrier.Inbound) { m.From = "+14255550169" },
		func(m *carrier.Inbound) { m.Carrier = "other" },
		func(m *carrier.Inbound) { m.Total = 3 },
		func(m *carrier.Inbound) { m.Reference = 8 },
	} {
		p := pieceOf(2, 2, 7, "b")
		change(&p)
		if o := r.take(p); (o.Result == carrier.InboundPublished) != (p.Total == 2) {
			t.Errorf("message %d: %+v", i, o)
		}
	}
	want = slices.Delete(want, 4, 5)
	if got := r.bodies(); !slices.Equal(got, want) {
		t.Errorf("published %q, want %q", got, want)
	}
}

// TestReferenceUsedAgain: another text with the reference of a message is another
// message, whether that is whole or not.
func TestReferenceUsedAgain(t *testing.T) {
	r := newRig(t, 1)
	take := func(n int, body string) { r.take(pieceOf(n, 2, 7, body)) }
	take(1, "a")
	take(2, "b")
	take(2, "d")
	take(1, "c")
	take(1, "e") // its second part never comes
	take(1, "g")
	take(2, "h")
	if got, want := r.bodies(), []string{"ab", "cd", "e", "gh"}; !slices.Equal(got, want) {
		t.Errorf("published %q, want %q", got, want)
	}
	if n := r.count(0, "heliograph_inbound_incomplete_total"); n != 1 {
		t.Errorf("%d incomplete messages were counted", n)
	}
}

func TestIncomplete(t *testing.T) {
	r := newRig(t, 1)
	parts, _ := message5(7, "STOP")
	r.take(parts[3])
	r.clock.advance(ReassemblyTimeout / 2)
	r.take(parts[1])
	r.take(pieceOf(1, 2, 8, "join "))
	r.sweep()
	if got := r.bodies(); len(got) != 0 {
		t.Fatalf("published before its time: %q", got)
	}
	r.clock.advance(ReassemblyTimeout / 2)
	r.sweep()
	r.sweep()
	if got, want := r.bodies(), []string{parts[1].Text + parts[3].Text}; !slices.Equal(got, want) {
		t.Errorf("published %q, want %q", got, want)
	}
	if r.optOut() != nil {
		t.Error("a keyword was found in the middle of a message")
	}
	if n := r.count(0, "heliograph_inbound_parts_pending"); n != 1 {
		t.Errorf("%d parts are shown to wait", n)
	}
	if o := r.take(parts[3]); o.Result != carrier.InboundDuplicate {
		t.Errorf("one of its parts, late: %+v", o)
	}
	if o := r.take(parts[0]); o.Result != carrier.InboundKept {
		t.Errorf("one that was missing, late: %+v", o)
	}
	r.clock.advance(ReassemblyTimeout)
	r.sweep()
	if got, want := r.bodies(), []string{parts[1].Text + parts[3].Text, "join "}; !slices.Equal(got, want) {
		t.Errorf("published %q, want %q", got, want)
	}
	if got := r.answers(); len(got) != 2 || !slices.Contains(got, "welcome") || !optout.OptedOut(r.optOut()) {
		t.Errorf("the keywords that incomplete messages begin with are not heeded: %q", got)
	}
	r.clock.advance(ReassemblyTimeout)
	r.sweep()
	if parts, made := r.waiting(); parts != 0 || made != 0 {
		t.Errorf("%d parts wait, %d messages are remembered", parts, made)
	}
}

// TestNodes: the parts of a message come in at several nodes at once, some twice.
func TestNodes(t *testing.T) {
	r := newRig(t, 3)
	var want []string
	for reference := range uint16(40) {
		parts, whole := message5(reference%20, fmt.Sprint("message ", reference))
		want = append(want, whole)
		parts = append(parts, parts[rand.IntN(5)], parts[rand.IntN(5)])
		rand.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
		var wg sync.WaitGroup
		for _, p := range parts {
			n := rand.IntN(3)
			wg.Go(func() {
				if _, err := r.give(n, p); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
	if got := r.bodies(); !slices.Equal(got, want) {
		t.Errorf("published %q, want %q", got, want)
	}
	r.clock.advance(ReassemblyTimeout)
	r.sweep()
	if parts, made := r.waiting(); parts != 0 || made != 0 || len(r.bodies()) != len(want) {
		t.Errorf("%d parts wait, %d messages are remembered, %d were published", parts, made, len(r.bodies()))
	}
}

// TestCrash: parts that were acknowledged are there after a crash.
func TestCrash(t *testing.T) {
	r := newRig(t, 1)
	parts, whole := message5(7, "part")
	for _, i := range []int{4, 1} {
		r.take(parts[i])
	}
	r.crash()
	for _, i := range []int{0, 1, 3} {
		r.take(parts[i])
	}
	r.crash()
	r.take(parts[2])
	r.crash()
	if o := r.take(parts[0]); o.Result != carrier.InboundDuplicate {
		t.Errorf("a late part: %+v", o)
	}
	if got := r.bodies(); !slices.Equal(got, []string{whole}) {
		t.Errorf("published %q", got)
	}
}

// TestLeftWhole: a node went away between the last part and the message.
func TestLeftWhole(t *testing.T) {
	r := newRig(t, 1)
	parts, whole := message5(7, "part")
	change := &store.Change{}
	for i := range parts {
		parts[i].At = r.clock.now()
		p := partOf(&parts[i])
		e, err := p.entry(testKeys)
		r.must(err)
		change.Entries = append(change.Entries, store.EntryWrite{Entry: e})
	}
	r.must(r.committer.Commit(change))
	r.sweep()
	if got := r.bodies(); len(got) != 0 {
		t.Errorf("published %q: whoever put the last part makes the message", got)
	}
	r.clock.advance(settleTime)
	r.sweep()
	r.take(parts[2])
	if got := r.bodies(); !slices.Equal(got, []string{whole}) {
		t.Errorf("published %q", got)
	}
	if n := r.count(0, "heliograph_inbound_incomplete_total"); n != 0 {
		t.Errorf("%d incomplete messages were counted", n)
	}
}

// TestUnreadable: a part that cannot be read does not keep the others from their effect.
func TestUnreadable(t *testing.T) {
	r := newRig(t, 1)
	p := pieceOf(1, 2, 7, "a")
	p.At = r.clock.now()
	kept := partOf(&p)
	e, err := kept.entry(testKeys)
	r.must(err)
	e.Doc = []byte("{")
	r.must(r.committer.Commit(&store.Change{Entries: []store.EntryWrite{{Entry: e}}}))
	r.take(pieceOf(2, 2, 7, "b"))
	r.take(pieceOf(1, 2, 7, "a"))
	r.clock.advance(ReassemblyTimeout)
	r.sweep()
	if got := strings.Join(r.bodies(), ""); !strings.Contains(got, "b") {
		t.Errorf("published %q", got)
	}
	if parts, _ := r.waiting(); parts != 0 {
		t.Errorf("%d parts wait", parts)
	}
}

// TestBoundOfASender: the parts that wait of a sender are not more than their bound.
func TestBoundOfASender(t *testing.T) {
	r := newRig(t, 1)
	for i := range maxSenderParts + 3 {
		r.take(pieceOf(2, 3, uint16(i), fmt.Sprint("part ", i)))
		r.clock.advance(time.Millisecond)
	}
	if parts, _ := r.waiting(); parts != maxSenderParts {
		t.Errorf("%d parts wait", parts)
	}
	if got, want := r.bodies(), []string{"part 0", "part 1", "part 2"}; !slices.Equal(got, want) {
		t.Errorf("published %q, want %q", got, want)
	}
	other := pieceOf(1, 2, 1, "a")
	other.From = "+14255550169"
	if o := r.take(other); o.Result != carrier.InboundKept {
		t.Errorf("another sender: %+v", o)
	}
}

// TestBeginningUsedAgain: two messages with one reference have a part in common.
func TestBeginningUsedAgain(t *testing.T) {
	r := newRig(t, 1)
	take := func(n int, body string) { r.take(pieceOf(n, 2, 7, body)) }
	take(1, "x")
	take(2, "y")
	take(1, "x")
	take(2, "z")
	r.sweep()
	if got, want := r.bodies(), []string{"xy"}; !slices.Equal(got, want) {
		t.Fatalf("published %q, want %q: another part could come in the place of the copy", got, want)
	}
	r.clock.advance(copyTime)
	r.sweep()
	take(1, "x")
	take(2, "y2")
	take(1, "x") // ends the one before
	take(2, "y3")
	r.clock.advance(copyTime)
	r.sweep()
	if got, want := r.bodies(), []string{"xy", "xz", "xy2", "xy3"}; !slices.Equal(got, want) {
		t.Errorf("published %q, want %q", got, want)
	}
	if n := r.count(0, "heliograph_inbound_incomplete_total"); n != 0 {
		t.Errorf("%d incomplete messages were counted", n)
	}
	r.clock.advance(ReassemblyTimeout)
	r.sweep()
	if parts, made := r.waiting(); parts != 0 || made != 0 || len(r.bodies()) != 4 {
		t.Errorf("%d parts wait, %d messages are remembered, %d were published", parts, made, len(r.bodies()))
	}
}

// TestLateCopy: a part that is sent again late does not come into the next message.
func TestLateCopy(t *testing.T) {
	r := newRig(t, 1)
	take := func(n int, body string) { r.take(pieceOf(n, 2, 7, body)) }
	take(1, "a")
	take(2, "b")
	take(2, "b")
	take(1, "c")
	take(1, "a")
	take(2, "d")
	take(2, "b")
	r.clock.advance(2 * ReassemblyTimeout)
	r.sweep()
	if got, want := r.bodies(), []string{"ab", "cd"}; !slices.Equal(got, want) {
		t.Errorf("published %q, want %q", got, want)
	}
	if parts, _ := r.waiting(); parts != 0 {
		t.Errorf("%d parts wait", parts)
	}
}

// TestPlacesTaken: a handset that makes more messages with one reference than are
// remembered loses none, and keeps nobody's from their end.
func TestPlacesTaken(t *testing.T) {
	r := newRig(t, 1)
	const messages = 1<<partBits + 1
	for i := range messages {
		r.take(pieceOf(1, 2, 7, fmt.Sprint("a", i, " ")))
		if o := r.take(pieceOf(2, 2, 7, fmt.Sprint("b", i))); o.Result != carrier.InboundPublished {
			t.Fatalf("message %d: %+v", i, o)
		}
		r.clock.advance(time.Millisecond)
	}
	if _, made := r.waiting(); made > 1<<partBits {
		t.Errorf("%d messages are remembered", made)
	}
	if o := r.take(pieceOf(2, 2, 7, "b512")); o.Result != carrier.InboundDuplicate {
		t.Errorf("a part of the last one: %+v", o)
	}
	r.take(pieceOf(1, 2, 7, "more"))
	for i := range 20 {
		other := pieceOf(1, 2, 7, "other")
		other.From = fmt.Sprint("+142555501", 40+i)
		r.take(other)
	}
	r.clock.advance(ReassemblyTimeout)
	r.sweep()
	if parts, made := r.waiting(); parts != 0 || made != 21 {
		t.Errorf("%d parts wait, %d messages are remembered", parts, made)
	}
	if got := r.bodies(); len(got) != messages+21 {
		t.Errorf("%d were published", len(got))
	}
}

// TestSweepGoesOn: a message that cannot be ended does not keep the sweep from the rest.
func TestSweepGoesOn(t *testing.T) {
	r := newRig(t, 1)
	r.take(pieceOf(1, 2, 1, "made "))
	r.take(pieceOf(2, 2, 1, "before"))
	for i := range 3 {
		r.take(pieceOf(1, 2, uint16(7+i), fmt.Sprint(i)))
	}
	r.clock.advance(ReassemblyTimeout)
	r.engine.commits.Store(2)
	err := r.nodes[0].Sweep(r.Context())
	if parts, made := r.waiting(); !errors.Is(err, store.ErrUnavailable) || parts != 1 || made != 3 {
		t.Errorf("%v: %d parts wait, %d messages are remembered", err, parts, made)
	}
	if n := r.count(0, "heliograph_inbound_parts_pending"); n != 1 {
		t.Errorf("%d parts are shown to wait", n)
	}
	r.sweep()
	if parts, made := r.waiting(); parts != 0 || made != 3 {
		t.Errorf("%d parts wait, %d messages are remembered", parts, made)
	}
}
