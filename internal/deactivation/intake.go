package deactivation

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"heliograph/internal/numbering"
)

// Intake takes in numbers that receipts tell of, several in one transaction.
type Intake struct {
	reports *Reports
	log     *slog.Logger

	mu      sync.Mutex
	numbers []string
	waiting []func(error)
	running bool
}

// NewIntake makes an Intake.
func NewIntake(reports *Reports, log *slog.Logger) *Intake {
	return &Intake{reports: reports, log: log}
}

// writeTimeout bounds the writing of a batch.
const writeTimeout = 30 * time.Second

// Add has a number in E.164 format put into today's report, and calls done, from another
// goroutine, when it is there. A number that is none is passed over. It does not wait.
func (i *Intake) Add(number string, done func(error)) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.numbers, i.waiting = append(i.numbers, number), append(i.waiting, done)
	if !i.running {
		i.running = true
		go i.run()
	}
}

// run writes batches until nothing is left.
func (i *Intake) run() {
	for {
		i.mu.Lock()
		numbers, waiting := i.numbers, i.waiting
		i.numbers, i.waiting = nil, nil
		if len(waiting) == 0 {
			i.running = false
			i.mu.Unlock()
			return
		}
		i.mu.Unlock()
		err := i.write(numbers)
		for _, done := range waiting {
			done(err)
		}
	}
}

func (i *Intake) write(numbers []string) error {
	ctx, cancel := context.WithTimeout(context.Background(), writeTimeout)
	defer cancel()
	good := numbers[:0:0]
	for _, n := range numbers {
		if valid(n) {
			good = append(good, n)
		}
	}
	if len(good) == 0 {
		return nil
	}
	added, err := i.reports.Add(ctx, i.reports.Today(), good)
	if err != nil {
		i.log.Error("numbers out of service are not in the report yet", "numbers", len(good), "error", err)
		return err
	}
	i.log.Debug("numbers out of service are in the report", "added", added.Added, "known", added.Known)
	return nil
}

func valid(number string) bool {
	n, err := numbering.Parse(number)
	return err == nil && n.Country != ""
}
