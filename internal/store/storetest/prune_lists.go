package storetest

import (
	"time"

	"heliograph/internal/store"
)

func testPruneEntries(s *pruning) {
	var gone, kept []store.Entry
	for i := range int64(1200) {
		gone = append(gone, store.Entry{EntryKey: store.EntryKey{List: 5, Key: i - 600}})
	}
	for list := int64(4); list <= 7; list++ {
		kept = append(kept, store.Entry{EntryKey: store.EntryKey{List: list, Key: 1}})
	}
	s.apply(put(gone...), put(kept[0], kept[2], kept[3]))
	s.same("no lists go", s.pass(store.Pass{}), store.Pruned{})
	s.same("pruned", s.pass(store.Pass{Lists: []int64{3, 5, 6, 8}}), store.Pruned{Entries: 1201})
	s.same("the list", len(s.list(store.EntryScan{List: 5, Limit: 100})), 0)
	s.same("others", s.entries(kept[0].EntryKey, kept[2].EntryKey, kept[3].EntryKey), []*store.Entry{&kept[0], nil, &kept[3]})
	s.same("once more", s.pass(store.Pass{Lists: []int64{5}}), store.Pruned{})
	s.apply(absent(gone[7])) // the list may be made anew
}

func testPruneLogs(s *pruning) {
	line := func(group int64, slot int, seq int64, age time.Duration) store.LogEvent {
		return store.LogEvent{Group: group, At: s.now.Add(-age), Slot: slot, Seq: seq, Message: []byte("line")}
	}
	var logs []store.LogEvent
	for seq := range int64(1100) {
		logs = append(logs, line(9, 0, seq, 2*time.Hour))
	}
	kept := []store.LogEvent{line(9, 0, 5000, time.Hour), line(9, 3, 1, time.Minute), line(7, 0, 1, 5*time.Hour)}
	logs = append(logs, line(9, 3, 7, 3*time.Hour), line(9, 63, 7, 4*time.Hour), line(11, 1, 7, 4*time.Hour))
	s.apply(&store.Change{Logs: logs}, &store.Change{Logs: kept})
	s.same("no lines go", s.pass(store.Pass{Logs: map[int64]time.Time{9: s.now.Add(-24 * time.Hour), 8: s.now}}), store.Pruned{})
	s.same("pruned", s.pass(store.Pass{Logs: map[int64]time.Time{9: s.now.Add(-time.Hour), 11: s.now, 10: s.now}}), store.Pruned{Logs: 1103})
	s.same("the group", s.lines(store.LogScan{Group: 9, Slot: store.AnySlot, Limit: 10}), kept[:2])
	s.same("another group", s.lines(store.LogScan{Group: 7, Slot: store.AnySlot, Limit: 10}), kept[2:])
	s.same("a group without lines", len(s.lines(store.LogScan{Group: 11, Slot: store.AnySlot, Limit: 10})), 0)
}
