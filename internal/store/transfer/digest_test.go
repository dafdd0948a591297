package transfer

import "testing"

func TestDigest(t *testing.T) {
	text := func(s string) Value { return Value{Bytes: append([]byte{}, s...)} }
	of := func(rows ...Row) *Digest {
		d := new(Digest)
		for _, r := range rows {
			d.Add(r)
		}
		return d
	}
	a, b := Row{{Int: 1}, text("a")}, Row{{Int: 2}, text("b")}
	if x, y := of(a, b), of(b, a); !x.Same(y) || x.String() != y.String() || len(x.String()) != 32 || x.Rows() != 2 {
		t.Errorf("in another order: %s %s, %d rows", x, y, x.Rows())
	}
	for name, other := range map[string]*Digest{
		"a row less":           of(a),
		"a row twice":          of(a, b, b),
		"the other row twice":  of(a, a),
		"columns exchanged":    of(Row{text("a"), {Int: 1}}, b),
		"another value":        of(Row{{Int: 1}, text("b")}, Row{{Int: 2}, text("a")}),
		"nothing for a value":  of(Row{{Int: 1}, {Null: true}}, b),
		"empty for a value":    of(Row{{Int: 1}, text("")}, b),
		"a zero for its bytes": of(Row{{Int: 1}, {}}, b),
	} {
		if of(a, b).Same(other) {
			t.Errorf("%s has the same digest", name)
		}
	}
	// What is in one column is not taken for what is in the next.
	if of(Row{text("ab"), text("c")}).Same(of(Row{text("a"), text("bc")})) {
		t.Error("columns run into each other")
	}
	if of(Row{{Null: true}}).Same(of(Row{{}})) || of(Row{text("")}).Same(of(Row{{Null: true}})) {
		t.Error("nothing, zero and empty are not kept apart")
	}
}

func BenchmarkDigest(b *testing.B) {
	r := Row{{Int: 1 << 40}, {Int: 1 << 50}, {Bytes: []byte("111122223333")}, {Bytes: []byte("set")}, {Bytes: []byte("QUEUED")}, {Int: 1 << 41}, {Int: 1}, {Null: true}, {Bytes: make([]byte, 60)}}
	d := new(Digest)
	b.ReportAllocs()
	for b.Loop() {
		d.Add(r)
	}
}
