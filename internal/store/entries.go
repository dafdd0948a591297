package store

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"time"
)

// Lists are for what is too long for memory and too large in number to be resources:
// the numbers on an opt-out list, the number overrides of a protect configuration,
// whom a two-way number last wrote to, the parts of messages from handsets that wait
// for the others. One table with one key serves them all: an entry is found by one row
// read, however long its list is, and a list is read in the order of its keys.

// ListID is the number of a list, made of the names that tell it from all others. It
// is 63 bits of a SHA-256, so that two lists do not meet.
func ListID(names ...string) int64 {
	h := sha256.New()
	for _, name := range names {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(name)))
		h.Write(n[:])
		h.Write([]byte(name))
	}
	return int64(binary.BigEndian.Uint64(h.Sum(nil)) >> 1)
}

// EntryKey names an entry: a list and a key in it, for instance the digits of a phone
// number.
type EntryKey struct{ List, Key int64 }

// Entry is a row of a list. What At, Mark, Until and Doc mean is the list's own; a
// zero time comes back as one, others to the millisecond and in UTC; an empty Doc comes
// back as nil.
type Entry struct {
	EntryKey
	At    time.Time
	Mark  int64
	Until time.Time
	Doc   []byte
}

// EntryWrite puts or deletes an entry, whatever was there. With Absent it is only put
// where there was none: else its whole change fails with ErrExists. With Expect it is
// only made where the entry is there as it was read: else its whole change fails with
// ErrVersion. Of several nodes that try at once one succeeds. Of two writes of one
// change to the same key the last one counts; what both expect is what was there before
// the change.
type EntryWrite struct {
	Entry
	Absent bool
	Expect *Expected
	Delete bool
}

// Expected is what tells that an entry is still as it was read. Times are compared to
// the millisecond.
type Expected struct {
	At    time.Time
	Mark  int64
	Until time.Time
}

// Expected is what a write over e expects.
func (e *Entry) Expected() *Expected { return &Expected{At: e.At, Mark: e.Mark, Until: e.Until} }

// Same reports whether x and y are the same entry.
func (x Expected) Same(y Expected) bool {
	return x.Mark == y.Mark && sameMoment(x.At, y.At) && sameMoment(x.Until, y.Until)
}

func sameMoment(a, b time.Time) bool {
	return a.IsZero() == b.IsZero() && (a.IsZero() || a.UnixMilli() == b.UnixMilli())
}

// Over is w as it is to be written by who has read old, nil for no entry: it is made only
// where that is still so.
func (w EntryWrite) Over(old *Entry) EntryWrite {
	if w.Absent, w.Expect = old == nil, nil; old != nil {
		w.Expect = old.Expected()
	}
	return w
}

// Overtaken reports that a change was not made because an entry, or a resource, was not
// as its caller had read it: who reads it again can try again.
func Overtaken(err error) bool { return errors.Is(err, ErrExists) || errors.Is(err, ErrVersion) }

// EntryScan reads a list in the order of its keys, after a key; math.MinInt64 is
// before all. Marks, where there are any, are those of the entries that are wanted. Bare
// reads them without their Doc.
type EntryScan struct {
	List, After int64
	Marks       []int64
	Limit       int
	Bare        bool
}

// LogEvent is a line of an embedded log group. Its group, its time and who wrote it
// (Slot and Seq) are its key: one that is there already is left as it is, so that what
// is published again is there once.
type LogEvent struct {
	Group   int64 // ListID
	At      time.Time
	Slot    int
	Seq     int64
	Message []byte // an empty one comes back as nil
}

// LogPlace is where a line stands in its group: by time, then by Slot, then by Seq. The
// zero LogPlace is before all lines since 1970.
type LogPlace struct {
	At   time.Time
	Slot int
	Seq  int64
}

// Place is where e stands.
func (e *LogEvent) Place() LogPlace { return LogPlace{e.At, e.Slot, e.Seq} }

// AnySlot in a LogScan stands for lines of every slot.
const AnySlot = -1

// LogScan reads lines of a group whose time is not before From and before To (zero: no
// bound), of one slot or of AnySlot, in the order of their places: those after After, or
// with Backwards those before Before, the last first. A zero After or Before is no
// bound.
type LogScan struct {
	Group         int64
	From, To      time.Time
	Slot          int
	After, Before LogPlace
	Backwards     bool
	Limit         int
}

// Lists is what an engine offers besides Engine: how lists, logs and usage are read.
type Lists interface {
	// Entries are the entries with these keys, in their order, nil for one that is
	// not there.
	Entries(ctx context.Context, keys []EntryKey) ([]*Entry, error)
	// EntriesAfter reads a list.
	EntriesAfter(ctx context.Context, scan EntryScan) ([]Entry, error)
	// LogEvents reads a log group.
	LogEvents(ctx context.Context, scan LogScan) ([]LogEvent, error)
	// LogSlots are the slots that have lines in a group, with the places of the first
	// and the last of each, in the order of the slots.
	LogSlots(ctx context.Context, group int64) ([]LogSlot, error)
	// Usage is what an account, or with "" every account, was billed in a month, in
	// the order of the keys, all slots together.
	Usage(ctx context.Context, account, month string) ([]Usage, error)
}

// LogSlot is what a slot wrote to a log group.
type LogSlot struct {
	Slot        int
	First, Last LogPlace
}
