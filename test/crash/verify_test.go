//go:build harness

package crash

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

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

// verify holds the store, the message centres and the event destinations against
// what the clients know.
func (e *epoch) verify(engine store.Engine) {
	e.t.Helper()
	of := e.readMessages(engine)
	events := e.readEvents(engine, of)
	e.verifyEnds(engine, of)
	e.verifyArrivals(of)
	e.verifyOrder()
	e.verifySpend(engine, of)
	e.verifyPublished(of, events)
}

// complain reports a thing that is wrong, of which there may be many.
func (e *epoch) complain(seen *int, format string, args ...any) {
	e.t.Helper()
	if *seen++; *seen <= 5 {
		e.t.Errorf(format, args...)
	} else {
		e.t.Fail()
	}
}

// readMessages finds what clients have sent in the store: all that was taken,
// nothing that was refused, and nothing twice.
func (e *epoch) readMessages(engine store.Engine) map[int]*kept {
	e.t.Helper()
	sent := e.ledger.all()
	ids := e.messageIDs()
	of := map[int]*kept{}
	wrong := 0
	for before := sms.ID(0); ; {
		page, err := engine.MessagesOf(e.t.Context(), account, before, 1000)
		if err != nil {
			e.t.Fatal(err)
		}
		for _, m := range page {
			before = m.ID
			found := token.FindStringSubmatch(m.Body)
			n, _ := strconv.Atoi(found[1])
			s := sent[n]
			switch id := ids.Format(m.ID); {
			case of[n] != nil:
				e.complain(&wrong, "the message %06d is in the store twice", n)
			case s.result == refused:
				e.complain(&wrong, "the message %06d was refused, and is in the store", n)
			case s.result == taken && s.id != id:
				e.complain(&wrong, "the message %06d has the MessageId %s, its client was given %s", n, id, s.id)
			case m.Body != s.body || m.Parts != s.parts:
				e.complain(&wrong, "the message %06d is %d parts of %q in the store", n, m.Parts, m.Body)
			}
			if s.result == unknown {
				e.figures.unknown++
			}
			of[n] = &kept{Message: m, sent: s}
		}
		if len(page) < 1000 {
			break
		}
	}
	for _, s := range sent {
		if s.result == taken && of[s.token] == nil {
			e.complain(&wrong, "the message %06d, %s, is not in the store", s.token, s.id)
		}
	}
	e.figures.messages += len(of)
	return of
}

// readEvents reads the event log, which has no gaps, and gives each message its
// events.
func (e *epoch) readEvents(engine store.Engine, of map[int]*kept) []store.Event {
	e.t.Helper()
	byID := map[sms.ID]*kept{}
	for _, k := range of {
		byID[k.ID] = k
	}
	var all []store.Event
	wrong := 0
	for after := int64(0); ; {
		page, err := engine.EventsAfter(e.t.Context(), 0, after, 1000)
		if err != nil {
			e.t.Fatal(err)
		}
		for _, v := range page {
			if v.Seq != after+1 {
				e.complain(&wrong, "event %d follows event %d", v.Seq, after)
			}
			after = v.Seq
			k := byID[v.Message]
			if k == nil {
				e.complain(&wrong, "event %d is about a message that is not in the store", v.Seq)
				continue
			}
			k.events = append(k.events, v)
		}
		all = append(all, page...)
		if len(page) < 1000 {
			break
		}
	}
	e.figures.events += len(all)
	return all
}

// verifyEnds: each message is open or has exactly one final event, and ends as
// its parts fared.
func (e *epoch) verifyEnds(engine store.Engine, of map[int]*kept) {
	e.t.Helper()
	wrong, open := 0, 0
	for n, k := range of {
		var story []string
		finals := 0
		for i := range k.events {
			v := &k.events[i]
			story = append(story, string(v.Status))
			if k.final != nil && v.Status != store.StatusLateReceipt {
				e.complain(&wrong, "the message %06d goes on after its final event: %v", n, story)
			}
			if v.Final {
				finals++
				k.final = v
			}
		}
		queued, awaiting, err := engine.Open(e.t.Context(), k.ID)
		if err != nil {
			e.t.Fatal(err)
		}
		isOpen := queued != nil || awaiting != nil
		switch {
		case len(story) == 0 || story[0] != string(sms.StatusQueued):
			e.complain(&wrong, "the message %06d begins with %v", n, story)
		case finals > 1, isOpen == (finals == 1):
			e.complain(&wrong, "the message %06d has %d final events and is open: %t; %v", n, finals, isOpen, story)
		}
		if isOpen {
			open++
		}
		if problem := e.judge(k, isOpen); problem != "" {
			e.complain(&wrong, "the message %06d of %d parts %s: %v", n, k.Parts, problem, story)
		}
	}
	counts, err := engine.Counts(e.t.Context())
	if err != nil {
		e.t.Fatal(err)
	}
	if counts.Queued != 0 || counts.Dispatches != 0 || counts.Awaiting != int64(open) {
		e.t.Errorf("%d messages are open, and the store counts %+v", open, counts)
	}
	e.figures.open += open
}

// judge says what is wrong with how a message ended, or nothing.
func (e *epoch) judge(k *kept, open bool) string {
	want, lost := sms.StatusDelivered, false
	for n := k.Parts; n >= 1; n-- {
		switch f := fateOf(e.seed+uint64(e.number), partKey{k.sent.token, n}); {
		case f.refuse:
			want = sms.StatusInvalid
		case f.state == "":
			lost = true
			if e.later {
				want = sms.StatusUnknown
			}
		case f.state == "UNDELIV":
			want = sms.StatusUnreachable
		}
	}
	switch givenUp := k.sent.promotional && e.plan.promotional == "give_up"; {
	case open && lost && !e.later:
	case open:
		return "is open, though every receipt was given"
	case k.final == nil:
	case k.final.Status == want && (!lost || e.later):
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
func (e *epoch) verifyArrivals(of map[int]*kept) {
	e.t.Helper()
	wrong := 0
	first := map[partKey]string{}
	extra := map[partKey]int{} // arrivals beyond the first, and beyond those that were sent back
	for _, c := range e.centres {
		for _, a := range c.arrived() {
			e.figures.submitted++
			k := of[a.token]
			if k == nil {
				e.complain(&wrong, "the message %06d arrived, and is not in the store", a.token)
				continue
			}
			if before, again := first[a.partKey]; !again {
				first[a.partKey] = a.text
				extra[a.partKey]--
			} else if before != a.text {
				e.complain(&wrong, "part %d of the message %06d arrived as %q and as %q", a.number, a.token, before, a.text)
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
		e.figures.copies += n
		if spoken := e.resent[of[p.token].ID.Part(p.number)]; n > spoken {
			e.complain(&wrong, "part %d of the message %06d arrived %d times too often, and was sent again %d times", p.number, p.token, n, spoken)
		}
	}
	for _, n := range e.resent {
		e.figures.counted += n
	}
	for n, k := range of {
		e.figures.parts += k.Parts
		if k.final == nil || k.final.Status != sms.StatusDelivered {
			continue
		}
		var whole strings.Builder
		for part := 1; part <= k.Parts; part++ {
			whole.WriteString(first[partKey{n, part}])
		}
		if whole.String() != k.Body {
			e.complain(&wrong, "the message %06d was delivered, and arrived as %q", n, whole.String())
		}
	}
}

// verifyOrder: the first submissions of a stream over one session are in the
// order of its messages.
func (e *epoch) verifyOrder() {
	e.t.Helper()
	sent := e.ledger.all()
	seen := map[int]bool{}
	last := map[stream]int{}
	wrong := 0
	for _, a := range e.centres["one"].arrived() {
		m := sent[a.token]
		if seen[a.token] || !m.ordered {
			continue
		}
		seen[a.token] = true
		if before, ok := last[m.stream]; ok && m.number < before {
			e.complain(&wrong, "from %s to %s, message %d came after message %d", m.stream.identity, m.stream.recipient, m.number, before)
		}
		last[m.stream] = max(last[m.stream], m.number)
	}
}

// verifySpend: what the account has spent is what its messages cost.
func (e *epoch) verifySpend(engine store.Engine, of map[int]*kept) {
	e.t.Helper()
	book := usage.DefaultBook()
	cost := map[string]sms.Money{}
	for n, k := range of {
		price := book.Price(k.Country, usage.RouteKind(k.Route))
		if k.Price != price.Part*sms.Money(k.Parts) || k.CarrierFee != price.CarrierFee*sms.Money(k.Parts) || k.Price == 0 {
			e.t.Errorf("the message %06d of %d parts cost %s and %s", n, k.Parts, k.Price, k.CarrierFee)
		}
		cost[usage.Month(k.AcceptedAt)] += k.Price + k.CarrierFee
	}
	for month, want := range cost {
		got, err := engine.Spend(e.t.Context(), account, month, usage.ChannelText)
		if err != nil {
			e.t.Fatal(err)
		}
		if got != want {
			e.t.Errorf("the account has spent %s in %s, its messages cost %s", got, month, want)
		}
	}
}

// verifyPublished: every event is at every destination that asks for it, and
// nothing else is.
func (e *epoch) verifyPublished(of map[int]*kept, events []store.Event) {
	e.t.Helper()
	ids := e.messageIDs()
	known := map[string]bool{}
	want := map[string][]string{} // by set and destination
	for _, v := range events {
		if v.ConfigurationSet == "" || v.Status == store.StatusLateReceipt {
			continue
		}
		key := eventKey(ids.Format(v.Message), v.Status.EventType(), v.At.UnixMilli(), v.Final)
		known[key] = true
		for name, types := range sets[v.ConfigurationSet] {
			if types[0] == "ALL" || slices.Contains(types, v.Status.EventType()) {
				at := filepath.Join(v.ConfigurationSet, name)
				want[at] = append(want[at], key)
			}
		}
	}
	wrong := 0
	for set, destinations := range sets {
		for name := range destinations {
			at := filepath.Join(set, name)
			got := e.readPublished(at)
			for _, key := range want[at] {
				if got[key] == 0 {
					e.complain(&wrong, "the event %s is not at %s", key, at)
				}
			}
			for key := range got {
				if !known[key] {
					e.complain(&wrong, "%s has the event %s, which is not in the log", at, key)
				}
			}
		}
	}
}

func eventKey(message, kind string, at int64, final bool) string {
	return fmt.Sprintf("%s %s %s %t", message, kind, time.UnixMilli(at).UTC().Format(time.RFC3339Nano), final)
}

// readPublished counts the lines of an event destination.
func (e *epoch) readPublished(at string) map[string]int {
	e.t.Helper()
	files, err := filepath.Glob(e.data("events", account, at+"*.jsonl"))
	if err != nil {
		e.t.Fatal(err)
	}
	got := map[string]int{}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			e.t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			var v struct {
				Type    string `json:"eventType"`
				Message string `json:"messageId"`
				At      int64  `json:"eventTimestamp"`
				Final   bool   `json:"isFinal"`
			}
			if err := json.Unmarshal([]byte(line), &v); err != nil || !strings.HasSuffix(line, "\n") {
				e.t.Errorf("%s has the line %q: %v", name, line, err)
				continue
			}
			got[eventKey(v.Message, v.Type, v.At, v.Final)]++
			e.figures.published++
		}
	}
	return got
}
