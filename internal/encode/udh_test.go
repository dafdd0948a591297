package encode

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestUDH(t *testing.T) {
	eight := AppendUDH8([]byte{}, 0xAB, 3, 2)
	if d := cmp.Diff([]byte{5, 0, 3, 0xAB, 3, 2}, eight); d != "" || len(eight) != UDH8Length {
		t.Error(d)
	}
	sixteen := AppendUDH16([]byte{}, 0xABCD, 3, 2)
	if d := cmp.Diff([]byte{6, 8, 4, 0xAB, 0xCD, 3, 2}, sixteen); d != "" || len(sixteen) != UDH16Length {
		t.Error(d)
	}
}

func TestParseUDH(t *testing.T) {
	tests := []struct {
		name string
		in   string
		want Concatenation
		rest string
		n    int // elements
		err  bool
	}{
		{"8-bit", "\x05\x00\x03\xab\x03\x02text", Concatenation{0xAB, false, 3, 2}, "text", 1, false},
		{"16-bit", "\x06\x08\x04\xab\xcd\x03\x02text", Concatenation{0xABCD, true, 3, 2}, "text", 1, false},
		{"no text", "\x05\x00\x03\xab\x03\x02", Concatenation{0xAB, false, 3, 2}, "", 1, false},
		{"no elements", "\x00text", Concatenation{}, "text", 0, false},
		{"ports beside it", "\x0b\x05\x04\x0b\x84\x23\xf0\x00\x03\x01\x02\x01x", Concatenation{1, false, 2, 1}, "x", 2, false},
		{"the last counts", "\x0a\x00\x03\x01\x02\x01\x00\x03\x02\x02\x02", Concatenation{2, false, 2, 2}, "", 2, false},
		{"sequence 0", "\x05\x00\x03\x01\x02\x00", Concatenation{}, "", 1, false},
		{"sequence above total", "\x05\x00\x03\x01\x02\x03", Concatenation{}, "", 1, false},
		{"wrong length of the element", "\x04\x00\x02\x01\x02", Concatenation{}, "", 1, false},
		{"nothing", "", Concatenation{}, "", 0, true},
		{"longer than there is", "\x06\x00\x03\x01\x02\x01", Concatenation{}, "", 0, true},
		{"element longer than the header", "\x05\x00\x04\x01\x02\x01x", Concatenation{}, "", 0, true},
		{"half an element", "\x06\x00\x03\x01\x02\x01\x00", Concatenation{}, "", 0, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, rest, err := ParseUDH([]byte(tt.in))
			if tt.err {
				if !errors.Is(err, ErrUDH) {
					t.Fatalf("%+v, %v", h, err)
				}
				return
			}
			if err != nil || h.Concatenation != tt.want || string(rest) != tt.rest || len(h.Elements) != tt.n {
				t.Errorf("%+v, %q, %v", h, rest, err)
			}
			if h.Length != len(tt.in)-len(tt.rest) {
				t.Errorf("length %d", h.Length)
			}
		})
	}
}

func FuzzParseUDH(f *testing.F) {
	f.Add([]byte("\x05\x00\x03\xab\x03\x02text"))
	f.Add([]byte("\x06\x08\x04\xab\xcd\x03\x02text"))
	f.Add([]byte("\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, rest, err := ParseUDH(b)
		if err != nil {
			if !errors.Is(err, ErrUDH) {
				t.Fatal(err)
			}
			return
		}
		if h.Length+len(rest) != len(b) {
			t.Fatalf("%d octets and %d of %d", h.Length, len(rest), len(b))
		}
		n := 1
		for _, e := range h.Elements {
			n += 2 + len(e.Data)
		}
		if n != h.Length {
			t.Fatalf("elements of %d octets in %d", n, h.Length)
		}
		if c := h.Concatenation; c.Total != 0 && (c.Sequence == 0 || c.Sequence > c.Total) {
			t.Fatalf("%+v", c)
		}
	})
}
