package pdu

import (
	"fmt"
	"time"
)

// timeLength is the size of a time in characters: YYMMDDhhmmsstnnp (SMPP 3.4
// section 7.1.1).
const timeLength = 16

// maxRelative is the longest period that FormatRelative writes. Longer ones would
// need months, which differ in length.
const maxRelative = 31 * 24 * time.Hour

// FormatTime writes t as an absolute time in t's own offset from UTC, rounded down
// to a tenth of a second. An offset that is no multiple of a quarter hour, or that
// reaches beyond twelve hours, is written as UTC. Years are those of 2000 to 2099.
func FormatTime(t time.Time) (string, error) {
	_, offset := t.Zone()
	if offset%900 != 0 || offset > 48*900 || offset < -48*900 {
		t, offset = t.UTC(), 0
	}
	if t.Year() < 2000 || t.Year() > 2099 {
		return "", fmt.Errorf("smpp: the year %d has no form of two digits, 2000 to 2099 are allowed", t.Year())
	}
	sign := byte('+')
	if offset < 0 {
		sign, offset = '-', -offset
	}
	return fmt.Sprintf("%s%d%02d%c", t.Format("060102150405"), t.Nanosecond()/int(100*time.Millisecond), offset/900, sign), nil
}

// FormatRelative writes a period from now, rounded up to a whole second: a message
// must not expire before it should. It holds at most 31 days.
func FormatRelative(d time.Duration) (string, error) {
	if d < 0 || d > maxRelative {
		return "", fmt.Errorf("smpp: a period of %s cannot be written, 0 to 31 days are allowed", d)
	}
	s := int64((d + time.Second - 1) / time.Second)
	return fmt.Sprintf("0000%02d%02d%02d%02d000R", s/86400, s/3600%24, s/60%60, s%60), nil
}

// ParseTime reads an absolute time, or a relative one counted from now.
func ParseTime(s string, now time.Time) (time.Time, error) {
	if len(s) != timeLength {
		return time.Time{}, timeError(s, "it must have 16 characters")
	}
	var n [6]int
	for i := range n {
		v, ok := twoDigits(s[2*i:])
		if !ok {
			return time.Time{}, timeError(s, "its first twelve characters must be digits")
		}
		n[i] = v
	}
	quarters, ok := twoDigits(s[13:])
	tenths := int(s[12]) - '0'
	if !ok || tenths < 0 || tenths > 9 || quarters > 48 {
		return time.Time{}, timeError(s, "characters 13 to 15 must be tenths of a second and quarter hours up to 48")
	}
	nanos := tenths * int(100*time.Millisecond)
	sign := 1
	switch s[15] {
	case 'R':
		clock := time.Duration(n[3])*time.Hour + time.Duration(n[4])*time.Minute + time.Duration(n[5])*time.Second
		return now.AddDate(n[0], n[1], n[2]).Add(clock), nil
	case '+':
	case '-':
		sign = -1
	default:
		return time.Time{}, timeError(s, "it must end in +, - or R")
	}
	zone := time.UTC
	if quarters > 0 {
		zone = time.FixedZone("", sign*quarters*900)
	}
	t := time.Date(2000+n[0], time.Month(n[1]), n[2], n[3], n[4], n[5], nanos, zone)
	if t.Month() != time.Month(n[1]) || t.Day() != n[2] || t.Hour() != n[3] || t.Minute() != n[4] || t.Second() != n[5] {
		return time.Time{}, timeError(s, "there is no such date or time of day")
	}
	return t, nil
}

func timeError(s, reason string) error {
	return fmt.Errorf("smpp: time %q: %s", s, reason)
}

func twoDigits(s string) (int, bool) {
	a, b := s[0]-'0', s[1]-'0'
	return int(a)*10 + int(b), a <= 9 && b <= 9
}
