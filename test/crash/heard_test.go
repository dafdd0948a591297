//go:build harness

package crash

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"heliograph/internal/destination/local"
	"heliograph/internal/inbound"
	"heliograph/internal/optout"
	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// heard is an event of a message from a handset.
type heard struct {
	inbound.Payload
	set string
}

// hear reads the event of a message from a handset.
func (w *world) hear(v *store.Event) {
	w.t.Helper()
	h := heard{set: v.ConfigurationSet}
	if v.Detail.Content == nil {
		w.t.Errorf("event %d of slot %d is a message from a handset, and has no content", v.Seq, v.Slot)
		return
	}
	if err := json.Unmarshal(v.Detail.Content.Body, &h.Payload); err != nil {
		w.t.Errorf("event %d of slot %d is %q: %v", v.Seq, v.Slot, v.Detail.Content.Body, err)
	}
	if id := w.messageIDs().Format(v.Message); h.InboundMessageID != id {
		w.t.Errorf("event %d of slot %d has the inbound message ID %s, and is about %s", v.Seq, v.Slot, h.InboundMessageID, id)
	}
	w.heard = append(w.heard, h)
}

var writtenToken = regexp.MustCompile(`%(\d{6})%`)

// verifyHandsets: what handsets wrote was heard, each as often as it was acknowledged,
// and no more often than it was brought; several parts once and whole; and it had the
// effect that its keyword has.
func (w *world) verifyHandsets(engine audited, of map[int]*kept) {
	w.t.Helper()
	wrong := 0
	byToken := map[int][]heard{}
	for _, v := range w.heard {
		n := 0
		if found := writtenToken.FindStringSubmatch(v.MessageBody); found != nil {
			n, _ = strconv.Atoi(found[1])
		}
		byToken[n] = append(byToken[n], v)
	}
	sent := map[string]map[string]*kept{} // by handset, by MessageId
	replies := map[string]map[string]int{}
	ids := w.messageIDs()
	for _, k := range of {
		if sent[k.Destination] == nil {
			sent[k.Destination], replies[k.Destination] = map[string]*kept{}, map[string]int{}
		}
		sent[k.Destination][ids.Format(k.ID)] = k
		if k.sent.reply {
			replies[k.Destination][k.Body]++
		}
	}
	for _, h := range w.handsets {
		least, most, heardOf := map[string]int{}, map[string]int{}, map[string]int{}
		for _, m := range h.written {
			events := byToken[m.token]
			delete(byToken, m.token)
			w.figures.written++
			low, high := m.handled(len(w.nodes))
			for _, p := range m.parts {
				w.figures.lostAcks += p.lost
				w.figures.refusedParts += p.refused
			}
			least[m.keyword] += low
			most[m.keyword] += high
			heardOf[m.keyword] += len(events)
			switch {
			case m.total > 1:
				low, high = 1, 1
			case m.keyword == "STOP" || m.keyword == "HELP":
				low, high = 0, 0 // they are answered, and not published
			}
			w.figures.heardAgain += max(0, len(events)-low)
			if len(events) < low || len(events) > high {
				w.complain(&wrong, "what %s wrote, %q in %d of %d parts, was heard %d times, not %d to %d times: %+v", h.number, m.text(), len(m.parts), m.total,
					len(events), low, high, *m.parts[0])
			}
			for _, v := range events {
				if v.MessageBody != m.text() || v.OriginationNumber != h.number || v.DestinationNumber != h.to.number || v.MessageKeyword != m.keyword || v.set != "two-way:"+h.to.id {
					w.complain(&wrong, "%s wrote %q to %s, and %+v was heard", h.number, m.text(), h.to.number, v)
				}
				if before := v.PreviousPublishedMessageID; before != "" && (sent[h.number][before] == nil || sent[h.number][before].Route.Identity != h.to.number) {
					w.complain(&wrong, "what %s wrote follows the message %s, which %s did not send to it", h.number, before, h.to.number)
				}
			}
		}
		for keyword, body := range keywords {
			n := replies[h.number][body]
			w.figures.replies += n
			if n < least[keyword] || n > most[keyword] {
				w.complain(&wrong, "%s has %d answers to %s, not %d to %d", h.number, n, keyword, least[keyword], most[keyword])
			}
			if published := keyword == "JOIN" || keyword == "START"; published && n != heardOf[keyword] {
				w.complain(&wrong, "%s has %d answers to %s, which was heard %d times", h.number, n, keyword, heardOf[keyword])
			}
			w.verifyAnswers(h, body, n, of, &wrong)
		}
		w.verifyLists(engine, h, sent[h.number], &wrong)
	}
	for _, events := range byToken {
		for _, v := range events {
			w.complain(&wrong, "%+v was heard, and nobody wrote it", v)
		}
	}
	left, err := engine.EntriesAfter(w.t.Context(), store.EntryScan{List: store.ListID("inbound"), After: math.MinInt64, Limit: 10_000})
	left = slices.DeleteFunc(left, func(e store.Entry) bool { return inbound.Copy(&e) })
	if err != nil || len(left) > 0 {
		w.t.Errorf("%d parts of messages from handsets are left: %+v, %v", len(left), left[:min(len(left), 3)], err)
	}
	w.verifyHeard()
}

// verifyAnswers: so many answers with this text arrived at the handset, and again only
// those that the server says it sent again.
func (w *world) verifyAnswers(h *handset, body string, accepted int, of map[int]*kept, wrong *int) {
	w.t.Helper()
	arrived := 0
	for _, a := range h.centre.answered() {
		if a.to == strings.TrimPrefix(h.number, "+") && a.text == body {
			arrived++
		}
	}
	again := 0
	for _, k := range of {
		if k.sent.reply && k.Destination == h.number && k.Body == body {
			again += w.resent[k.ID.Part(1)]
		}
	}
	w.figures.submitted += arrived
	w.figures.copies += max(0, arrived-accepted)
	if arrived < accepted || arrived > accepted+again {
		w.complain(wrong, "the answer %q arrived %d times at %s, was accepted %d times and sent again %d times", body, arrived, h.number, accepted, again)
	}
}

// verifyLists: the handset is on the opt-out list if STOP was the last that it said, and
// its conversation is about a message that it was sent.
func (w *world) verifyLists(engine audited, h *handset, sent map[string]*kept, wrong *int) {
	w.t.Helper()
	item := w.snapshot(engine).OptOutLists.Get(h.to.list)
	if item == nil {
		w.t.Fatalf("the opt-out list %s is gone", h.to.list)
	}
	listed, _ := optout.Key(optout.List(account, &item.Value, item.Created), h.number)
	digits, _ := sms.DigitsKey(h.number)
	found, err := engine.Entries(w.t.Context(), []store.EntryKey{listed, {List: store.ListID("conversation", account, h.to.number), Key: digits}})
	if err != nil {
		w.t.Fatal(err)
	}
	if optout.OptedOut(found[0]) != h.optedOut || h.optedOut && !optout.EndUser(found[0]) {
		w.complain(wrong, "the last word of %s has it opted out: %t, and its entry is %+v", h.number, h.optedOut, found[0])
	}
	switch last := found[1]; {
	case last == nil && len(sent) > 0:
		w.complain(wrong, "%s was sent %d messages, and there is no conversation with it", h.number, len(sent))
	case last != nil && sent[w.messageIDs().Format(sms.ID(last.Mark))] == nil:
		w.complain(wrong, "the conversation with %s is about the message %d, which it was not sent", h.number, last.Mark)
	}
}

// verifyHeard: all that was heard is at the two-way channels, and nothing else is.
func (w *world) verifyHeard() {
	w.t.Helper()
	want, got := map[string]int{}, map[string]int{}
	for _, v := range w.heard {
		if want[v.InboundMessageID]++; want[v.InboundMessageID] > 1 {
			w.t.Errorf("the inbound message %s was heard twice", v.InboundMessageID)
		}
	}
	for _, n := range w.nodes {
		files, err := filepath.Glob(n.data("events", account, "two-way:*", "*.jsonl"))
		if err != nil {
			w.t.Fatal(err)
		}
		for _, name := range files {
			text, err := os.ReadFile(name)
			if err != nil {
				w.t.Fatal(err)
			}
			set, keys := filepath.Base(filepath.Dir(name)), keysIn(w.t, n.data())
			destination, _, _ := strings.Cut(filepath.Base(name), ".")
			for line := range strings.Lines(string(text)) {
				plain, err := local.OpenLine(keys, account, set, destination, []byte(strings.TrimSuffix(line, "\n")))
				if err != nil {
					w.t.Fatal(err)
				}
				line = string(plain)
				var v inbound.Payload
				if err := json.Unmarshal([]byte(line), &v); err != nil {
					w.t.Errorf("%s has the line %q: %v", name, line, err)
				}
				got[v.InboundMessageID]++
			}
		}
	}
	wrong := 0
	for id := range want {
		if got[id] == 0 {
			w.complain(&wrong, "the inbound message %s is not at the two-way channel", id)
		}
		delete(got, id)
	}
	for id := range got {
		w.complain(&wrong, "the two-way channel has the inbound message %s, which is not in the log", id)
	}
	w.figures.heard += len(want)
}
