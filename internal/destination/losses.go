package destination

import (
	"slices"

	"heliograph/internal/store"
)

// uncounted are the events that a destination never gets and that the cursor has not
// moved past: their places in the log. The commit that moves the cursor past them
// counts them in the store. After a crash before it they come up again, like all
// events ahead of the cursor. What is lost out of the store's lag is not among them:
// the commit that makes the lag smaller counts that.
type uncounted map[loss][]int64

type loss struct {
	destination string
	kind        store.LossKind
}

func (u uncounted) add(destination string, kind store.LossKind, seqs []int64) {
	if len(seqs) > 0 {
		k := loss{destination, kind}
		u[k] = append(u[k], seqs...)
	}
}

// upto adds up what a cursor moves past.
func (u uncounted) upto(slot int, cursor int64) (out []store.Loss) {
	for k, seqs := range u {
		l := store.Loss{Destination: k.destination, Slot: slot, Kind: k.kind}
		for _, seq := range seqs {
			if seq <= cursor {
				l.Events++
			}
		}
		if l.Events > 0 {
			out = append(out, l)
		}
	}
	return out
}

// forget takes out what the store has counted.
func (u uncounted) forget(cursor int64) {
	for k, seqs := range u {
		if seqs = slices.DeleteFunc(seqs, func(seq int64) bool { return seq <= cursor }); len(seqs) == 0 {
			delete(u, k)
		} else {
			u[k] = seqs
		}
	}
}

// losses are those of a change that takes events out of the feed's lag; none where
// there are no events.
func (r *Router) losses(f *feed, kind store.LossKind, events int) []store.Loss {
	if events == 0 {
		return nil
	}
	return []store.Loss{{Destination: f.key, Slot: r.o.Slot, Kind: kind, Events: int64(events)}}
}

// lose counts, for the metrics, and logs events that will never be published. The
// caller holds mu.
func (r *Router) lose(f *feed, events int, why error) {
	if events == 0 {
		return
	}
	r.stats.Lost += int64(events)
	r.o.Logger.Error("events were lost for a destination", "destination", f.key, "events", events, "error", why)
}

// drop does so with the events of a destination that was deleted.
func (r *Router) drop(f *feed, events int) {
	if events == 0 {
		return
	}
	r.stats.Dropped += int64(events)
	r.o.Logger.Info("lag of a deleted event destination dropped", "destination", f.key, "events", events)
}
