package receipt_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"heliograph/internal/carrier"
	"heliograph/internal/sms"
	"heliograph/internal/store"
)

const delivered = "QUEUED SUCCESSFUL DELIVERED."

// Each case is a life of one or two messages, in the order in which things
// reach the flow.
func TestReceiptFindsItsPart(t *testing.T) {
	for name, life := range map[string]func(*rig){
		"after its submit answer": func(r *rig) {
			m := r.accept(alice, 1)
			r.taken(m, 1, 1, "id-1")
			r.delivered(alice, "id-1")
			r.want(m, delivered)
			r.parked(0)
		},
		"before its submit answer": func(r *rig) {
			m := r.accept(alice, 1)
			r.delivered(alice, "id-1")
			r.parked(1)
			r.taken(m, 1, 1, "id-1")
			r.want(m, delivered)
			r.parked(0)
		},
		"before its submit answer, which a restart separates": func(r *rig) {
			m := r.accept(alice, 1)
			r.delivered(alice, "id-1")
			r.restart()
			r.parked(1)
			r.taken(m, 1, 1, "id-1")
			r.want(m, delivered)
			r.parked(0)
		},
		"when both were stored and the process ended before it met them": func(r *rig) {
			m := r.accept(alice, 1)
			r.delivered(alice, "id-1")
			r.end()
			r.load() // nothing is matched before run
			r.taken(m, 1, 1, "id-1")
			r.committer.Close()
			r.start()
			r.want(m, delivered)
			r.parked(0)
		},
		"after a restart": func(r *rig) {
			m := r.accept(alice, 1)
			r.taken(m, 1, 1, "id-1")
			r.restart()
			r.receipt(word(sms.StatusUnreachable, alice, "id-1"))
			r.want(m, "QUEUED SUCCESSFUL UNREACHABLE.")
		},
		"by another way of writing its id": func(r *rig) {
			m := r.accept(alice, 1)
			r.taken(m, 1, 1, "7b")
			r.delivered(alice, "123", "291", "7b")
			r.want(m, delivered)
			r.parked(0)
		},
		"early, by another way of writing its id": func(r *rig) {
			m := r.accept(alice, 1)
			r.delivered(alice, "123", "291", "7b", "7b")
			r.parked(1)
			r.taken(m, 1, 1, "7b")
			r.want(m, delivered)
			r.parked(0)
		},
		"that says nothing final changes nothing": func(r *rig) {
			m := r.accept(alice, 1)
			r.taken(m, 1, 1, "id-1")
			r.receipt(carrier.Receipt{Carrier: "acme", CarrierMessageIDs: []string{"id-1"}})
			r.want(m, "QUEUED SUCCESSFUL")
			r.parked(0)
		},
		"of another carrier is not it": func(r *rig) {
			m := r.accept(alice, 1)
			r.taken(m, 1, 1, "id-1")
			other := word(sms.StatusDelivered, alice, "id-1")
			other.Carrier = "other"
			r.receipt(other)
			r.parked(1)
			r.want(m, "QUEUED SUCCESSFUL")
		},
		"the first of two that disagree counts": func(r *rig) {
			m := r.accept(alice, 1)
			r.taken(m, 1, 1, "id-1")
			r.receipt(word(sms.StatusUnreachable, alice, "id-1"))
			r.delivered(alice, "id-1")
			r.want(m, "QUEUED SUCCESSFUL UNREACHABLE.")
			r.clock.advance(2 * time.Minute)
			r.sweep()
			r.want(m, "QUEUED SUCCESSFUL UNREACHABLE. LATE_RECEIPT")
			r.parked(0)
		},
		"twice before its submit answer": func(r *rig) {
			m := r.accept(alice, 1)
			r.delivered(alice, "id-1")
			r.receipt(word(sms.StatusUnreachable, alice, "id-1"))
			r.parked(2)
			r.taken(m, 1, 1, "id-1") // both are matched at once
			r.want(m, delivered+" LATE_RECEIPT")
			r.parked(0)
		},
		"again after a restart": func(r *rig) {
			m := r.accept(alice, 1)
			r.taken(m, 1, 1, "id-1")
			r.delivered(alice, "id-1")
			r.want(m, delivered)
			r.restart()
			r.delivered(alice, "id-1")
			r.clock.advance(2 * time.Minute)
			r.sweep()
			r.want(m, delivered+" LATE_RECEIPT")
			r.parked(0)
		},
		"of each part of a long message, in any order": func(r *rig) {
			m := r.accept(alice, 3)
			r.delivered(alice, "id-2")
			r.taken(m, 1, 3, "id-1")
			r.taken(m, 2, 3, "id-2")
			r.delivered(alice, "id-1")
			r.parked(0)
			r.want(m, "QUEUED")
			r.taken(m, 3, 3, "id-3")
			r.want(m, "QUEUED SUCCESSFUL")
			r.delivered(alice, "id-3")
			r.want(m, delivered)
		},
		"of a part that failed, while another waits": func(r *rig) {
			m := r.accept(alice, 2)
			r.taken(m, 1, 2, "id-1")
			r.taken(m, 2, 2, "id-2")
			r.receipt(word(sms.StatusSpam, alice, "id-2"))
			r.restart()
			r.receipt(word(sms.StatusSpam, alice, "id-2")) // again
			r.delivered(alice, "id-1")
			r.want(m, "QUEUED SUCCESSFUL SPAM.")
		},
		"for a part that is sent again": func(r *rig) {
			m := r.accept(alice, 1)
			r.delivered(alice, "id-lost") // of the submission whose answer was lost
			r.taken(m, 1, 1, "id-2")
			r.want(m, "QUEUED SUCCESSFUL")
			r.delivered(alice, "id-2")
			r.want(m, delivered)
			r.parked(1)
			r.clock.advance(sms.ReceiptWait + time.Minute)
			r.sweep()
			r.parked(0)
		},
		"that names no recipient": func(r *rig) {
			m := r.accept(alice, 1)
			r.taken(m, 1, 1, "id-1")
			r.delivered("", "id-1")
			r.want(m, delivered)
		},
		"whose addresses are not turned round": func(r *rig) {
			m := r.accept(alice, 1)
			r.taken(m, 1, 1, "id-1")
			r.delivered("447700900001", "id-1")
			r.want(m, delivered)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			life(newRig(t))
		})
	}
}

// Carriers count from one again after a restart or at the end of their range.
func TestIDsThatAreUsedAgain(t *testing.T) {
	for name, life := range map[string]func(*rig){
		"each recipient gets its own receipt": func(r *rig) {
			first, second := r.accept(alice, 1), r.accept(bob, 1)
			r.taken(first, 1, 1, "7")
			r.taken(second, 1, 1, "7")
			r.delivered(alice, "7")
			r.receipt(word(sms.StatusBlocked, bob, "7"))
			r.want(first, delivered)
			r.want(second, "QUEUED SUCCESSFUL BLOCKED.")
			r.parked(0)
		},
		"the newest message of a recipient comes first": func(r *rig) {
			first, second := r.accept(alice, 1), r.accept(alice, 1)
			r.taken(first, 1, 1, "7")
			r.taken(second, 1, 1, "7")
			r.delivered(alice, "7")
			r.want(second, delivered)
			r.want(first, "QUEUED SUCCESSFUL")
		},
		"a receipt for another recipient waits for its part": func(r *rig) {
			first, second := r.accept(alice, 1), r.accept(bob, 1)
			r.taken(first, 1, 1, "7")
			r.delivered(bob, "7")
			r.parked(1)
			r.want(first, "QUEUED SUCCESSFUL")
			r.taken(second, 1, 1, "7")
			r.want(second, delivered)
			r.parked(0)
			r.delivered(alice, "7")
			r.want(first, delivered)
		},
		"an early receipt is not a late one of the last that had the id": func(r *rig) {
			first, second := r.accept(alice, 1), r.accept(alice, 1)
			r.taken(first, 1, 1, "7")
			r.delivered(alice, "7")
			r.want(first, delivered)
			r.receipt(word(sms.StatusBlocked, alice, "7"))
			r.parked(1)
			r.taken(second, 1, 1, "7")
			r.want(second, "QUEUED SUCCESSFUL BLOCKED.")
			r.want(first, delivered)
			r.parked(0)
		},
		"another form of the id belongs to a part for somebody else": func(r *rig) {
			other, mine := r.accept(bob, 1), r.accept(alice, 1)
			r.taken(other, 1, 1, "16") // hexadecimal 10 is decimal 16
			r.taken(mine, 1, 1, "a")   // decimal 10 is hexadecimal a
			r.delivered(alice, "10", "16", "a")
			r.want(mine, delivered)
			r.want(other, "QUEUED SUCCESSFUL")
			r.parked(0)
		},
		"a second receipt does not go to another form of the id": func(r *rig) {
			first, second := r.accept(alice, 1), r.accept(alice, 1)
			r.taken(first, 1, 1, "10")
			r.delivered(alice, "10", "16", "a")
			r.want(first, delivered)
			r.taken(second, 1, 1, "16")
			r.delivered(alice, "10", "16", "a")
			r.parked(1)
			r.want(second, "QUEUED SUCCESSFUL")
			r.clock.advance(2 * time.Minute)
			r.sweep()
			r.want(first, delivered+" LATE_RECEIPT")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			life(newRig(t))
		})
	}
}

// A change that failed by itself says nothing of the parts that it names.
func TestObserveLeavesOutChangesThatFailed(t *testing.T) {
	r := newRig(t)
	m := r.accept(alice, 1)
	failed := takenChange(m, 1, 1, "id-1", r.clock.now())
	failed.Err = store.ErrVersion
	r.flow.Observe([]*store.Change{failed})
	if waiting, _ := r.flow.Sizes(); waiting != 0 {
		t.Errorf("%d parts wait for a receipt, want none", waiting)
	}
}

// Submit answers and receipts, each of these twice, come from many sides at once.
func TestManyAtOnce(t *testing.T) {
	r := newRig(t)
	const messages, sides = 400, 8
	ids := make([]sms.ID, messages)
	for i := range ids {
		ids[i] = r.accept(to(i), 2)
	}
	type step struct {
		message, part int
		receipt       bool
	}
	var steps []step
	for i := range ids {
		for part := 1; part <= 2; part++ {
			steps = append(steps, step{i, part, false}, step{i, part, true}, step{i, part, true})
		}
	}
	rand.Shuffle(len(steps), func(i, j int) { steps[i], steps[j] = steps[j], steps[i] })
	var fs []func()
	for side := range sides {
		fs = append(fs, func() {
			for i := side; i < len(steps); i += sides {
				s := steps[i]
				carrierID := fmt.Sprintf("%d-%d", s.message, s.part)
				if s.receipt {
					if err := r.give(word(sms.StatusDelivered, to(s.message), carrierID)); err != nil {
						t.Error(err)
					}
				} else if err := r.committer.Commit(takenChange(ids[s.message], s.part, 2, carrierID, r.clock.now())); err != nil {
					t.Error(err)
				}
			}
		})
	}
	together(fs...)
	r.settle()
	for i := range ids {
		if got := r.story(ids[i]); got != delivered {
			t.Fatalf("events are %q, want %q", got, delivered)
		}
	}
	if matched, late := r.count("receipts_matched_total"), r.count("receipts_late_total"); matched != 2*messages || late != 2*messages {
		t.Errorf("%d receipts matched and %d late, want %d of each", matched, late, 2*messages)
	}
	if waiting, _ := r.flow.Sizes(); waiting != 0 {
		t.Errorf("%d parts wait for a receipt, want none", waiting)
	}
}
