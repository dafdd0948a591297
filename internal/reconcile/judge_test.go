package reconcile

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// events reads a story such as "QUEUED SUCCESSFUL DELIVERED.": a dot behind what is
// final, and "1:" in front of what is in the log of slot 1.
func events(text string, parts ...store.AuditedPart) (out []store.AuditedEvent) {
	for i, word := range strings.Fields(text) {
		e := store.AuditedEvent{Seq: int64(i + 1)}
		if rest, other := strings.CutPrefix(word, "1:"); other {
			e.Slot, word = 1, rest
		}
		if rest, final := strings.CutSuffix(word, "."); final {
			e.Final, e.Parts, word = true, parts, rest
		}
		e.Status = sms.Status(word)
		out = append(out, e)
	}
	return out
}

var (
	unsent    = store.AuditedPart{State: sms.PartUnsent}
	taken     = store.AuditedPart{State: sms.PartTaken, Sent: true, Code: "ESME_ROK"}
	delivered = final(sms.StatusDelivered)
	expired   = store.AuditedPart{State: sms.PartFinal, Status: sms.StatusTTLExpired}
	filtered  = store.AuditedPart{State: sms.PartFinal, Status: sms.StatusProtectBlocked}
)

func final(s sms.Status) store.AuditedPart {
	return store.AuditedPart{State: sms.PartFinal, Status: s, Sent: true, Code: "000"}
}

func resent(p store.AuditedPart, n int) store.AuditedPart {
	p.Resent = n
	return p
}

func ended(parts int, story string, of ...store.AuditedPart) store.Audited {
	return store.Audited{Message: &store.AuditedMessage{Parts: parts}, Events: events(story, of...)}
}

func queued(parts, has int, story string) store.Audited {
	return store.Audited{Message: &store.AuditedMessage{Parts: parts}, Queued: true, QueuedParts: has, Events: events(story)}
}

func awaiting(parts int, story string, of ...store.AuditedPart) store.Audited {
	return store.Audited{Message: &store.AuditedMessage{Parts: parts}, Awaiting: true, Parts: of, Events: events(story)}
}

func with(a store.Audited, change func(*store.Audited)) store.Audited {
	change(&a)
	return a
}

func TestJudgeWholeMessages(t *testing.T) {
	for _, c := range []struct {
		name  string
		a     store.Audited
		count string
		parts Parts
	}{
		{"queued", queued(2, 2, "QUEUED"), "queued", Parts{Billed: 2, Waiting: 2}},
		{"tried again", queued(1, 1, "QUEUED PENDING"), "queued", Parts{Billed: 1, Waiting: 1}},
		{"moved twice", queued(1, 1, "QUEUED MOVED PENDING MOVED"), "queued", Parts{Billed: 1, Waiting: 1}},
		{"half sent", awaiting(2, "QUEUED", taken, unsent), "awaiting", Parts{Billed: 2, HandedOver: 1, Waiting: 1}},
		{"taken", awaiting(1, "QUEUED SUCCESSFUL", resent(taken, 2)), "awaiting", Parts{Billed: 1, HandedOver: 1, Resent: 2}},
		{"taken after a part has failed", awaiting(2, "QUEUED TAKEN", final(sms.StatusSpam), taken), "awaiting", Parts{Billed: 2, HandedOver: 2}},
		{"a part has failed", awaiting(2, "QUEUED", final(sms.StatusSpam), taken), "awaiting", Parts{Billed: 2, HandedOver: 2}},
		{"delivered", ended(2, "QUEUED PENDING SUCCESSFUL DELIVERED.", delivered, delivered), "delivered", Parts{Billed: 2, HandedOver: 2}},
		{"filtered", ended(2, "QUEUED PROTECT_BLOCKED.", filtered, filtered), "failed", Parts{Billed: 2, Never: 2}},
		{"with feedback", ended(1, "QUEUED SUCCESSFUL FEEDBACK DELIVERED. FEEDBACK 1:FEEDBACK", delivered), "delivered", Parts{Billed: 1, HandedOver: 1}},
		{"without receipts", ended(1, "QUEUED SUCCESSFUL.", final(sms.StatusSuccessful)), "successful", Parts{Billed: 1, HandedOver: 1}},
		{"without receipts, resent", ended(1, "QUEUED SUCCESSFUL.", resent(final(sms.StatusSuccessful), 1)), "successful", Parts{Billed: 1, HandedOver: 1, Resent: 1}},
		{"one part failed", ended(2, "QUEUED SUCCESSFUL UNREACHABLE.", delivered, final(sms.StatusUnreachable)), "failed", Parts{Billed: 2, HandedOver: 2}},
		{"refused", ended(1, "QUEUED INVALID.", final(sms.StatusInvalid)), "failed", Parts{Billed: 1, HandedOver: 1}},
		{"could not be written", ended(1, "QUEUED INVALID_MESSAGE.", store.AuditedPart{State: sms.PartFinal, Status: sms.StatusInvalidMessage, Sent: true, Code: "not_writable"}),
			"failed", Parts{Billed: 1, Never: 1}},
		{"could not be cut", ended(1, "QUEUED INVALID_MESSAGE.", store.AuditedPart{State: sms.PartFinal, Status: sms.StatusInvalidMessage, Sent: true}),
			"failed", Parts{Billed: 1, Never: 1}},
		{"expired", ended(3, "QUEUED TTL_EXPIRED.", expired, expired, expired), "expired", Parts{Billed: 3, Never: 3}},
		{"half expired", ended(2, "QUEUED TTL_EXPIRED.", delivered, expired), "expired", Parts{Billed: 2, HandedOver: 1, Never: 1}},
		{"no receipt came", ended(1, "QUEUED SUCCESSFUL UNKNOWN.", final(sms.StatusUnknown)), "unknown", Parts{Billed: 1, HandedOver: 1}},
		{"late receipts", ended(1, "QUEUED LATE_RECEIPT SUCCESSFUL DELIVERED. LATE_RECEIPT", delivered), "delivered", Parts{Billed: 1, HandedOver: 1}},
		{"the receipt came in at another node", ended(1, "QUEUED SUCCESSFUL 1:DELIVERED.", delivered), "delivered", Parts{Billed: 1, HandedOver: 1}},
		{"all but its acceptance at another node", ended(1, "DELIVERED. 1:QUEUED 1:SUCCESSFUL", delivered), "delivered", Parts{Billed: 1, HandedOver: 1}},
	} {
		t.Run(strings.ReplaceAll(c.name, " ", "-"), func(t *testing.T) {
			messages, parts, broken := judged(c.a, 0)
			if len(broken) != 0 {
				t.Error(broken)
			}
			if got := fmt.Sprint(counted(messages)); got != fmt.Sprint([]string{c.count}) || messages.Accepted != 1 || messages.Unaccounted() != 0 {
				t.Errorf("counted as %s: %+v", got, messages)
			}
			if diff := cmp.Diff(c.parts, parts); diff != "" || parts.Unaccounted() != 0 {
				t.Errorf("parts: %s", diff)
			}
		})
	}
}

func judged(a store.Audited, pruned sms.ID) (m Messages, p Parts, broken []string) {
	v := verdict{messages: &m, parts: &p, broken: func(k Kind, why string) { broken = append(broken, string(k)+": "+why) }}
	v.judge(&a, pruned)
	return m, p, broken
}

func counted(m Messages) (as []string) {
	for _, c := range []struct {
		name string
		n    int64
	}{{"delivered", m.Delivered}, {"failed", m.Failed}, {"expired", m.Expired}, {"unknown", m.Unknown}, {"successful", m.Successful},
		{"queued", m.Queued}, {"awaiting", m.Awaiting}} {
		for range c.n {
			as = append(as, c.name)
		}
	}
	return as
}

func TestJudgeBrokenMessages(t *testing.T) {
	none := func(a *store.Audited) { a.Message = nil }
	for _, c := range []struct {
		name string
		a    store.Audited
		want string // all that is said of it
	}{
		{"lost", ended(1, "QUEUED SUCCESSFUL"), "lost: it has no final event and no open row: QUEUED SUCCESSFUL"},
		{"nothing but the message", ended(1, ""), "event_order: it has no QUEUED event: no events|lost: it has no final event and no open row: no events"},
		{"ended twice", ended(1, "QUEUED SUCCESSFUL DELIVERED. DELIVERED.", delivered), "ended_twice: it has 2 final events: QUEUED SUCCESSFUL DELIVERED. DELIVERED."},
		{"ended at two nodes", ended(1, "QUEUED TTL_EXPIRED. 1:SUCCESSFUL 1:DELIVERED.", delivered), "ended_twice: it has 2 final events: QUEUED TTL_EXPIRED. SUCCESSFUL DELIVERED."},
		{"ended and queued", with(ended(1, "QUEUED TTL_EXPIRED.", expired), func(a *store.Audited) { a.Queued = true }),
			"open_and_ended: it has a final event, QUEUED TTL_EXPIRED., and it is queued"},
		{"ended and awaiting", with(ended(1, "QUEUED SUCCESSFUL DELIVERED.", delivered), func(a *store.Audited) { a.Awaiting = true }),
			"open_and_ended: it has a final event, QUEUED SUCCESSFUL DELIVERED., and it is awaiting receipts"},
		{"open twice", with(awaiting(1, "QUEUED SUCCESSFUL", taken), func(a *store.Audited) { a.Queued = true }), "open_twice: it is both queued and awaiting receipts"},
		{"no message, queued", with(queued(1, 1, "QUEUED"), none), "no_message: the message is not there, but 1 of its events are: QUEUED, and it is queued"},
		{"no message, only a row", with(awaiting(1, "", taken), none), "no_message: the message is not there, but it is awaiting receipts"},
		{"no message, only a late receipt", with(ended(1, "LATE_RECEIPT"), none), "no_message: the message is not there, but 1 of its events are: LATE_RECEIPT"},
		{"no QUEUED event", ended(1, "SUCCESSFUL DELIVERED.", delivered), "event_order: it has no QUEUED event: SUCCESSFUL DELIVERED."},
		{"QUEUED twice", queued(1, 1, "QUEUED QUEUED"), "event_order: event 2 is QUEUED for the second time: QUEUED QUEUED"},
		{"SUCCESSFUL twice", awaiting(1, "QUEUED SUCCESSFUL SUCCESSFUL", taken), "event_order: event 3 is SUCCESSFUL for the second time: QUEUED SUCCESSFUL SUCCESSFUL"},
		{"SUCCESSFUL at two nodes", awaiting(1, "QUEUED SUCCESSFUL 1:SUCCESSFUL", taken), "event_order: event 3 is SUCCESSFUL for the second time: QUEUED SUCCESSFUL SUCCESSFUL"},
		{"goes on after its end", ended(1, "QUEUED DELIVERED. SUCCESSFUL", delivered), "event_order: event 3 is SUCCESSFUL and comes too late: QUEUED DELIVERED. SUCCESSFUL"},
		{"tried again after it was taken", awaiting(1, "QUEUED SUCCESSFUL PENDING", taken), "event_order: event 3 is PENDING and comes too late: QUEUED SUCCESSFUL PENDING"},
		{"QUEUED late", queued(1, 1, "PENDING QUEUED"), "event_order: event 2 is QUEUED and comes too late: PENDING QUEUED"},
		{"a status that there is not", awaiting(1, "QUEUED SUCCESSFUL SENT", taken), "event_order: event 3 is SENT and cannot be: QUEUED SUCCESSFUL SENT"},
		{"a failure that is not final", awaiting(1, "QUEUED SUCCESSFUL UNREACHABLE", taken), "event_order: event 3 is UNREACHABLE and cannot be: QUEUED SUCCESSFUL UNREACHABLE"},
		{"ended as PENDING", ended(1, "QUEUED PENDING.", delivered), "event_order: event 2 is PENDING. and cannot be: QUEUED PENDING.|status: it ended as PENDING, and its parts come to DELIVERED"},
		{"ended otherwise than its parts", ended(2, "QUEUED SUCCESSFUL DELIVERED.", delivered, final(sms.StatusSpam)), "status: it ended as DELIVERED, and its parts come to SPAM"},
		{"the second failure", ended(2, "QUEUED SUCCESSFUL SPAM.", final(sms.StatusBlocked), final(sms.StatusSpam)), "status: it ended as SPAM, and its parts come to BLOCKED"},
		{"a part is missing", ended(2, "QUEUED SUCCESSFUL DELIVERED.", delivered), "parts: 2 parts were billed, and 1 are known of"},
		{"a part too many", awaiting(1, "QUEUED SUCCESSFUL", taken, taken), "parts: 1 parts were billed, and 2 are known of"},
		{"queued with other parts", queued(2, 3, "QUEUED"), "parts: 2 parts were billed, and 3 are queued"},
		{"ended with a part in the air", ended(2, "QUEUED SUCCESSFUL DELIVERED.", delivered, taken), "parts: it has ended, and part 2 is taken"},
		{"all parts final", awaiting(1, "QUEUED SUCCESSFUL", delivered), "parts: all its parts are final, and it has not ended"},
		{"nothing handed over", awaiting(2, "QUEUED", unsent, unsent), "parts: none of its parts was handed over, and it is not queued"},
		{"SUCCESSFUL with a part left", awaiting(2, "QUEUED SUCCESSFUL", taken, unsent), "parts: the carrier is said to have taken it, and a part was not handed over"},
		{"taken without having left", awaiting(1, "QUEUED SUCCESSFUL", store.AuditedPart{State: sms.PartTaken}), "parts: part 1 was taken without having been handed over"},
		{"delivered without having left", ended(1, "QUEUED DELIVERED.", store.AuditedPart{State: sms.PartFinal, Status: sms.StatusDelivered}),
			"parts: part 1 is DELIVERED without having been handed over"},
		{"final without a status", ended(1, "QUEUED DELIVERED.", store.AuditedPart{State: sms.PartFinal, Sent: true}), "parts: part 1 is final without a status"},
		{"an unknown state", awaiting(1, "QUEUED", store.AuditedPart{State: "gone"}), `parts: part 1 is in the state "gone"`},
	} {
		t.Run(strings.ReplaceAll(c.name, " ", "-"), func(t *testing.T) {
			m, p, broken := judged(c.a, 0)
			if got := strings.Join(broken, "|"); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if m.Unaccounted() < 0 || p.Unaccounted() < 0 {
				t.Errorf("more is accounted for than there is: %+v %+v", m, p)
			}
		})
	}
}

// Late receipts may outlive their message, nothing else may.
func TestJudgePruned(t *testing.T) {
	for story, want := range map[string]int{"LATE_RECEIPT": 0, "MOVED LATE_RECEIPT": 0, "QUEUED": 1, "LATE_RECEIPT DELIVERED.": 1} {
		a := store.Audited{ID: 5, Events: events(story)}
		if _, _, broken := judged(a, 6); len(broken) != want {
			t.Errorf("%s below what was pruned: %v", story, broken)
		}
		if _, _, broken := judged(a, 5); len(broken) != 1 {
			t.Errorf("%s above what was pruned: %v", story, broken)
		}
	}
}

// A message from a handset has an ID and no row but its event.
func TestJudgeInbound(t *testing.T) {
	for story, want := range map[string]int{"INBOUND": 0, "PUBLICATION": 0, "INBOUND QUEUED": 1, "FEEDBACK": 1} {
		if m, _, broken := judged(store.Audited{ID: 5, Events: events(story)}, 0); len(broken) != want || m.Accepted != 0 {
			t.Errorf("%s: %v", story, broken)
		}
	}
	if _, _, broken := judged(store.Audited{ID: 5, Events: events("INBOUND"), Queued: true}, 0); len(broken) != 1 {
		t.Errorf("queued: %v", broken)
	}
}

// A message ends as the outcome of its parts says, by the rule that it ended by.
func TestOutcomeIsThatOfFold(t *testing.T) {
	ends := []sms.Status{sms.StatusDelivered, sms.StatusSuccessful, sms.StatusUnreachable, sms.StatusUnknown}
	for i := range len(ends) * len(ends) {
		pair := []sms.Status{ends[i%len(ends)], ends[i/len(ends)]}
		p, at := sms.NewProgress(2, nil), sms.PartUpdate{Parts: 2}
		var parts []store.AuditedPart
		var said []sms.Announcement
		for n, s := range pair {
			at.Number, at.Kind, at.Status = n+1, sms.UpdateSettled, s
			p, said, _ = p.Fold(at)
			parts = append(parts, final(s))
		}
		if last := said[len(said)-1]; !last.Final || last.Status != outcome(parts) {
			t.Errorf("%v: the message ends as %+v, and is held against %s", pair, last, outcome(parts))
		}
	}
}
