package inbound

import (
	"context"
	"fmt"

	"heliograph/internal/store"
)

// Before there were Keys, what waits had keys of digests without a secret, which are not
// negative as those of Keys are. An upgrade finds such entries for as long as a message
// waits for its parts. Parts get their new keys when a flow starts, and when it sweeps.
// What is left of messages that were made does not tell what its key was made of: it is
// looked for by both keys until it would be forgotten.

// olderKey is the key that a message had without Keys.
func olderKey(p *part) int64 {
	return int64(digest(p.From)>>(64-senderBits))<<(setBits+partBits) |
		int64(digest(p.Carrier, p.From, p.To, fmt.Sprint(p.Reference, p.Reference16, p.Total))>>(64-setBits))<<partBits
}

// madeOf reads what is left of the messages with p's key, and with its older one while
// there may be any.
func (f *Flow) madeOf(p *part) (made, error) {
	all, err := f.made(f.o.Keys.message(p))
	if err != nil || f.o.Now().Sub(f.began) >= f.o.Timeout {
		return all, err
	}
	older, err := f.made(olderKey(p))
	for key, d := range older {
		all[key] = d
	}
	return all, err
}

// renew gives the parts that wait under older keys their new ones.
func (f *Flow) renew(ctx context.Context) error {
	return f.scan(ctx, pendingList, -1, func(page []store.Entry, _ bool) (int, error) {
		for i := range page {
			if err := f.renewPart(&page[i]); err != nil && !store.Overtaken(err) {
				return 0, err
			}
		}
		return len(page), ctx.Err()
	})
}

// renewPart gives a part its new key, as a copy where it is of a message that was made. A
// part that cannot be read, and one whose place has another text already, stays where it
// is: its message ends alone. The error is one of being overtaken where another node was
// quicker, too.
func (f *Flow) renewPart(e *store.Entry) error {
	p, err := readPart(e)
	if err != nil {
		return nil // its message's end tells of it
	}
	before, err := f.madeOf(&p)
	if err != nil {
		return err
	}
	p.copied = p.copied || before.has(&p)
	renewed, err := p.entry(f.o.Keys)
	if err != nil {
		return err
	}
	ctx, cancel := read()
	defer cancel()
	there, err := f.o.Lists.Entries(ctx, []store.EntryKey{renewed.EntryKey})
	if err != nil {
		return wrap("read a message part", err)
	}
	writes := []store.EntryWrite{{Entry: store.Entry{EntryKey: e.EntryKey}, Delete: true, Expect: e.Expected()}}
	if there[0] == nil {
		writes = append(writes, store.EntryWrite{Entry: renewed, Absent: true})
	} else if q := f.partIn(there[0]); q.mark() != p.mark() {
		return nil
	}
	return f.o.Committer.Commit(&store.Change{Entries: writes})
}
