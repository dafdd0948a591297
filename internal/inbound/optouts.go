package inbound

import (
	"time"

	"heliograph/internal/optout"
	"heliograph/internal/store"
)

// optOut is the entry of the opt-out list that a decision changes. The sender's own word
// counts at any time: that what is opted in stays so for 30 days is about those who opt
// others in (the model's DeleteOptedOutNumber). A sender without a number is on no list.
func (known *memory) optOut(d *decision, now time.Time) (w store.EntryWrite, changed bool) {
	switch {
	case known.key.List == 0:
		return store.EntryWrite{}, false
	case d.optOut:
		return optout.Put(known.listed, known.key, optout.ByEndUser, now)
	}
	return optout.OptInByEndUser(known.listed, now)
}
