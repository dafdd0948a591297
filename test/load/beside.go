package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// contender is a gateway under a name.
type contender struct {
	name  string
	start starter
}

// beside measures our server and Kannel with each of its stores, one run of each
// after the other, so that whatever else the machine does hits all of them.
func (o options) beside() error {
	o.sessions = 1
	all, end, err := engines(o.database)
	if err != nil {
		return err
	}
	defer end()
	var contenders []contender
	for _, e := range all {
		contenders = append(contenders, contender{"heliograph on " + e.name, o.ours(e)})
	}
	for _, store := range []string{"memory", "file", "spool"} {
		contenders = append(contenders, contender{"kannel " + store, func(dir, sink string, _ bool) (gateway, error) {
			return startKannel(dir, store, sink, o.submits, o.reports)
		}})
	}
	fmt.Printf("%s, one SMPP connection, %d submits unanswered at most; the sink acknowledges at once, receipts after %s\n",
		kannelVersion(context.Background()), o.submits, receiptDelay)
	for _, l := range o.loads(2000) {
		runs := make([][]result, len(contenders))
		for range o.rounds {
			for i, c := range contenders {
				r, err := l.run(c.start)
				if err != nil {
					return fmt.Errorf("%s: %w", c.name, err)
				}
				runs[i] = append(runs[i], r)
			}
		}
		medians := make([]result, len(contenders))
		for i := range contenders {
			medians[i] = median(runs[i])
			medians[i].print(contenders[i].name, l)
		}
		for i := range all {
			for j := len(all); j < len(contenders); j++ {
				printRatios(l, contenders[i].name, contenders[j].name, medians[i], medians[j])
			}
		}
	}
	return nil
}

// median is the median of each figure by itself.
func median(runs []result) (m result) {
	middle := func(of func(result) float64) float64 {
		var all []float64
		for _, r := range runs {
			all = append(all, of(r))
		}
		slices.Sort(all)
		return all[len(all)/2]
	}
	m.messages = int64(middle(func(r result) float64 { return float64(r.messages) }))
	m.accepted = middle(func(r result) float64 { return r.accepted })
	m.submitted = middle(func(r result) float64 { return r.submitted })
	m.sustained = middle(func(r result) float64 { return r.sustained })
	m.p50 = time.Duration(middle(func(r result) float64 { return float64(r.p50) }))
	m.p99 = time.Duration(middle(func(r result) float64 { return float64(r.p99) }))
	m.cpu = time.Duration(middle(func(r result) float64 { return float64(r.cpu) }))
	m.peak = int64(middle(func(r result) float64 { return float64(r.peak) }))
	m.written = middle(func(r result) float64 { return r.written })
	m.durable = middle(func(r result) float64 { return r.durable })
	m.optOutRows = middle(func(r result) float64 { return r.optOutRows })
	return m
}

func printRatios(l load, our, their string, ours, theirs result) {
	fmt.Printf("%s, %s : %s\n", l.name, our, their)
	if l.rate == 0 {
		fmt.Printf("  accepted   %6.2f\n", ours.accepted/theirs.accepted)
		fmt.Printf("  sustained  %6.2f\n", ours.sustained/theirs.sustained)
	}
	fmt.Printf("  p99        %6.2f\n", float64(ours.p99)/float64(theirs.p99))
	fmt.Printf("  CPU        %6.2f\n", float64(ours.cpu)/float64(theirs.cpu))
	fmt.Printf("  memory     %6.2f\n", float64(ours.peak)/float64(theirs.peak))
}
