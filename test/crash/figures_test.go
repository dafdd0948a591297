//go:build harness

package crash

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// figures are what a run has come to.
type figures struct {
	refused, broken atomic.Int64 // sends that were refused; that got no answer from a server that was up
	again           atomic.Int64 // sends that were made again with an idempotency key
	barred          atomic.Int64 // sends that were refused because the recipient is opted out

	mu        sync.Mutex
	kills     int
	rounds    map[string]int // by fault
	problems  map[string]int // errors that the server logged
	messages  int
	unknown   int // of them, without an answer
	parts     int // billed
	submitted int // parts at the message centres, copies included
	copies    int // parts that were sent more than once
	counted   int // possible duplicates that the server spoke of
	inFlight  int // parts in flight at the kills
	mostAtOne int
	events    int
	published int
	open      int // messages whose receipt never came
	filtered  int
	opinions  int // rows of message feedback
	pending   int // messages that wait for feedback
	lines     int // of the log group

	written      int // messages by handsets
	lostAcks     int // attempts to bring them whose answer was lost
	refusedParts int // that the server asked to make again
	heard        int
	heardAgain   int // because an acknowledgement was lost, or it was brought twice
	replies      int
}

func newFigures() *figures { return &figures{rounds: map[string]int{}, problems: map[string]int{}} }

func (f *figures) kill(how string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.kills++
	f.rounds[how]++
}

func (f *figures) killed() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.kills
}

func (f *figures) round(how string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rounds[how]++
}

func (f *figures) flying(parts int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.inFlight += parts
	f.mostAtOne = max(f.mostAtOne, parts)
}

func (f *figures) note(problem string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.problems[problem]++
}

func (f *figures) String() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var b strings.Builder
	fmt.Fprintf(&b, "%d kills (%s)\n", f.kills, list(f.rounds))
	fmt.Fprintf(&b, "%d messages in the store, of %d of which the answer was lost; %d sends refused; %d messages open for want of a receipt\n",
		f.messages, f.unknown, f.refused.Load(), f.open)
	fmt.Fprintf(&b, "%d parts billed, %d submitted, %d of them again; %d possible duplicates counted; %d parts in flight at the kills, at most %d at one\n",
		f.parts, f.submitted, f.copies, f.counted, f.inFlight, f.mostAtOne)
	fmt.Fprintf(&b, "%d events, %d lines published, %d lines in the log group\n", f.events, f.published, f.lines)
	fmt.Fprintf(&b, "%d sends made again by their idempotency key; %d messages filtered; feedback of %d messages, %d wait for it\n",
		f.again.Load(), f.filtered, f.opinions, f.pending)
	fmt.Fprintf(&b, "%d messages by handsets, heard %d times, %d of them again; %d acknowledgements lost, %d refused; %d answers; %d sends refused to who is opted out\n",
		f.written, f.heard, f.heardAgain, f.lostAcks, f.refusedParts, f.replies, f.barred.Load())
	if len(f.problems) > 0 {
		fmt.Fprintf(&b, "errors logged: %s\n", list(f.problems))
	}
	return b.String()
}

func list(counts map[string]int) string {
	var all []string
	for name, n := range counts {
		all = append(all, fmt.Sprintf("%s %d", name, n))
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}
