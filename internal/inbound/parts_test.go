package inbound

import (
	"slices"
	"testing"
	"time"

	"heliograph/internal/store"
)

func piece(n int, text string) part {
	return part{Carrier: "acme", From: "+14255550168", To: "+12065550183", Text: text, Reference: 7, Total: 3, Number: n, place: int64(n)}
}

func TestNext(t *testing.T) {
	one, two, three := piece(1, "a"), piece(2, "b"), piece(3, "c")
	foreign := piece(1, "a")
	foreign.To = "+12065550199"
	whole := waiting{one, two, three}
	left := func(w ...part) made { return made{1: {marks: waiting{three}.marks()}, 2: {marks: waiting(w).marks()}} }
	copied := func(p part) part { p.copied = true; return p }
	for _, tt := range []struct {
		name string
		p    part
		w    waiting
		made made
		kept bool
		want step
	}{
		{"the first to come", two, nil, nil, false, stepKeep},
		{"another", one, waiting{two}, nil, false, stepKeep},
		{"the last one", three, waiting{one, two}, nil, false, stepWhole},
		{"the last one, not the last in order", two, waiting{one, three}, nil, false, stepWhole},
		{"twice", two, waiting{one, two}, nil, false, stepDuplicate},
		{"twice, and another node put the last one", two, whole, nil, false, stepWhole},
		{"late", two, nil, left(whole...), false, stepCopy},
		{"late, twice", two, waiting{copied(two)}, left(whole...), false, stepDuplicate},
		{"late, beside another copy", two, waiting{copied(piece(2, "x"))}, left(whole...), false, stepCopy},
		{"late, while another message comes", two, waiting{piece(2, "x")}, left(whole...), false, stepCopy},
		{"the last of a message that comes again", three, waiting{copied(one), copied(two)}, left(whole...), false, stepRepeated},
		{"new beside copies", piece(3, "z"), waiting{copied(one), copied(two)}, left(whole...), false, stepKeep},
		{"the same, put", piece(3, "z"), waiting{piece(3, "z"), copied(one), copied(two)}, left(whole...), true, stepDuplicate},
		{"in the place of a copy", piece(1, "x"), waiting{piece(3, "z"), copied(one), copied(two)}, left(whole...), false, stepKeep},
		{"the last one, with a copy in another's place", piece(1, "x"), waiting{piece(2, "y"), piece(3, "z"), copied(two)}, left(whole...), false, stepWhole},
		{"a copy that makes it whole, put", two, waiting{piece(1, "x"), piece(3, "z"), copied(two)}, left(whole...), true, stepDuplicate},
		{"a third message with that text", two, waiting{piece(1, "x"), piece(3, "z"), copied(two)}, left(whole...), false, stepEnd},
		{"late, of a message that was incomplete", one, nil, left(two), false, stepKeep},
		{"a reference that is used again", piece(1, "x"), nil, left(whole...), false, stepKeep},
		{"the next part of that", piece(2, "y"), waiting{piece(1, "x")}, left(whole...), false, stepKeep},
		{"the last part of that", piece(3, "z"), waiting{piece(1, "x"), piece(2, "y")}, left(whole...), false, stepWhole},
		{"a reference that is used again too early", piece(1, "x"), waiting{one, two}, nil, false, stepEnd},
		{"two messages with one key", one, waiting{foreign}, nil, false, stepEnd},
		{"put while another node made the message", one, waiting{one}, left(whole...), false, stepStray},
		{"the same, when the next message comes", piece(2, "y"), waiting{one, three}, left(whole...), false, stepStray},
		{"some of two messages", one, waiting{one, three}, left(one), false, stepDuplicate},
	} {
		if got := next(&tt.p, tt.w, tt.made, tt.kept); got != tt.want {
			t.Errorf("%s: step %d, want %d", tt.name, got, tt.want)
		}
	}
}

func TestClaim(t *testing.T) {
	const key = 5 << partBits
	w, other := waiting{piece(1, "a"), piece(2, "b")}, waiting{piece(1, "a"), piece(2, "c")}
	m := made{}
	first, ok := m.claim(testKeys, key, w)
	again, _ := m.claim(testKeys, key, slices.Clone(w))
	if !ok || messageOf(first) != key || again != first {
		t.Errorf("the same message claims %x and %x", first, again)
	}
	if another, _ := m.claim(testKeys, key, other); another == first {
		t.Error("two messages claim the same key")
	}
	m[first] = done{at: time.UnixMilli(5)}
	if next, ok := m.claim(testKeys, key, w); !ok || next == first || messageOf(next) != key {
		t.Errorf("beside another it claims %x", next)
	}
	for i := range int64(1) << partBits {
		if _, there := m[key|i]; !there {
			m[key|i] = done{at: time.UnixMilli(10 + i)}
		}
	}
	if _, ok := m.claim(testKeys, key, w); ok {
		t.Error("there is no room for it")
	}
	if oldest := m.oldest(); len(oldest) != 1<<partBits/2 || oldest[0] != first {
		t.Errorf("%d are the oldest, %x the first of them", len(oldest), oldest[0])
	}
}

func TestText(t *testing.T) {
	of := func(n int, head uint16, text string, tail uint16) part {
		p := piece(n, text)
		p.Head, p.Tail = head, tail
		return p
	}
	const high, low = 0xD83D, 0xDE00 // of 😀
	for _, tt := range []struct {
		w    waiting
		want string
	}{
		{waiting{piece(1, "a"), piece(2, "b")}, "ab"},
		{waiting{of(1, 0, "a", high), of(2, low, "b", 0)}, "a😀b"},
		{waiting{of(1, 0, "", high), of(2, low, "", high), of(3, low, "", 0)}, "😀😀"},
		{waiting{of(1, 0, "a", high), of(3, low, "b", 0)}, "a\uFFFD\uFFFDb"},
		{waiting{of(1, 0, "a", high), of(2, 0, "b", 0)}, "a\uFFFDb"},
		{waiting{of(2, low, "b", high)}, "\uFFFDb\uFFFD"},
	} {
		if got := tt.w.text(); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
	one, other := of(1, 0, "a", high), of(1, 0, "a", high+1)
	if one.mark() == other.mark() {
		t.Error("two texts have the same mark")
	}
}

func TestKeys(t *testing.T) {
	base := piece(1, "a")
	seen := map[int64]string{}
	for name, change := range map[string]func(*part){
		"base":         func(*part) {},
		"carrier":      func(p *part) { p.Carrier = "other" },
		"sender":       func(p *part) { p.From = "+14255550169" },
		"number":       func(p *part) { p.To = "+12065550199" },
		"reference":    func(p *part) { p.Reference = 8 },
		"16 bits":      func(p *part) { p.Reference16 = true },
		"total":        func(p *part) { p.Total = 4 },
		"long message": func(p *part) { p.Total, p.Number = 255, 255 },
	} {
		p := base
		change(&p)
		e, err := p.entry(testKeys)
		if err != nil {
			t.Fatal(err)
		}
		key := testKeys.message(&p)
		if e.Key >= 0 || messageOf(e.Key) != key || e.Key-key != int64(p.Number) {
			t.Errorf("%s: the part has key %x, its message %x", name, e.Key, key)
		}
		if first := testKeys.sender(p.From); e.Key <= first || e.Key > afterSender(first) {
			t.Errorf("%s: key %x is not of the sender, %x to %x", name, e.Key, first, afterSender(first))
		}
		if other, twice := seen[key]; twice {
			t.Errorf("%s and %s have the same key", name, other)
		}
		seen[key] = name
		again, err := readPart(&e)
		if p.place = e.Key; err != nil || again != p {
			t.Errorf("%s: read back as %+v, %v", name, again, err)
		}
	}
}

func TestUnreadablePart(t *testing.T) {
	p, err := readPart(&store.Entry{EntryKey: store.EntryKey{Key: 1<<partBits | 3}, At: time.UnixMilli(5), Doc: []byte("{")})
	if err == nil || p.To != "" || p.Number != 3 || p.place != 1<<partBits|3 {
		t.Errorf("%+v, %v", p, err)
	}
}

func FuzzReadPart(f *testing.F) {
	p := piece(2, "text")
	e, err := p.entry(testKeys)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(e.Key, e.Doc)
	f.Add(int64(0), []byte(`{"total":-1,"number":900}`))
	f.Fuzz(func(t *testing.T, key int64, doc []byte) {
		p, err := readPart(&store.Entry{EntryKey: store.EntryKey{Key: key}, Doc: doc})
		if p.place != key || p.Number < 0 || p.Number >= 1<<partBits {
			t.Errorf("part %d at %d of key %d", p.Number, p.place, key)
		}
		if err != nil && p.To != "" {
			t.Errorf("one that cannot be read is for %q", p.To)
		}
	})
}
