package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"heliograph/internal/optout"
	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// The opt-out lists that are put beside each other.
const (
	emptyList = "an empty list"
	fullList  = "the full list"
)

// optOuts puts the same loads on a server whose opt-out list is empty and on one whose
// list is long, in alternating runs, and tells what a send costs over each.
func (o options) optOuts() error {
	all, end, err := engines(o.database)
	if err != nil {
		return err
	}
	defer end()
	for _, e := range all {
		if err := o.optOutsOn(e); err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
	}
	return nil
}

func (o options) optOutsOn(e engine) error {
	servers := map[string]*server{}
	for name, numbers := range map[string]int{emptyList: 0, fullList: o.numbers} {
		dir, err := os.MkdirTemp("", "heliograph-load-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		s, err := o.optedOut(e, dir, numbers)
		if err != nil {
			return err
		}
		defer e.drop(s.database)
		servers[name] = s
		file, _, err := s.sizes()
		if err != nil {
			return err
		}
		fmt.Printf("opt-out lists on %s: %s has %d numbers, the database %.0f MB\n", e.name, name, numbers, float64(file)/megabyte)
	}
	loads := slices.DeleteFunc(o.loads(2000), func(l load) bool { return l.name == "end-to-end" })
	for _, l := range loads {
		results := map[string][]result{}
		for round := range o.rounds {
			order := []string{emptyList, fullList}
			if round%2 == 1 {
				slices.Reverse(order)
			}
			for _, name := range order {
				r, err := l.run(servers[name].again(o.settings))
				if err != nil {
					return fmt.Errorf("%s over %s: %w", l.name, name, err)
				}
				results[name] = append(results[name], r)
			}
		}
		empty, full := median(results[emptyList]), median(results[fullList])
		empty.print(emptyList+" on "+e.name, l)
		full.print(fullList+" on "+e.name, l)
		printRatios(l, fullList, emptyList, full, empty)
	}
	return nil
}

// again starts the server over what it has, in every run.
func (s *server) again(o settings) starter {
	return func(_, sink string, receipts bool) (gateway, error) {
		g := *s
		if err := g.start(o, sink, receipts); err != nil {
			return nil, err
		}
		return kept{&g}, nil
	}
}

// kept is a server whose database stays when it ends.
type kept struct{ *server }

func (k kept) stop() error { return k.Stop() }
func (k kept) kill()       { k.Kill() }

// optedOut makes a server whose Default list has so many numbers, and stops it.
func (o options) optedOut(e engine, dir string, numbers int) (*server, error) {
	s, err := startServer(o.settings, e, dir, "127.0.0.1:1", true)
	if err != nil {
		return nil, err
	}
	if err := s.Stop(); err != nil {
		return nil, err
	}
	return s, o.optOut(context.Background(), s, numbers)
}

// optOutBatch is how many numbers are written together.
const optOutBatch = 10_000

// optOut puts numbers on the Default list of a server that does not run.
func (o options) optOut(ctx context.Context, s *server, numbers int) (err error) {
	e, err := s.engine.open(ctx, s.dir, s.database)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	fence, err := e.Join(ctx, "load")
	if err != nil {
		return err
	}
	list, err := defaultList(ctx, e)
	if err != nil {
		return err
	}
	now := time.Now()
	for n := 0; n < numbers; {
		change := &store.Change{}
		for ; n < numbers && len(change.Entries) < optOutBatch; n++ {
			// Numbers of another operator than those that are written to, as many apart.
			key, _ := optout.Key(list, fmt.Sprintf("+49160%08d", n))
			change.Entries = append(change.Entries, store.EntryWrite{Entry: store.Entry{EntryKey: key, At: now, Mark: optout.ByHand}})
		}
		if err := e.Apply(ctx, fence, []*store.Change{change}); err != nil {
			return err
		}
	}
	return nil
}

// defaultList is the number of the account's Default list.
func defaultList(ctx context.Context, e store.Engine) (int64, error) {
	rows, err := e.Resources(ctx, "111122223333")
	if err != nil {
		return 0, err
	}
	for _, r := range rows {
		if r.Kind == string(sms.TypeOptOutList) && r.ID == sms.DefaultOptOutList {
			return optout.List("111122223333", &sms.OptOutList{Name: r.ID}, r.Created), nil
		}
	}
	return 0, errors.New("the account has no Default list")
}
