package resources

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

var (
	early = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	late  = time.Date(2026, 2, 1, 0, 0, 0, 999_999, time.UTC)
)

func pools(items ...*Item[sms.Pool]) *Edit[sms.Pool] {
	return edit(customer, kindPool, late, newTable(items))
}

func ids(items []*Item[sms.Pool]) []string {
	out := []string{}
	for _, item := range items {
		out = append(out, item.ID)
	}
	return out
}

func TestEdit(t *testing.T) {
	old := &Item[sms.Pool]{ID: "old", Version: 3, Created: early, Tags: map[string]string{"k": "v"}, Value: sms.Pool{ID: "old"}}
	gone := &Item[sms.Pool]{ID: "gone", Version: 1, Created: early.Add(time.Hour)}
	e := pools(gone, old)
	if got := ids(e.All()); !slices.Equal(got, []string{"old", "gone"}) || e.Len() != 2 {
		t.Fatalf("at first %v", got)
	}

	item := e.Put("old", sms.Pool{ID: "old", SharedRoutes: true})
	if want := (&Item[sms.Pool]{ID: "old", Version: 4, Created: early, Tags: old.Tags, Value: sms.Pool{ID: "old", SharedRoutes: true}}); !cmp.Equal(item, want) {
		t.Errorf("replaced: %+v", item)
	}
	item = e.Put("new", sms.Pool{ID: "new"})
	if want := (&Item[sms.Pool]{ID: "new", Version: 1, Created: late.Truncate(time.Millisecond), Value: sms.Pool{ID: "new"}}); !cmp.Equal(item, want) {
		t.Errorf("created: %+v", item)
	}
	e.SetTags("new", map[string]string{"a": "b"})
	e.Delete("gone")
	e.Put("mistake", sms.Pool{})
	e.Delete("mistake")
	e.Delete("never")

	if got := ids(e.All()); !slices.Equal(got, []string{"old", "new"}) || e.Len() != 2 {
		t.Errorf("after the changes %v", got)
	}
	if e.Get("gone") != nil || e.Get("mistake") != nil || e.Get("new").Tags["a"] != "b" || e.Get("new").Value.ID != "new" || !e.Get("old").Value.SharedRoutes {
		t.Error("reads do not see the changes")
	}
	if old.Version != 3 || old.Value.SharedRoutes || e.base.Len() != 2 {
		t.Error("what was before changed")
	}
	writes, err := e.writes()
	if err != nil {
		t.Fatal(err)
	}
	key := func(id string) store.ResourceKey { return store.ResourceKey{Account: customer, Kind: kindPool, ID: id} }
	want := []store.ResourceWrite{
		{Resource: store.Resource{ResourceKey: key("gone")}, Expect: 1, Delete: true},
		{Resource: store.Resource{ResourceKey: key("new"), Version: 1, Created: late.Truncate(time.Millisecond), Tags: map[string]string{"a": "b"}}},
		{Resource: store.Resource{ResourceKey: key("old"), Version: 4, Created: early, Tags: old.Tags}, Expect: 3},
	}
	for i := range writes {
		if (writes[i].Doc == nil) != writes[i].Delete {
			t.Errorf("document of %s: %q", writes[i].ID, writes[i].Doc)
		}
		writes[i].Doc = nil
	}
	if diff := cmp.Diff(want, writes); diff != "" {
		t.Error(diff)
	}
}

// Deleted and made again in one change, it is a new resource of the next version.
func TestEditMakesAgain(t *testing.T) {
	e := pools(&Item[sms.Pool]{ID: "p", Version: 5, Created: early, Tags: map[string]string{"k": "v"}})
	e.Delete("p")
	e.Put("p", sms.Pool{ID: "p"})
	got := e.Get("p")
	if got.Version != 6 || !got.Created.After(early) || got.Tags != nil {
		t.Errorf("%+v", got)
	}
	if w, err := e.writes(); err != nil || len(w) != 1 || w[0].Expect != 5 || w[0].Delete {
		t.Errorf("%+v, %v", w, err)
	}
}

// Edits against a map.
func TestEditIsAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		model := map[string]string{}
		var items []*Item[sms.Pool]
		id := rapid.SampledFrom([]string{"a", "b", "c", "d"})
		for _, name := range rapid.SliceOfDistinct(id, rapid.ID).Draw(t, "base") {
			items = append(items, &Item[sms.Pool]{ID: name, Version: 1, Created: early})
			model[name] = ""
		}
		e := pools(items...)
		for range rapid.IntRange(0, 8).Draw(t, "steps") {
			name := id.Draw(t, "id")
			if rapid.Bool().Draw(t, "put") {
				list := rapid.SampledFrom([]string{"x", "y"}).Draw(t, "list")
				e.Put(name, sms.Pool{OptOutList: list})
				model[name] = list
			} else {
				e.Delete(name)
				delete(model, name)
			}
		}
		got := map[string]string{}
		for _, item := range e.All() {
			got[item.ID] = item.Value.OptOutList
			if e.Get(item.ID) != item && e.Get(item.ID).Value != item.Value {
				t.Fatalf("%s is listed and read differently", item.ID)
			}
		}
		if !cmp.Equal(model, got) || e.Len() != len(model) {
			t.Fatalf("%v, want %v", got, model)
		}
		committed := e.table()
		writes, err := e.writes()
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range writes {
			if item := committed.Get(w.ID); (item == nil) != w.Delete || item != nil && item.Version != w.Expect+1 {
				t.Fatalf("%+v is written, %+v is kept", w, item)
			}
		}
	})
}

func TestOrderOfCreation(t *testing.T) {
	table := newTable([]*Item[sms.Pool]{{ID: "c", Created: late}, {ID: "b", Created: early}, {ID: "a", Created: late}, {ID: "d", Created: early}})
	if got := ids(table.All()); !slices.Equal(got, []string{"b", "d", "a", "c"}) {
		t.Error(got)
	}
	if table.Get("c").ID != "c" || table.Get("x") != nil {
		t.Error("by id")
	}
}

func TestRename(t *testing.T) {
	e := pools(&Item[sms.Pool]{ID: "old", Version: 3, Created: early, Tags: map[string]string{"k": "v"}, Value: sms.Pool{ID: "old"}})
	e.Rename("old", "new")
	want := &Item[sms.Pool]{ID: "new", Version: 1, Created: early, Tags: map[string]string{"k": "v"}, Value: sms.Pool{ID: "old"}}
	if e.Get("old") != nil || !cmp.Equal(e.Get("new"), want) {
		t.Errorf("renamed: %+v and %+v", e.Get("old"), e.Get("new"))
	}
	e.Rename("new", "old") // and back, which changes the one that is stored
	if writes, err := e.writes(); err != nil || len(writes) != 1 || writes[0].ID != "old" || writes[0].Version != 4 || writes[0].Expect != 3 {
		t.Errorf("renamed back: %+v, %v", writes, err)
	}
}
