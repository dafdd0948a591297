package inbound

import (
	"time"

	"heliograph/internal/carrier"
	"heliograph/internal/optout"
	"heliograph/internal/store"
)

// optOut is the entry of the opt-out list that a decision changes. The sender's own word
// counts at any time: that what is opted in stays so for 30 days is about those who opt
// others in (the model's DeleteOptedOutNumber). A sender without a number is on no list.
//
// Who is opted out already and says so again is written as he is: that he is told so
// comes in one transaction with its being so.
func (known *memory) optOut(d *decision, now time.Time) (w store.EntryWrite, changed bool) {
	switch {
	case known.key.List == 0:
		return store.EntryWrite{}, false
	case d.optOut:
		if w, changed = optout.Put(known.listed, known.key, optout.ByEndUser, now); !changed {
			w = w.Over(known.listed)
		}
		return w, true
	}
	return optout.OptInByEndUser(known.listed, now)
}

// finishAlone finishes a message of one part, again where somebody else has changed the
// sender's entry of the opt-out list since it was read.
func (f *Flow) finishAlone(m message) (outcome carrier.InboundOutcome, err error) {
	for range attempts {
		if outcome, err = f.finish(m, &store.Change{}); !store.Overtaken(err) {
			return outcome, err
		}
	}
	return carrier.InboundOutcome{}, wrap("change the opt-out list", err)
}
