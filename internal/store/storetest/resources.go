package storetest

import (
	"heliograph/internal/sms"
	"heliograph/internal/store"
)

func (s *suite) resource(account, kind, id, doc string) store.ResourceWrite {
	return store.ResourceWrite{Resource: store.Resource{ResourceKey: store.ResourceKey{Account: account, Kind: kind, ID: id},
		Created: s.now, Doc: []byte(doc)}}
}

func (s *suite) resources(account string) []store.Resource {
	s.Helper()
	r, err := s.Engine.Resources(s.ctx(), account)
	s.need(err)
	return r
}

func testResources(s *suite) {
	pool, set := s.resource(account, "pool", "pool-1", `{"id":"pool-1"}`), s.resource(account, "configuration-set", "b", `{}`)
	pool.Tags = map[string]string{"env": "prod", "": "é"}
	first := s.resource(account, "configuration-set", "a", `{}`)
	number := s.resource("", "number", "+447700900001", `{"number":"+447700900001"}`)
	c := &store.Change{Resources: []store.ResourceWrite{pool, set}}
	s.apply(c, &store.Change{Resources: []store.ResourceWrite{number, first}})
	s.same("version told", c.Resources[0].Version, int64(1))

	pool.Version, set.Version, first.Version, number.Version = 1, 1, 1, 1
	s.same("resources", s.resources(account), []store.Resource{first.Resource, set.Resource, pool.Resource})
	s.same("of the installation", s.resources(""), []store.Resource{number.Resource})
	s.same("of nobody", len(s.resources("nobody")), 0)

	// Written again and deleted.
	pool.Expect, pool.Tags, pool.Doc = 1, nil, []byte(`{"id":"pool-1","two":2}`)
	set.Expect, set.Delete = 1, true
	s.apply(&store.Change{Resources: []store.ResourceWrite{pool, set}})
	pool.Version = 2
	s.same("resources then", s.resources(account), []store.Resource{first.Resource, pool.Resource})

	// A deleted one may be made anew.
	set.Expect, set.Delete, set.Version = 0, false, 1
	s.apply(&store.Change{Resources: []store.ResourceWrite{set}})
	s.same("resources at last", s.resources(account), []store.Resource{first.Resource, set.Resource, pool.Resource})
}

func testVersions(s *suite) {
	a, b := s.resource(account, "pool", "a", `1`), s.resource(account, "pool", "b", `1`)
	s.apply(&store.Change{Resources: []store.ResourceWrite{a}})

	// The second write of the change is right, its first is not: neither is made,
	// nor anything else of it. Its neighbours are.
	m, neighbour := s.message(1), s.message(1)
	stale := &store.Change{
		Accept:    []store.Accepted{s.accepted(m)},
		Mark:      []store.Dispatch{{Seq: 1, Shard: "acme", Parts: []sms.PartID{m.ID.Part(1)}}},
		Park:      []store.ParkedReceipt{{Seq: 1, Carrier: "acme", At: s.now}},
		Spend:     []store.SpendDelta{{UsageKey: store.UsageKey{Account: account, Month: "2026-09", Channel: "TEXT"}, Sums: store.Sums{Price: 1}}},
		Cursors:   []store.Cursor{{Slot: s.fence.Slot, Seq: 1}},
		Lag:       []store.LagBatch{{LagKey: store.LagKey{Destination: "a", First: 1}, Seqs: []int64{1}}},
		Resources: []store.ResourceWrite{a, b}, // a is there already
	}
	s.try(stale, &store.Change{Accept: []store.Accepted{s.accepted(neighbour)}})
	s.wantErr("stale change", stale.Err, store.ErrVersion)
	s.same("counts", s.counts(), store.Counts{Queued: 1})
	s.same("resources", len(s.resources(account)), 1)
	s.wantStatuses(stale.Events, "")
	s.wantStatuses(s.log(), "QUEUED")
	spent, err := s.Engine.Spend(s.ctx(), account, "2026-09", "TEXT")
	s.need(err)
	cursors, err := s.Engine.Cursors(s.ctx())
	s.need(err)
	lag, err := s.Engine.LagDestinations(s.ctx())
	s.need(err)
	if spent != 0 || len(cursors) != 0 || len(lag) != 0 {
		s.Errorf("of the stale change: spend %v, cursors %v, lag %v", spent, cursors, lag)
	}
	// What it would have accepted can still be accepted.
	s.apply(&store.Change{Accept: []store.Accepted{s.accepted(m)}})

	// Two writers that read the same version, in one batch: the first wins.
	a.Expect = 1
	one, two := a, a
	one.Doc, two.Doc = []byte(`"one"`), []byte(`"two"`)
	changes := []*store.Change{{Resources: []store.ResourceWrite{one}}, {Resources: []store.ResourceWrite{two}}}
	s.try(changes...)
	s.wantErr("first writer", changes[0].Err, nil)
	s.wantErr("second writer", changes[1].Err, store.ErrVersion)

	// A change may build on an earlier one of its batch, also on a delete.
	a.Expect, a.Delete = 2, true
	again := s.resource(account, "pool", "a", `3`)
	changes = []*store.Change{{Resources: []store.ResourceWrite{a}}, {Resources: []store.ResourceWrite{again}}}
	s.apply(changes...)
	s.same("made anew", s.resources(account)[0].Version, int64(1))

	// Neither writing nor deleting what is gone.
	gone := s.resource(account, "pool", "gone", ``)
	gone.Expect = 1
	deleted := gone
	deleted.Delete = true
	for _, w := range []store.ResourceWrite{gone, deleted} {
		c := &store.Change{Resources: []store.ResourceWrite{w}}
		s.try(c)
		s.wantErr("what is gone", c.Err, store.ErrVersion)
	}
}
