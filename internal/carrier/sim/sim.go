package sim

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"heliograph/internal/carrier"
)

// Options configure a simulator. The zero value of every field but Name is a
// sensible default.
type Options struct {
	Name           string
	ReceiptDelay   time.Duration // from a part's acceptance to its receipt; default 200 ms
	PartsPerSecond float64       // told by Traits, for the queue to keep to; 0 is no limit
	Window         int           // parts, and receipts, that may be unanswered at a time; default 1,000
	Keep           int           // delivered parts that Delivered can show; default 1,000
	RetryDelay     time.Duration // before a receipt is given again, doubled each time up to 30 s; default 1 s
	Journal        string        // file of the receipts owed; empty forgets them when the process ends
	Faults         Faults        // at the start
	Log            *slog.Logger  // default slog.Default()
}

// DefaultWindow is the Window of Options without one.
const DefaultWindow = 1000

const (
	defaultReceiptDelay = 200 * time.Millisecond
	defaultKeep         = 1000
	defaultRetryDelay   = time.Second
	maxRetryDelay       = 30 * time.Second
	maxOwed             = 1 << 20 // receipts; beyond it the queue is full
)

// The codes of the simulator's answers.
const (
	CodeAccepted  = "accepted"
	CodeRefused   = "refused"
	CodeThrottled = "throttled"
	CodeFull      = "queue_full" // more than Window parts or 1,048,576 receipts are outstanding
	CodeJournal   = "journal"    // the journal cannot be written
	CodeDown      = "down"
	CodeLost      = "answer_lost"
)

// Carrier is a simulator. It is made by New.
type Carrier struct {
	options Options
	log     *slog.Logger
	journal *journal
	wake    chan struct{}
	stop    chan struct{} // closed when the worker has to end at once
	ended   chan struct{} // closed when it has
	sink    carrier.Sink
	changed func()

	mu        sync.Mutex
	faults    Faults
	started   bool
	closing   bool
	stopped   bool
	arrived   []submission // in the order of their coming; not answered
	answering int          // taken from arrived, and done has not returned yet
	settled   []settlement
	owed      int // receipts to be given or acknowledged
	unsettled int // of these, those that the sink has
	handset   handset
	lastID    uint64
	progress  *sync.Cond // something was answered or settled

	// The worker's own.
	due           owedHeap
	all           map[*owed]struct{} // in due or in the sink's hands
	journalFailed bool
}

type submission struct {
	part carrier.Part
	done func(carrier.Outcome)
	at   time.Time
}

// settlement is the sink's word on a receipt.
type settlement struct {
	receipt *owed
	err     error
}

var _ carrier.Carrier = (*Carrier)(nil)

// New makes a simulator and reads its journal. The error names the option or
// fault that cannot be used, or the journal's file.
func New(o Options) (*Carrier, error) {
	if o.Name == "" {
		return nil, errors.New("simulator: a name is needed")
	}
	if o.ReceiptDelay < 0 || o.RetryDelay < 0 || o.PartsPerSecond < 0 || o.Window < 0 || o.Keep < 0 {
		return nil, fmt.Errorf("simulator %s: delays, parts_per_second, window and keep may not be negative", o.Name)
	}
	if err := o.Faults.Validate(); err != nil {
		return nil, fmt.Errorf("simulator %s: faults: %w", o.Name, err)
	}
	o.ReceiptDelay = orDefault(o.ReceiptDelay, defaultReceiptDelay)
	o.RetryDelay = orDefault(o.RetryDelay, defaultRetryDelay)
	o.Window = orDefault(o.Window, DefaultWindow)
	o.Keep = orDefault(o.Keep, defaultKeep)
	if o.Log == nil {
		o.Log = slog.Default()
	}
	c := &Carrier{
		options: o,
		log:     o.Log.With("carrier", o.Name),
		wake:    make(chan struct{}, 1),
		stop:    make(chan struct{}),
		ended:   make(chan struct{}),
		faults:  o.Faults,
		handset: handset{keep: o.Keep},
		lastID:  uint64(time.Now().UnixNano()),
		all:     map[*owed]struct{}{},
	}
	c.progress = sync.NewCond(&c.mu)
	if o.Journal != "" {
		j, owing, err := openJournal(o.Journal, c.log)
		if err != nil {
			return nil, err
		}
		c.journal = j
		c.resume(owing)
	}
	return c, nil
}

func orDefault[T int | time.Duration](v, otherwise T) T {
	if v == 0 {
		return otherwise
	}
	return v
}

// Name is the carrier's name.
func (c *Carrier) Name() string { return c.options.Name }

// Traits says that the simulator gives receipts and reads the GSM alphabet.
func (c *Carrier) Traits() carrier.Traits {
	return carrier.Traits{Receipts: true, PartsPerSecond: c.options.PartsPerSecond}
}

// Start begins to answer. It fails when called twice or after Close.
func (c *Carrier) Start(ctx context.Context, sink carrier.Sink, changed func()) error {
	c.mu.Lock()
	if c.started || c.closing {
		c.mu.Unlock()
		return fmt.Errorf("simulator %s was started or closed before", c.options.Name)
	}
	c.started, c.sink, c.changed = true, sink, changed
	c.mu.Unlock()
	go c.work()
	context.AfterFunc(ctx, c.end)
	changed()
	return nil
}

// Room is how many parts can be handed over.
func (c *Carrier) Room() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.room()
}

func (c *Carrier) room() int {
	if !c.up() {
		return 0
	}
	return max(0, min(c.options.Window, maxOwed-c.owed)-len(c.arrived))
}

func (c *Carrier) up() bool { return c.started && !c.closing && !c.stopped && !c.faults.Down }

// Submit takes a part. The worker answers it after the faults' SubmitDelay.
func (c *Carrier) Submit(p carrier.Part, done func(carrier.Outcome)) {
	c.mu.Lock()
	if !c.up() {
		detail := c.detail()
		c.mu.Unlock()
		done(carrier.Outcome{Kind: carrier.OtherRoute, Code: CodeDown, Detail: detail})
		return
	}
	if c.room() == 0 {
		c.mu.Unlock()
		done(carrier.Outcome{Kind: carrier.RetryLater, Code: CodeFull, Detail: "the simulator's window is full"})
		return
	}
	c.arrived = append(c.arrived, submission{part: p, done: done, at: time.Now()})
	c.mu.Unlock()
	c.nudge()
}

// State is up from Start to Close, but for the Down fault.
func (c *Carrier) State() carrier.State {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.up() {
		return carrier.State{Up: true, Sessions: 1}
	}
	return carrier.State{Detail: c.detail()}
}

func (c *Carrier) detail() string {
	switch {
	case !c.started:
		return "the simulator is not started"
	case c.closing, c.stopped:
		return "the simulator is closed"
	case c.faults.Down:
		return "an operator has taken the simulator down"
	}
	return ""
}

// Faults are those in force.
func (c *Carrier) Faults() Faults {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.faults
}

// SetFaults puts f in force at once, also for parts that wait for their answer.
// Receipts already due at a time keep it. It changes nothing if f is not valid.
func (c *Carrier) SetFaults(f Faults) error {
	if err := f.Validate(); err != nil {
		return fmt.Errorf("simulator %s: faults: %w", c.options.Name, err)
	}
	c.mu.Lock()
	c.faults = f
	changed := c.changed
	c.mu.Unlock()
	c.nudge()
	if changed != nil {
		changed()
	}
	return nil
}

// Delivered shows what handsets received, the latest first, at most limit parts.
func (c *Carrier) Delivered(limit int) []DeliveredPart {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.handset.latest(limit)
}

// Owed is how many receipts are still to be given or acknowledged.
func (c *Carrier) Owed() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.owed
}

// Close lets parts be answered and receipts in the sink's hands be acknowledged
// until ctx ends; what is unanswered then is Unknown. Receipts that are owed stay
// in the journal. It returns the journal's error, if any.
func (c *Carrier) Close(ctx context.Context) error {
	c.mu.Lock()
	first, running := !c.closing, c.started
	c.closing = true
	c.mu.Unlock()
	if first && running {
		c.changed()
		defer context.AfterFunc(ctx, c.end)()
		c.nudge()
		c.mu.Lock()
		for !c.stopped && len(c.arrived)+c.answering+c.unsettled > 0 {
			c.progress.Wait()
		}
		c.mu.Unlock()
		c.end()
	}
	if running {
		<-c.ended
	}
	if !first {
		return nil
	}
	return c.journal.close()
}

// end makes the worker answer what is left and return.
func (c *Carrier) end() {
	c.mu.Lock()
	if c.stopped {
		c.mu.Unlock()
		return
	}
	c.stopped = true
	close(c.stop)
	c.progress.Broadcast()
	c.mu.Unlock()
	c.changed()
}

func (c *Carrier) nudge() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}
