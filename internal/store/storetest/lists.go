package storetest

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"heliograph/internal/store"
)

func (s *suite) lists() store.Lists {
	s.Helper()
	l, ok := s.Engine.(store.Lists)
	if !ok {
		s.Fatal("the engine is no store.Lists")
	}
	return l
}

// entries are those with these keys.
func (s *suite) entries(keys ...store.EntryKey) []*store.Entry {
	s.Helper()
	e, err := s.lists().Entries(s.ctx(), keys)
	s.need(err)
	return e
}

func put(entries ...store.Entry) *store.Change {
	c := &store.Change{}
	for _, e := range entries {
		c.Entries = append(c.Entries, store.EntryWrite{Entry: e})
	}
	return c
}

func absent(entries ...store.Entry) *store.Change {
	c := put(entries...)
	for i := range c.Entries {
		c.Entries[i].Absent = true
	}
	return c
}

func remove(keys ...store.EntryKey) *store.Change {
	c := &store.Change{}
	for _, k := range keys {
		c.Entries = append(c.Entries, store.EntryWrite{Entry: store.Entry{EntryKey: k}, Delete: true})
	}
	return c
}

func testEntries(s *suite) {
	a, b := store.ListID("opt-out", account, "a"), store.ListID("opt-out", account, "b")
	key := func(list, n int64) store.EntryKey { return store.EntryKey{List: list, Key: n} }
	whole := store.Entry{EntryKey: key(a, 447700900123), At: s.now, Mark: -3, Until: s.now.Add(time.Hour), Doc: []byte{0, 255, 'x'}}
	plain := store.Entry{EntryKey: key(a, math.MaxInt64)}
	before := store.Entry{EntryKey: key(a, math.MinInt64+1), At: time.UnixMilli(0).UTC(), Until: time.UnixMilli(-5).UTC(), Mark: math.MaxInt64}
	other := store.Entry{EntryKey: key(b, 447700900123), Mark: 7}
	s.apply(put(whole, plain), put(before, other))
	s.same("entries", s.entries(plain.EntryKey, key(a, 1), whole.EntryKey, before.EntryKey, other.EntryKey, plain.EntryKey, key(1, math.MaxInt64)),
		[]*store.Entry{&plain, nil, &whole, &before, &other, &plain, nil})
	s.same("one entry", s.entries(whole.EntryKey), []*store.Entry{&whole})
	s.same("one that is not there", s.entries(key(b, 1)), []*store.Entry{nil})
	s.same("no entries", len(s.entries()), 0)

	// What was there is replaced as a whole, whoever put it; the last write counts.
	short := store.Entry{EntryKey: whole.EntryKey, Mark: 2}
	s.apply(put(short), remove(other.EntryKey, key(b, 99)))
	s.same("entries then", s.entries(whole.EntryKey, other.EntryKey), []*store.Entry{&short, nil})
	c := put(other, whole)
	c.Entries = append(c.Entries, remove(other.EntryKey).Entries[0], store.EntryWrite{Entry: short})
	s.apply(c)
	s.same("entries of one change", s.entries(whole.EntryKey, other.EntryKey), []*store.Entry{&short, nil})
	s.apply(put(whole), remove(whole.EntryKey), put(other), remove(plain.EntryKey), put(plain))
	s.same("entries of one batch", s.entries(whole.EntryKey, other.EntryKey, plain.EntryKey), []*store.Entry{nil, &other, &plain})
	s.need(s.Engine.Close())
	s.Engine = s.reopen()
	s.same("entries after another start", s.entries(plain.EntryKey, before.EntryKey), []*store.Entry{&plain, &before})
}

func testAbsentEntries(s *suite) {
	entry := func(key, mark int64) store.Entry {
		return store.Entry{EntryKey: store.EntryKey{List: 5, Key: key}, Mark: mark}
	}
	want := func(when string, marks ...int64) {
		s.Helper()
		var keys []store.EntryKey
		for n := range marks {
			keys = append(keys, store.EntryKey{List: 5, Key: int64(n + 1)})
		}
		got := make([]int64, len(marks))
		for i, e := range s.entries(keys...) {
			if e != nil {
				got[i] = e.Mark
			}
		}
		s.same(when, got, marks)
	}
	s.apply(put(entry(1, 1)))
	// Nothing is written of a change one of whose entries is there, and its neighbours
	// are not touched.
	m, neighbour := s.message(1), s.message(1)
	taken := absent(entry(2, 2), entry(1, 2))
	taken.Accept = []store.Accepted{s.accepted(m)}
	taken.Spend = []store.SpendDelta{{UsageKey: store.UsageKey{Account: account, Month: "2026-09", Channel: "TEXT"}, Sums: store.Sums{Price: 1}}}
	taken.Logs = []store.LogEvent{{Group: 1, At: s.now, Seq: 1, Message: []byte("x")}}
	taken.Append = []store.Event{{Account: account, Status: store.StatusInbound, At: s.now}}
	s.try(taken, &store.Change{Accept: []store.Accepted{s.accepted(neighbour)}}, absent(entry(3, 3)))
	s.wantErr("taken", taken.Err, store.ErrExists)
	s.wantStatuses(taken.Events, "")
	s.wantStatuses(s.log(), "QUEUED")
	want("entries", 1, 0, 3)
	spent, err := s.Engine.Spend(s.ctx(), account, "2026-09", "TEXT")
	s.need(err)
	slots, err := s.lists().LogSlots(s.ctx(), 1)
	s.need(err)
	if spent != 0 || len(slots) != 0 {
		s.Errorf("of the refused change: spend %v, log slots %v", spent, slots)
	}
	// Its message can still be accepted.
	s.apply(&store.Change{Accept: []store.Accepted{s.accepted(m)}})

	// Of several in one batch the first wins, unless what it put was deleted.
	tries := []*store.Change{absent(entry(2, 20)), absent(entry(2, 21)), remove(entry(2, 0).EntryKey), absent(entry(2, 22)),
		put(entry(1, 10)), absent(entry(1, 11)), remove(entry(3, 0).EntryKey), absent(entry(3, 30)), absent(entry(3, 31))}
	s.try(tries...)
	for i, c := range tries {
		var want error
		if i == 1 || i == 5 || i == 8 {
			want = store.ErrExists
		}
		s.wantErr("try", c.Err, want)
	}
	want("after a batch", 10, 22, 30)
	// Put and deleted in one batch: it is as if nothing had been.
	s.apply(absent(entry(4, 4)), remove(entry(4, 0).EntryKey))
	want("after another", 10, 22, 30, 0)
	s.apply(absent(entry(4, 5)))
	want("at last", 10, 22, 30, 5)
}

func over(old *store.Entry, to store.Entry) *store.Change {
	return &store.Change{Entries: []store.EntryWrite{store.EntryWrite{Entry: to}.Over(old)}}
}

func removeAs(old store.Entry) *store.Change {
	c := over(&old, store.Entry{EntryKey: old.EntryKey})
	c.Entries[0].Delete = true
	return c
}

func testExpectedEntries(s *suite) {
	key := store.EntryKey{List: 5, Key: 1}
	entry := func(mark int64, at, until time.Time) store.Entry {
		return store.Entry{EntryKey: key, Mark: mark, At: at, Until: until, Doc: []byte{byte(mark)}}
	}
	later := s.now.Add(time.Millisecond)
	first := entry(1, s.now, time.Time{})
	missing := over(&first, first)
	s.try(missing, removeAs(first))
	s.wantErr("an entry that is not there", missing.Err, store.ErrVersion)
	s.apply(put(first))
	tries := []*store.Change{over(&store.Entry{At: later, Mark: 1}, first), over(&store.Entry{At: s.now, Mark: 2}, first),
		over(&store.Entry{At: s.now, Mark: 1, Until: s.now}, first), over(&store.Entry{Mark: 1}, first),
		removeAs(entry(2, s.now, time.Time{})), over(nil, first)}
	s.try(tries...)
	for i, c := range tries {
		want := store.ErrVersion
		if i == len(tries)-1 {
			want = store.ErrExists
		}
		s.wantErr("not as it was read", c.Err, want)
	}
	s.same("entry", s.entries(key), []*store.Entry{&first})

	// Nothing is written of a change whose expectation fails, and its neighbours are
	// not touched.
	m, neighbour := s.message(1), s.message(1)
	refused := over(&store.Entry{At: later, Mark: 1}, first)
	refused.Accept = []store.Accepted{s.accepted(m)}
	refused.Append = []store.Event{{Account: account, Status: store.StatusInbound, At: s.now}}
	s.try(refused, &store.Change{Accept: []store.Accepted{s.accepted(neighbour)}})
	s.wantErr("refused", refused.Err, store.ErrVersion)
	s.wantStatuses(s.log(), "QUEUED")
	s.apply(&store.Change{Accept: []store.Accepted{s.accepted(m)}})

	// Of several in one batch that have read the same the first wins; who has read what
	// that one wrote comes after it. What is compared is what is stored: the millisecond.
	second := entry(2, later.Add(300*time.Microsecond), s.now)
	third := entry(3, s.now, later)
	tries = []*store.Change{over(&first, second), over(&first, third), removeAs(first), over(&second, third), over(&second, first), removeAs(third),
		over(&third, first), over(nil, second), over(&second, third)}
	s.try(tries...)
	for i, c := range tries {
		var want error
		if i == 1 || i == 2 || i == 4 || i == 6 {
			want = store.ErrVersion
		}
		s.wantErr("try", c.Err, want)
	}
	s.same("after a batch", s.entries(key), []*store.Entry{&third})
	s.apply(removeAs(third))
	s.same("after its deletion", s.entries(key), []*store.Entry{nil})
	s.apply(over(nil, second))
	second.At = later
	s.same("put anew", s.entries(key), []*store.Entry{&second})
	s.apply(over(&second, first), removeAs(first))
	s.same("put and deleted", s.entries(key), []*store.Entry{nil})
	s.apply(over(nil, first))
}

func (s *suite) list(scan store.EntryScan) []store.Entry {
	s.Helper()
	scan.After = math.MinInt64
	limit := scan.Limit
	return all(s, limit, func(last store.Entry, first bool, limit int) ([]store.Entry, error) {
		if !first {
			scan.After = last.Key
		}
		scan.Limit = limit
		return s.lists().EntriesAfter(s.ctx(), scan)
	})
}

func testEntriesAfter(s *suite) {
	var want []store.Entry
	for i, key := range []int64{-9, 0, 3, 447700900123, 1 << 60} {
		want = append(want, store.Entry{EntryKey: store.EntryKey{List: 5, Key: key}, Mark: int64(i % 3), At: s.now, Doc: []byte("document")})
	}
	bare := slices.Clone(want)
	for i := range bare {
		bare[i].Doc = nil
	}
	shuffled := []store.Entry{want[3], want[0], want[4], want[2], want[1]}
	s.apply(put(shuffled[:3]...), put(shuffled[3:]...), put(store.Entry{EntryKey: store.EntryKey{List: 4, Key: 7}}, store.Entry{EntryKey: store.EntryKey{List: 6, Key: 7}}))
	for _, limit := range []int{1, 2, 100} {
		s.same("list", s.list(store.EntryScan{List: 5, Limit: limit}), want)
		s.same("without documents", s.list(store.EntryScan{List: 5, Limit: limit, Bare: true}), bare)
		s.same("one mark without documents", s.list(store.EntryScan{List: 5, Limit: limit, Marks: []int64{1}, Bare: true}), []store.Entry{bare[1], bare[4]})
		s.same("one mark", s.list(store.EntryScan{List: 5, Limit: limit, Marks: []int64{1}}), []store.Entry{want[1], want[4]})
		s.same("two marks", s.list(store.EntryScan{List: 5, Limit: limit, Marks: []int64{2, 0}}), []store.Entry{want[0], want[2], want[3]})
		s.same("no such mark", len(s.list(store.EntryScan{List: 5, Limit: limit, Marks: []int64{8, 9}})), 0)
		s.same("no such list", len(s.list(store.EntryScan{List: 55, Limit: limit})), 0)
	}
}

// What is imported in one go, in any order, comes in the order of the keys.
func testLongList(s *suite) {
	const n = 3000
	r := rand.New(rand.NewPCG(3, 3))
	var change store.Change
	for _, i := range r.Perm(n) {
		change.Entries = append(change.Entries, store.EntryWrite{Entry: store.Entry{EntryKey: store.EntryKey{List: 5, Key: 447700000000 + int64(i)*7}, Mark: int64(i)}, Absent: i%2 == 0})
	}
	s.apply(&change)
	got := s.list(store.EntryScan{List: 5, Limit: 700})
	s.same("length", len(got), n)
	for i, e := range got {
		if e.Mark != int64(i) {
			s.Fatalf("entry %d is %+v", i, e)
		}
	}
	var keys []store.EntryKey
	for _, e := range got[:200] {
		keys = append(keys, e.EntryKey)
	}
	for i, e := range s.entries(keys...) {
		if e == nil || e.Mark != int64(i) {
			s.Fatalf("entry %d is read as %+v", i, e)
		}
	}
	again := absent(got[n/2])
	s.try(again)
	s.wantErr("one that is there", again.Err, store.ErrExists)
}

// Whatever is written in whatever batches comes to what it comes to one by one.
func testAnyEntries(s *suite) {
	const seed = 11
	r := rand.New(rand.NewPCG(seed, seed))
	model := map[store.EntryKey]store.Entry{}
	for round := range 60 {
		var changes []*store.Change
		var refused []bool
		for range 1 + r.IntN(8) {
			c := &store.Change{}
			for range 1 + r.IntN(3) {
				w := store.EntryWrite{Entry: store.Entry{EntryKey: store.EntryKey{List: int64(1 + r.IntN(2)), Key: int64(r.IntN(6))}, Mark: r.Int64N(1000)}}
				switch r.IntN(7) {
				case 0:
					w.Entry, w.Delete = store.Entry{EntryKey: w.EntryKey}, true
				case 1, 2:
					w.Absent = true
				case 3, 4, 5: // as it was read, most of the time
					w.Delete = r.IntN(3) == 0
					old := model[w.EntryKey]
					if w.Expect = old.Expected(); r.IntN(4) == 0 {
						w.Expect.Mark++
					}
				}
				c.Entries = append(c.Entries, w)
			}
			fails := slices.ContainsFunc(c.Entries, func(w store.EntryWrite) bool {
				has, there := model[w.EntryKey]
				return w.Absent && there || w.Expect != nil && !(there && has.Mark == w.Expect.Mark)
			})
			if !fails {
				for _, w := range c.Entries {
					if model[w.EntryKey] = w.Entry; w.Delete {
						delete(model, w.EntryKey)
					}
				}
			}
			changes, refused = append(changes, c), append(refused, fails)
		}
		s.try(changes...)
		for i, c := range changes {
			if (c.Err != nil) != refused[i] {
				s.Fatalf("seed %d, round %d, change %d %+v: %v", seed, round, i, c.Entries, c.Err)
			}
		}
		for list := int64(1); list <= 2; list++ {
			var want []store.Entry
			for k, e := range model {
				if k.List == list {
					want = append(want, e)
				}
			}
			slices.SortFunc(want, func(a, b store.Entry) int { return cmp.Compare(a.Key, b.Key) })
			s.same("list", s.list(store.EntryScan{List: list, Limit: 10}), want)
		}
		if s.Failed() {
			s.Fatalf("seed %d, round %d", seed, round)
		}
	}
}

func testUsage(s *suite) {
	delta := func(account, month, channel, country, route string, sums store.Sums) store.SpendDelta {
		return store.SpendDelta{UsageKey: store.UsageKey{Account: account, Month: month, Channel: channel, Country: country, Route: route}, Sums: sums}
	}
	one := store.Sums{Parts: 3, Price: 40, FeeParts: 2, Fee: 5}
	s.apply(&store.Change{Spend: []store.SpendDelta{delta(account, "2026-09", "TEXT", "GB", "LONG_CODE", one), delta(account, "2026-09", "TEXT", "FR", "SENDER_ID", one)}},
		&store.Change{Spend: []store.SpendDelta{delta(account, "2026-09", "TEXT", "GB", "LONG_CODE", one), delta("222233334444", "2026-09", "TEXT", "GB", "LONG_CODE", one)}})
	s.apply(&store.Change{Spend: []store.SpendDelta{delta(account, "2026-09", "TEXT", "GB", "LONG_CODE", store.Sums{Parts: -1, Price: -1}),
		delta(account, "2026-09", "TEXT", "", "", store.Sums{Price: 1}), delta(account, "2026-09", "VOICE", "GB", "LONG_CODE", store.Sums{Parts: 4}),
		delta(account, "2026-09", "TEXT", "GB", "SHORT_CODE", store.Sums{Fee: 1}), delta(account, "2026-10", "TEXT", "GB", "LONG_CODE", one)}})
	want := []store.Usage{
		store.Usage(delta(account, "2026-09", "TEXT", "", "", store.Sums{Price: 1})),
		store.Usage(delta(account, "2026-09", "TEXT", "FR", "SENDER_ID", one)),
		store.Usage(delta(account, "2026-09", "TEXT", "GB", "LONG_CODE", store.Sums{Parts: 5, Price: 79, FeeParts: 4, Fee: 10})),
		store.Usage(delta(account, "2026-09", "TEXT", "GB", "SHORT_CODE", store.Sums{Fee: 1})),
		store.Usage(delta(account, "2026-09", "VOICE", "GB", "LONG_CODE", store.Sums{Parts: 4})),
		store.Usage(delta("222233334444", "2026-09", "TEXT", "GB", "LONG_CODE", one)),
	}
	usage := func(account, month string) []store.Usage {
		s.Helper()
		u, err := s.lists().Usage(s.ctx(), account, month)
		s.need(err)
		return u
	}
	s.same("of an account", usage(account, "2026-09"), want[:5])
	s.same("of all accounts", usage("", "2026-09"), want)
	s.same("of another month", usage("", "2026-10"), []store.Usage{store.Usage(delta(account, "2026-10", "TEXT", "GB", "LONG_CODE", one))})
	s.same("of no month", len(usage("", "2026-11")), 0)
	spent, err := s.Engine.Spend(s.ctx(), account, "2026-09", "TEXT")
	s.need(err)
	s.same("spend", int64(spent), int64(1+45+89+1))

	// Another owner of the slot goes on with the sums.
	s.fence = s.join()
	s.apply(&store.Change{Spend: []store.SpendDelta{delta(account, "2026-10", "TEXT", "GB", "LONG_CODE", one)}})
	s.same("after another join", usage(account, "2026-10"), []store.Usage{store.Usage(delta(account, "2026-10", "TEXT", "GB", "LONG_CODE", one.Plus(one)))})
}

// What the caller makes comes last, and tells all that it brings.
func testAppend(s *suite) {
	m := s.message(1)
	inbound := store.Event{Account: account, ConfigurationSet: "two-way:phone-1", Status: store.StatusInbound, At: s.now, Message: m.ID,
		Detail: store.EventDetail{Content: &store.EventContent{Body: []byte("{\"é\":1}\x00"), Subject: "s", Attributes: map[string]string{"a": "{}", "": "b"}}}}
	feedback := store.Event{Account: account, Message: m.ID, Status: store.StatusFeedback, At: s.now, Detail: store.EventDetail{Description: "RECEIVED"}}
	empty := store.Event{Account: account, ConfigurationSet: "topic:t", Status: store.StatusPublication, At: s.now,
		Detail: store.EventDetail{Content: &store.EventContent{}}}
	c := &store.Change{Append: []store.Event{inbound, feedback}, Accept: []store.Accepted{s.accepted(m)}}
	d := &store.Change{Append: []store.Event{empty}}
	s.apply(c, d)
	s.wantStatuses(c.Events, "QUEUED INBOUND FEEDBACK")
	s.wantStatuses(d.Events, "PUBLICATION")
	inbound.Seq, feedback.Seq, empty.Seq = 2, 3, 4
	for _, e := range []*store.Event{&inbound, &feedback, &empty} {
		e.Slot = s.fence.Slot
	}
	s.same("told", append(c.Events[1:], d.Events...), []store.Event{inbound, feedback, empty})
	s.same("log", s.log()[1:], []store.Event{inbound, feedback, empty})
	at, err := s.Engine.EventsAt(s.ctx(), s.fence.Slot, []int64{2, 4})
	s.need(err)
	s.same("events at", at, []store.Event{inbound, empty})
	s.same("story", s.story(m.ID)[1:], []store.Event{inbound, feedback})

	// IDs go on behind those of events: no message has them.
	last := s.message(1).ID
	s.apply(&store.Change{Append: []store.Event{{Account: account, Message: last, Status: store.StatusInbound, At: s.now}}})
	for range 2 {
		id, err := s.Engine.LastID(s.ctx(), s.fence.Slot)
		s.need(err)
		s.same("last ID", id, last)
		s.fence = s.join()
	}
}
