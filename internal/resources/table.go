package resources

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"heliograph/internal/store"
)

// Item is one resource with what the service keeps about it.
type Item[T any] struct {
	ID      string
	Version int64
	Created time.Time // milliseconds, UTC
	Tags    map[string]string
	Value   T
}

// Table is an immutable set of resources of one kind, in order of creation.
type Table[T any] struct {
	byID   map[string]*Item[T]
	sorted []*Item[T]
}

// Get is the resource with this id, or nil.
func (t *Table[T]) Get(id string) *Item[T] { return t.byID[id] }

// All lists the resources, oldest first. The slice must not be changed.
func (t *Table[T]) All() []*Item[T] { return t.sorted }

// Len counts the resources.
func (t *Table[T]) Len() int { return len(t.sorted) }

func newTable[T any](items []*Item[T]) *Table[T] {
	t := &Table[T]{byID: make(map[string]*Item[T], len(items)), sorted: items}
	for _, item := range items {
		t.byID[item.ID] = item
	}
	slices.SortFunc(t.sorted, func(a, b *Item[T]) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID))
	})
	return t
}

// Edit is a table with changes that are not committed yet. Reads see them.
type Edit[T any] struct {
	account string
	kind    string
	now     time.Time
	base    *Table[T]
	changed map[string]*Item[T] // nil where deleted
}

func edit[T any](account, kind string, now time.Time, base *Table[T]) *Edit[T] {
	return &Edit[T]{account: account, kind: kind, now: now, base: base}
}

// Get is the resource with this id as it will be, or nil. It must not be changed
// in place; Put a copy.
func (e *Edit[T]) Get(id string) *Item[T] {
	if item, ok := e.changed[id]; ok {
		return item
	}
	return e.base.Get(id)
}

// All lists the resources as they will be, oldest first.
func (e *Edit[T]) All() []*Item[T] {
	if len(e.changed) == 0 {
		return e.base.All()
	}
	return e.table().All()
}

// Len counts them.
func (e *Edit[T]) Len() int { return len(e.All()) }

// Put creates the resource or replaces its value; tags and time of creation stay.
func (e *Edit[T]) Put(id string, value T) *Item[T] {
	item := &Item[T]{ID: id, Version: 1, Created: e.now.UTC().Truncate(time.Millisecond), Value: value}
	if old := e.Get(id); old != nil {
		item.Created, item.Tags = old.Created, old.Tags
	}
	if stored := e.base.Get(id); stored != nil {
		item.Version = stored.Version + 1
	}
	e.set(id, item)
	return item
}

// SetTags replaces the tags of a resource that exists.
func (e *Edit[T]) SetTags(id string, tags map[string]string) {
	item := *e.Put(id, e.Get(id).Value)
	item.Tags = tags
	e.set(id, &item)
}

// Rename gives a resource that exists another id, which none has, with its time of
// creation and tags.
func (e *Edit[T]) Rename(id, to string) {
	item := *e.Get(id)
	item.ID, item.Version = to, 1
	if stored := e.base.Get(to); stored != nil {
		item.Version = stored.Version + 1
	}
	e.Delete(id)
	e.set(to, &item)
}

// Delete removes the resource.
func (e *Edit[T]) Delete(id string) { e.set(id, nil) }

func (e *Edit[T]) set(id string, item *Item[T]) {
	if e.changed == nil {
		e.changed = map[string]*Item[T]{}
	}
	e.changed[id] = item
}

func (e *Edit[T]) touched() bool { return len(e.changed) > 0 }

func (e *Edit[T]) table() *Table[T] {
	if len(e.changed) == 0 {
		return e.base
	}
	items := make([]*Item[T], 0, e.base.Len()+len(e.changed))
	for _, item := range e.base.sorted {
		if _, changed := e.changed[item.ID]; !changed {
			items = append(items, item)
		}
	}
	for _, item := range e.changed {
		if item != nil {
			items = append(items, item)
		}
	}
	return newTable(items)
}

func (e *Edit[T]) writes() ([]store.ResourceWrite, error) {
	var out []store.ResourceWrite
	for _, id := range slices.Sorted(maps.Keys(e.changed)) {
		item, stored := e.changed[id], e.base.Get(id)
		w := store.ResourceWrite{Resource: store.Resource{ResourceKey: store.ResourceKey{Account: e.account, Kind: e.kind, ID: id}}}
		if stored != nil {
			w.Expect = stored.Version
		}
		if item == nil {
			if stored != nil {
				w.Delete = true
				out = append(out, w)
			}
			continue
		}
		doc, err := json.Marshal(item.Value)
		if err != nil {
			return nil, fmt.Errorf("encode %s %s: %w", e.kind, id, err)
		}
		w.Version, w.Created, w.Tags, w.Doc = item.Version, item.Created, item.Tags, doc
		out = append(out, w)
	}
	return out, nil
}

func decodeInto[T any](items *[]*Item[T], r store.Resource) error {
	item := &Item[T]{ID: r.ID, Version: r.Version, Created: r.Created, Tags: r.Tags}
	if err := json.Unmarshal(r.Doc, &item.Value); err != nil {
		return fmt.Errorf("read %s %s: %w", r.Kind, r.ID, err)
	}
	*items = append(*items, item)
	return nil
}

// IAMKey is the id of what has a name whose case does not count: a user, group, role or
// managed policy.
func IAMKey(name string) string { return strings.ToLower(name) }
