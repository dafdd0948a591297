//go:build harness

package crash

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/usage"
)

// kept is a message as the store has it.
type kept struct {
	*sms.Message
	sent   *message
	events []store.Event
	final  *store.Event
}

// audited is an engine with all that it can be asked.
type audited interface {
	store.Engine
	store.Lists
}

// verify holds the store, the message centres and the event destinations against
// what the clients know.
func (w *world) verify(engine audited, slots ...int) {
	w.t.Helper()
	of := w.readMessages(engine)
	var events []store.Event
	for _, slot := range slots {
		events = append(events, w.readEvents(engine, slot, of)...)
	}
	w.verifyEnds(engine, of)
	w.verifyArrivals(of)
	w.verifyOrder()
	w.verifySpend(engine, of)
	w.verifyPublished(of, events)
	w.verifyUsage(engine, of)
	w.verifyFeedback(engine, of)
	w.verifyLog(engine, events)
	w.verifyHandsets(engine, of)
}

// complain reports a thing that is wrong, of which there may be many.
func (w *world) complain(seen *int, format string, args ...any) {
	w.t.Helper()
	if *seen++; *seen <= 5 {
		w.t.Errorf(format, args...)
	} else {
		w.t.Fail()
	}
}

// readMessages finds what clients have sent in the store: all that was taken,
// nothing that was refused, and nothing twice.
func (w *world) readMessages(engine store.Engine) map[int]*kept {
	w.t.Helper()
	sent := w.ledger.all()
	ids := w.messageIDs()
	of := map[int]*kept{}
	wrong, replies := 0, 0
	for before := sms.ID(0); ; {
		page, err := engine.MessagesOf(w.t.Context(), account, before, 1000)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, m := range page {
			before = m.ID
			found := token.FindStringSubmatch(m.Body)
			if found == nil && isReply(m.Body) {
				replies++
				of[-replies] = &kept{Message: m, sent: &message{token: -replies, body: m.Body, parts: 1, result: taken, reply: true}}
				continue
			}
			if found == nil {
				w.complain(&wrong, "nobody has sent the message %q to %s", m.Body, m.Destination)
				continue
			}
			n, _ := strconv.Atoi(found[1])
			s := sent[n]
			switch id := ids.Format(m.ID); {
			case of[n] != nil:
				w.complain(&wrong, "the message %06d is in the store twice", n)
			case s.result == refused:
				w.complain(&wrong, "the message %06d was refused, and is in the store", n)
			case s.barred:
				w.complain(&wrong, "the message %06d is to a recipient who was opted out, and is in the store", n)
			case s.result == taken && s.id != id:
				w.complain(&wrong, "the message %06d has the MessageId %s, its client was given %s", n, id, s.id)
			case m.Body != s.body || m.Parts != s.parts:
				w.complain(&wrong, "the message %06d is %d parts of %q in the store", n, m.Parts, m.Body)
			}
			if s.result == unknown {
				w.figures.unknown++
			}
			of[n] = &kept{Message: m, sent: s}
		}
		if len(page) < 1000 {
			break
		}
	}
	for _, s := range sent {
		if s.result == taken && of[s.token] == nil {
			w.complain(&wrong, "the message %06d, %s, is not in the store", s.token, s.id)
		}
	}
	w.figures.messages += len(of)
	return of
}

// readEvents reads the event log of a slot, which has no gaps, and gives each
// message its events. In one log nothing follows a message's final event but what
// came too late, and its beginning is the first.
func (w *world) readEvents(engine store.Engine, slot int, of map[int]*kept) []store.Event {
	w.t.Helper()
	ids := w.messageIDs()
	byID := map[sms.ID]*kept{}
	for _, k := range of {
		byID[k.ID] = k
	}
	var all []store.Event
	ended := map[sms.ID]bool{}
	begun := map[sms.ID]bool{}
	wrong := 0
	for after := int64(0); ; {
		page, err := engine.EventsAfter(w.t.Context(), slot, after, 1000)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, v := range page {
			if v.Seq != after+1 {
				w.complain(&wrong, "event %d follows event %d of slot %d", v.Seq, after, slot)
			}
			after = v.Seq
			if v.Status == store.StatusInbound {
				w.hear(&v)
				continue
			}
			k := byID[v.Message]
			if k == nil {
				w.complain(&wrong, "event %d is about a message that is not in the store", v.Seq)
				continue
			}
			k.events = append(k.events, v)
			switch id := ids.Format(v.Message); {
			case v.Status == sms.StatusQueued && begun[v.Message]:
				w.complain(&wrong, "the message %s begins in the middle: %s", id, story(k.events))
			case ended[v.Message] && !v.Aside():
				w.complain(&wrong, "the message %s goes on after its final event: %s", id, story(k.events))
			}
			begun[v.Message] = true
			ended[v.Message] = ended[v.Message] || v.Final
		}
		all = append(all, slices.DeleteFunc(page, func(v store.Event) bool { return v.Status == store.StatusInbound })...)
		if len(page) == 0 {
			break
		}
	}
	w.figures.events += len(all)
	return all
}

// verifyEnds: each message is open or has exactly one final event, and ends as
// its parts fared.
func (w *world) verifyEnds(engine store.Engine, of map[int]*kept) {
	w.t.Helper()
	wrong, open := 0, 0
	for n, k := range of {
		begins, finals := 0, 0
		for i := range k.events {
			v := &k.events[i]
			if v.Status == sms.StatusQueued {
				begins++
			}
			if v.Final {
				finals++
				k.final = v
			}
		}
		queued, awaiting, err := engine.Open(w.t.Context(), k.ID)
		if err != nil {
			w.t.Fatal(err)
		}
		isOpen := queued != nil || awaiting != nil
		switch {
		case begins != 1:
			w.complain(&wrong, "the message %06d begins %d times: %s", n, begins, story(k.events))
		case finals > 1, isOpen == (finals == 1):
			w.complain(&wrong, "the message %06d has %d final events and is open: %t; %s", n, finals, isOpen, story(k.events))
		}
		if isOpen {
			open++
		}
		if problem := w.judge(k, isOpen); problem != "" {
			w.complain(&wrong, "the message %06d of %d parts %s: %s", n, k.Parts, problem, story(k.events))
		}
	}
	counts, err := engine.Counts(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	if counts.Queued != 0 || counts.Dispatches != 0 || counts.Awaiting != int64(open) {
		w.t.Errorf("%d messages are open, and the store counts %+v", open, counts)
	}
	w.figures.open += open
}

// story is a message's events as a failure shows them.
func story(events []store.Event) string {
	var all []string
	for _, v := range events {
		all = append(all, fmt.Sprintf("%d/%d %s", v.Slot, v.Seq, v.Status))
	}
	return strings.Join(all, ", ")
}

// judge says what is wrong with how a message ended, or nothing.
func (w *world) judge(k *kept, open bool) string {
	want, lost := sms.StatusDelivered, false
	if k.sent.filtered {
		if open || k.final == nil || k.final.Status != sms.StatusProtectBlocked {
			return "was filtered, and did not end so"
		}
		return ""
	}
	for n := k.Parts; n >= 1 && !k.sent.reply; n-- {
		switch f := fateOf(w.seed+uint64(w.number), partKey{k.sent.token, n}); {
		case f.refuse:
			want = sms.StatusInvalid
		case f.state == "":
			lost = true
			if w.later {
				want = sms.StatusUnknown
			}
		case f.state == "UNDELIV":
			want = sms.StatusUnreachable
		}
	}
	switch givenUp := k.sent.promotional && w.plan.promotional == "give_up"; {
	case open && lost && !w.later:
	case open:
		return "is open, though every receipt was given"
	case k.final == nil:
	case k.final.Status == want && (!lost || w.later):
	case k.sent.expiring && k.final.Status == sms.StatusTTLExpired:
	case k.sent.expiring && lost: // the part with the receipt was never sent
	case givenUp && (k.final.Status == sms.StatusUnknown || k.final.Status.Failed()):
	default:
		return fmt.Sprintf("ended as %s, not as %s", k.final.Status, want)
	}
	return ""
}

// verifyArrivals: what is not in the store was never sent, all parts of what was
// delivered arrived as they were cut, and no part arrived again that the server
// did not speak of.
func (w *world) verifyArrivals(of map[int]*kept) {
	w.t.Helper()
	wrong := 0
	first := map[partKey]string{}
	extra := map[partKey]int{} // arrivals beyond the first, and beyond those that were sent back
	for _, c := range w.centres {
		for _, a := range c.arrived() {
			w.figures.submitted++
			k := of[a.token]
			if k == nil {
				w.complain(&wrong, "the message %06d arrived, and is not in the store", a.token)
				continue
			}
			if k.sent.filtered {
				w.complain(&wrong, "the message %06d arrived, and was filtered", a.token)
			}
			if before, again := first[a.partKey]; !again {
				first[a.partKey] = a.text
				extra[a.partKey]--
			} else if before != a.text {
				w.complain(&wrong, "part %d of the message %06d arrived as %q and as %q", a.number, a.token, before, a.text)
			}
			extra[a.partKey]++
			if a.sentBack() {
				extra[a.partKey]--
			}
		}
	}
	for p, n := range extra {
		if n <= 0 {
			continue
		}
		w.figures.copies += n
		if spoken := w.resent[of[p.token].ID.Part(p.number)]; n > spoken {
			w.complain(&wrong, "part %d of the message %06d arrived %d times too often, and was sent again %d times", p.number, p.token, n, spoken)
		}
	}
	for _, n := range w.resent {
		w.figures.counted += n
	}
	for n, k := range of {
		w.figures.parts += k.Parts
		if k.final == nil || k.final.Status != sms.StatusDelivered || k.sent.reply {
			continue
		}
		var whole strings.Builder
		for part := 1; part <= k.Parts; part++ {
			whole.WriteString(first[partKey{n, part}])
		}
		if whole.String() != k.Body {
			w.complain(&wrong, "the message %06d was delivered, and arrived as %q", n, whole.String())
		}
	}
}

// verifyOrder: the first submissions of a stream over one session are in the
// order of its messages. Of several nodes each keeps the order of what it accepted;
// between them, and between clocks that are set wrong, there is none.
func (w *world) verifyOrder() {
	w.t.Helper()
	type order struct {
		stream
		life int64
	}
	sent := w.ledger.all()
	seen := map[int]bool{}
	last := map[order]*message{}
	came := map[*message]arrival{}
	wrong := 0
	for _, a := range w.centres["one"].arrived() {
		m := sent[a.token]
		if seen[a.token] || !m.ordered {
			continue
		}
		seen[a.token] = true
		o := order{stream: m.stream}
		if len(w.nodes) > 1 {
			o.life = m.life
		}
		came[m] = a
		if before := last[o]; before != nil && m.number < before.number {
			w.complain(&wrong, "from %s to %s, message %d came after message %d: %s, and %s", m.stream.identity, m.stream.recipient, m.number, before.number,
				m.trace(came[m]), before.trace(came[before]))
			continue
		}
		last[o] = m
	}
}

// trace is how a message came to a message centre.
func (m *message) trace(a arrival) string {
	return fmt.Sprintf("%06d, MessageId %q, asked of life %d, %d answers lost, came from %s at %s", m.token, m.id, m.life, m.lost, a.from, a.at.UTC().Format("15:04:05.000"))
}

// verifySpend: what the account has spent is what its messages cost.
func (w *world) verifySpend(engine store.Engine, of map[int]*kept) {
	w.t.Helper()
	book := usage.DefaultBook()
	cost := map[string]sms.Money{}
	for n, k := range of {
		price := book.Price(k.Country, k.Route.PriceKind(), k.AcceptedAt)
		if k.sent.filtered {
			w.figures.filtered++
			price = usage.Price{}
		}
		if k.Price != price.Part*sms.Money(k.Parts) || k.CarrierFee != price.CarrierFee*sms.Money(k.Parts) || (k.Price == 0) != k.sent.filtered {
			w.t.Errorf("the message %06d of %d parts cost %s and %s", n, k.Parts, k.Price, k.CarrierFee)
		}
		cost[usage.Month(k.AcceptedAt)] += k.Price + k.CarrierFee
	}
	for month, want := range cost {
		got, err := engine.Spend(w.t.Context(), account, month, usage.ChannelText)
		if err != nil {
			w.t.Fatal(err)
		}
		if got != want {
			w.t.Errorf("the account has spent %s in %s, its messages cost %s", got, month, want)
		}
	}
}
