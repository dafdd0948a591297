package encode

// carriageReturn fills seven spare bits at the end of packed septets.
const carriageReturn = 0x0D

// PackSeptets appends septets to dst in the 7-bit packing of TS 23.038 section
// 6.1.2.1. udhLen is the number of octets of user data header that stand before
// them, its length octet included, 0 for none: fill bits are put in front so
// that the first septet begins at a septet boundary (TS 23.040 section
// 9.2.3.24). The header itself is the caller's to write.
//
// SMPP gives lengths in octets, so seven spare bits at the end would be read as
// one character more. They are filled with a carriage return, as TS 23.038
// section 6.1.2.3.1 does where the same doubt exists; other spare bits are zero.
func PackSeptets(dst, septets []byte, udhLen int) []byte {
	if len(septets) == 0 {
		return dst
	}
	bits := uint(fillBits(udhLen))
	var pending uint
	for _, s := range septets {
		pending |= uint(s&0x7F) << bits
		bits += 7
		if bits >= 8 {
			dst = append(dst, byte(pending))
			pending >>= 8
			bits -= 8
		}
	}
	switch bits {
	case 0:
	case 1:
		dst = append(dst, byte(pending|carriageReturn<<1))
	default:
		dst = append(dst, byte(pending))
	}
	return dst
}

// UnpackSeptets reads septets packed behind udhLen octets of user data header;
// packed begins after that header. count is the number of septets, or negative
// when only octets were counted: then all that fit are read and a carriage
// return that ends on an octet boundary is taken for padding. A count above
// what packed holds is cut to it.
func UnpackSeptets(packed []byte, udhLen, count int) []byte {
	fill := fillBits(udhLen)
	room := max(0, (len(packed)*8-fill)/7)
	guess := count < 0
	if guess || count > room {
		count = room
	}
	septets := make([]byte, count)
	for i := range septets {
		bit := fill + i*7
		at, shift := bit/8, uint(bit%8)
		v := uint(packed[at]) >> shift
		if shift > 1 && at+1 < len(packed) {
			v |= uint(packed[at+1]) << (8 - shift)
		}
		septets[i] = byte(v & 0x7F)
	}
	full := fill+count*7 == len(packed)*8
	if guess && full && count > 0 && septets[count-1] == carriageReturn {
		septets = septets[:count-1]
	}
	return septets
}

// SeptetLength is the length in septets of user data made of udhLen octets of
// header and n septets of text: the TP-UDL of TS 23.040 section 9.2.3.16.
func SeptetLength(udhLen, n int) int {
	return (udhLen*8+fillBits(udhLen))/7 + n
}

func fillBits(udhLen int) int {
	return (7 - udhLen*8%7) % 7
}
