package postgres

import (
	"encoding/json"
	"maps"
	"slices"

	"heliograph/internal/store"
	"heliograph/internal/store/record"
)

func (w *writes) gatherLag() {
	for k, l := range w.lags {
		to := w.deleteLag
		if l != nil {
			to = w.lag
		}
		to.cols[0].text(k.Destination)
		to.cols[1].int(int64(k.Slot))
		to.cols[2].int(k.First)
		if l != nil {
			at := to.cols[3].begin()
			to.cols[3].buf = record.AppendKeys(to.cols[3].buf, l.Seqs)
			to.cols[3].end(at)
		}
	}
}

// lossKey is what losses are added up by.
type lossKey struct {
	destination string
	slot        int
	kind        store.LossKind
}

func (w *writes) gatherLosses() {
	for k, events := range w.losses {
		cols := w.loss.cols
		cols[0].text(k.destination)
		cols[1].int(int64(k.slot))
		cols[2].text(string(k.kind))
		cols[3].int(events)
	}
}

func (w *writes) gatherResources(stored map[store.ResourceKey]bool) error {
	var topics []string
	for _, k := range slices.SortedFunc(maps.Keys(w.resources), compareResources) {
		v := w.resources[k]
		topics = append(topics, resourceTopic+k.Account)
		to := w.insertResource
		switch {
		case v.Delete && !stored[k]: // made and deleted in this batch
			continue
		case v.Delete:
			to = w.deleteResource
		case stored[k]:
			to = w.updateResource
		}
		to.cols[0].text(k.Account)
		to.cols[1].text(k.Kind)
		to.cols[2].text(k.ID)
		if v.Delete {
			continue
		}
		to.cols[3].int(v.Version)
		to.cols[4].int(v.Created.UnixMilli())
		if len(v.Tags) == 0 {
			to.cols[5].null()
		} else {
			tags, err := json.Marshal(v.Tags)
			if err != nil {
				return unreadable(err)
			}
			to.cols[5].bytes(tags)
		}
		to.cols[6].bytes(v.Doc)
	}
	for _, topic := range slices.Compact(topics) {
		w.tell.cols[0].text(topic)
	}
	return nil
}
