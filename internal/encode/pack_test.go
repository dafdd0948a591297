package encode

import (
	"bytes"
	"encoding/hex"
	"testing"

	"pgregory.net/rapid"
)

func TestPackSeptets(t *testing.T) {
	tests := []struct {
		text string
		udh  int
		hex  string
	}{
		{"", 0, ""},
		{"", 6, ""},
		{"hello", 0, "e8329bfd06"},
		{"hellohello", 0, "e8329bfd4697d9ec37"},
		{"1234567", 0, "31d98c56b3dd1a"}, // seven spare bits carry a carriage return
		{"12345678", 0, "31d98c56b3dd70"},
		{"a", 6, "c2"},    // one fill bit in front, none spare
		{"aa", 6, "c261"}, // six spare bits after
		{"a", 7, "61"},    // seven octets are eight septets: no fill bit
	}
	for _, tt := range tests {
		septets, ok := AppendGSM(nil, tt.text)
		if !ok {
			t.Fatal(tt.text)
		}
		got := hex.EncodeToString(PackSeptets(nil, septets, tt.udh))
		if got != tt.hex {
			t.Errorf("%q behind %d octets: %s, want %s", tt.text, tt.udh, got, tt.hex)
		}
	}
}

func TestPackedPartsFillAPart(t *testing.T) {
	for _, tt := range []struct{ udh, septets int }{{0, 160}, {UDH8Length, 153}, {UDH16Length, 152}} {
		packed := PackSeptets(nil, bytes.Repeat([]byte{1}, tt.septets), tt.udh)
		if len(packed)+tt.udh != 140 || SeptetLength(tt.udh, tt.septets) != 160 {
			t.Errorf("%+v: %d octets, %d septets", tt, len(packed), SeptetLength(tt.udh, tt.septets))
		}
		packed = PackSeptets(nil, bytes.Repeat([]byte{1}, tt.septets+1), tt.udh)
		if len(packed)+tt.udh <= 140 {
			t.Errorf("%+v: one more fits", tt)
		}
	}
}

func TestUnpackSeptetsByOctets(t *testing.T) {
	// A count in octets cannot tell seven spare bits from a character, but the
	// padding that we write is recognised.
	for _, text := range []string{"1234567", "12345678", "123456789", "@", "@@@@@@@@"} {
		septets, _ := AppendGSM(nil, text)
		for _, udh := range []int{0, 6, 7, 12} {
			packed := PackSeptets(nil, septets, udh)
			if got := DecodeGSM(UnpackSeptets(packed, udh, -1)); got != text {
				t.Errorf("%q behind %d: %q", text, udh, got)
			}
		}
	}
}

func TestPackProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		septets := rapid.SliceOfN(rapid.ByteRange(0, 127), 0, 160).Draw(t, "septets")
		udh := rapid.IntRange(0, 20).Draw(t, "udh")
		before := []byte{1, 2, 3}
		packed := PackSeptets(before, septets, udh)
		if !bytes.HasPrefix(packed, before) {
			t.Fatal("dst changed")
		}
		packed = packed[len(before):]
		if got := UnpackSeptets(packed, udh, len(septets)); !bytes.Equal(got, septets) {
			t.Fatalf("% x", got)
		}
	})
}

func FuzzUnpackSeptets(f *testing.F) {
	f.Add([]byte{0xe8, 0x32, 0x9b, 0xfd, 0x06}, 0, -1)
	f.Add([]byte{0xc2}, 6, 200)
	f.Fuzz(func(t *testing.T, packed []byte, udh, count int) {
		udh &= 0xFF
		for _, s := range UnpackSeptets(packed, udh, count) {
			if s > 127 {
				t.Fatalf("septet %x", s)
			}
		}
	})
}
