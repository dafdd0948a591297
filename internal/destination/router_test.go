package destination

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// TestMatching: each destination gets the events it asked for, once, in the
// order of the log.
func TestMatching(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		all, failed, sent := h.destination("cs", "all", "TEXT_ALL"), h.destination("cs", "failed", "TEXT_UNREACHABLE"), h.destination("cs", "sent", "TEXT_SENT")
		other := h.destination("other", "all-2", "ALL")
		h.define("cs", sms.EventDestination{Name: "off", EventTypes: []string{"ALL"}, SNS: &sms.SNSDestination{TopicARN: "off"}})
		off := h.sink("off")
		h.start()
		ids := h.accept("cs", 3)
		others := h.accept("other", 2)
		h.accept("", 2)
		h.accept("unknown", 2)
		h.part("cs", ids[:2], sms.UpdateTaken, "")
		h.part("cs", ids[:1], sms.UpdateReceipt, sms.StatusDelivered)
		h.part("cs", ids[1:2], sms.UpdateReceipt, sms.StatusUnreachable)
		h.part("cs", ids[:1], sms.UpdateReceipt, sms.StatusUnreachable) // too late: kept in the story alone
		settle(time.Second)
		all.has(t, append(slices.Clone(ids), ids[0]+":SUCCESSFUL", ids[1]+":SUCCESSFUL", ids[0]+":DELIVERED", ids[1]+":UNREACHABLE"))
		failed.has(t, []string{ids[1] + ":UNREACHABLE"})
		other.has(t, others)
		sent.has(t, nil)
		off.has(t, nil)
		last, err := h.engine.LastSeq(t.Context(), h.fence.Slot)
		if err != nil {
			t.Fatal(err)
		}
		if h.cursor() != last {
			t.Errorf("cursor is at %d of %d", h.cursor(), last)
		}
	})
}

// TestDeadDestination: it delays nobody, holds no cursor, and gets everything in
// order once it is back; then it gets events directly again.
func TestDeadDestination(t *testing.T) {
	for name, answer := range map[string]func(context.Context, []Item) error{"refuses": down, "hangs": hang} {
		t.Run(name, func(t *testing.T) {
			inHouse(t, func(t *testing.T, h *house) {
				dead, well := h.destination("cs", "dead", "ALL"), h.destination("cs", "well", "ALL")
				dead.set(answer)
				h.start()
				var ids []string
				for range 20 {
					ids = append(ids, h.accept("cs", 300)...)
					settle(50 * time.Millisecond)
					well.has(t, ids)
					time.Sleep(time.Second)
				}
				settle(4 * time.Second)
				if at := h.cursor(); at != int64(len(ids)) {
					t.Errorf("cursor is at %d of %d", at, len(ids))
				}
				if x := h.health("dead"); x.Attached || x.Lag != int64(len(ids)) || x.LastError == "" {
					t.Errorf("health is %+v", x)
				}
				if got := h.storedLag("cs", "dead"); got != len(ids) {
					t.Errorf("the store has a lag of %d, want %d", got, len(ids))
				}
				dead.set(nil)
				settle(5 * time.Minute)
				dead.has(t, ids)
				if x := h.health("dead"); !x.Attached || x.Lag != 0 || x.LastError != "" || h.storedLag("cs", "dead") != 0 {
					t.Errorf("health is %+v", x)
				}
				ids = append(ids, h.accept("cs", 5)...)
				settle(50 * time.Millisecond)
				dead.has(t, ids)
				well.has(t, ids)
			})
		})
	}
}

// TestPausesGrow: a destination that stays down is tried less and less often,
// and in the end every five minutes.
func TestPausesGrow(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		dead := h.destination("cs", "dead", "ALL")
		dead.set(down)
		h.start()
		h.accept("cs", 1)
		settle(time.Minute)
		if _, _, tries := dead.count(); tries < 6 || tries > 10 {
			t.Errorf("%d tries in the first minute", tries)
		}
		settle(time.Hour)
		_, _, before := dead.count()
		settle(10 * time.Hour)
		if _, _, after := dead.count(); after-before < 120 || after-before > 242 {
			t.Errorf("%d tries in ten hours", after-before)
		}
	})
}

// TestStuckPublisher: one that does not return is given up, and the router stops
// all the same.
func TestStuckPublisher(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		stuck, well := h.destination("cs", "stuck", "ALL"), h.destination("cs", "well", "ALL")
		free := make(chan struct{})
		stuck.set(func(context.Context, []Item) error {
			<-free
			return nil
		})
		h.start()
		ids := h.accept("cs", 10)
		settle(5 * time.Second)
		well.has(t, ids)
		if h.cursor() != 10 || h.storedLag("cs", "stuck") != 10 {
			t.Errorf("cursor is at %d, the lag is %d", h.cursor(), h.storedLag("cs", "stuck"))
		}
		began := time.Now()
		h.stop()
		if took := time.Since(began); took > 4*time.Second {
			t.Errorf("stopping took %v", took)
		}
		close(free)
		synctest.Wait()
	})
}

// TestRestart: a router goes on where the last one stopped.
func TestRestart(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		all := h.destination("cs", "all", "ALL")
		h.start()
		ids := h.accept("cs", 100)
		settle(50 * time.Millisecond)
		h.stop()
		all.has(t, ids)
		ids = append(ids, h.accept("cs", 100)...)
		h.restart()
		ids = append(ids, h.accept("cs", 100)...)
		h.start()
		ids = append(ids, h.accept("cs", 100)...)
		settle(time.Second)
		all.has(t, ids)
	})
}

// TestStopFinishesTheBatch: what was being published when the router is told to
// stop is not published again.
func TestStopFinishesTheBatch(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		all := h.destination("cs", "all", "ALL")
		all.set(func(context.Context, []Item) error {
			time.Sleep(time.Second)
			return nil
		})
		h.start()
		ids := h.accept("cs", 1)
		synctest.Wait()
		ids = append(ids, h.accept("cs", 50)...)
		synctest.Wait()
		h.stop()
		all.has(t, ids[:1])
		h.restart()
		h.start()
		settle(3 * time.Second)
		all.has(t, ids)
	})
}

// TestCrash: what was published since the cursor's last commit is published
// again, and nothing is missing.
func TestCrash(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		all, dead := h.destination("cs", "all", "ALL"), h.destination("cs", "dead", "ALL")
		dead.set(down)
		h.start()
		ids := h.accept("cs", 10)
		settle(time.Second)
		h.refuse(store.ErrUnavailable) // as if it had died here
		ids = append(ids, h.accept("cs", 10)...)
		settle(time.Second)
		h.restart()
		h.refuse(nil)
		dead.set(nil)
		h.start()
		settle(time.Minute)
		all.has(t, append(slices.Clone(ids), ids[10:]...))
		dead.has(t, ids)
	})
}

// TestPartial: only what was not taken is published again, and what never will
// be is counted as lost.
func TestPartial(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		d := h.destination("cs", "d", "ALL")
		h.start()
		synctest.Wait()
		fail := func(_ context.Context, batch []Item) error {
			if len(batch) < 4 {
				return nil
			}
			return &Partial{Retry: []int{1, 3}, Refused: []int{2}, Err: errDown}
		}
		d.set(fail)
		h.define("cs", sms.EventDestination{Name: "gate", Enabled: true, EventTypes: []string{"ALL"}, SNS: &sms.SNSDestination{TopicARN: "gate"}})
		h.sink("gate")
		change := &store.Change{}
		var ids []string
		for range 6 {
			m := &sms.Message{ID: h.ids.Next(time.Now()), Account: account, AcceptedAt: time.Now(), ConfigurationSet: "cs", Parts: 1}
			ids = append(ids, fmt.Sprint(int64(m.ID)))
			change.Accept = append(change.Accept, store.Accepted{Message: m, Queued: store.Queued{ID: m.ID, Parts: 1}})
		}
		if err := h.committer.Commit(change); err != nil {
			t.Fatal(err)
		}
		settle(time.Minute)
		d.has(t, []string{ids[0], ids[4], ids[5], ids[1], ids[3]})
		if s := h.router.Stats(); s.Lost != 1 || s.Published != 11 || s.Detached != 1 {
			t.Errorf("stats are %+v", s)
		}
	})
}

// TestCatchUp: a long log is read from the store without the destinations being
// detached for it, while new events come in.
func TestCatchUp(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		all := h.destination("cs", "all", "ALL")
		all.set(func(context.Context, []Item) error {
			time.Sleep(20 * time.Millisecond)
			return nil
		})
		ids := h.accept("cs", tailEvents+9000)
		h.start()
		ids = append(ids, h.accept("cs", 5000)...)
		settle(10 * time.Second)
		all.has(t, ids)
		if s := h.router.Stats(); s.Detached != 0 || s.Uncommitted != 0 || s.Pending != 0 {
			t.Errorf("stats are %+v", s)
		}
	})
}

// TestSlowDestination: one that cannot keep up is served from its lag, in order
// and without copies, and nobody waits for it.
func TestSlowDestination(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		slow, well := h.destination("cs", "slow", "ALL"), h.destination("cs", "well", "ALL")
		slow.set(func(context.Context, []Item) error {
			time.Sleep(1500 * time.Millisecond)
			return nil
		})
		h.start()
		var ids []string
		for range 40 {
			ids = append(ids, h.accept("cs", 500)...)
			settle(50 * time.Millisecond)
			well.has(t, ids)
			time.Sleep(200 * time.Millisecond)
		}
		if s := h.router.Stats(); s.Detached == 0 || s.Uncommitted > 8_000 {
			t.Errorf("stats are %+v", s)
		}
		settle(2 * time.Minute)
		slow.has(t, ids)
	})
}

// TestCursorCannotBeCommitted: events are published meanwhile, and the cursor
// follows when the store takes it again.
func TestCursorCannotBeCommitted(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		all, dead := h.destination("cs", "all", "ALL"), h.destination("cs", "dead", "ALL")
		dead.set(down)
		h.refuse(store.ErrFull)
		h.start()
		ids := h.accept("cs", 3000)
		settle(time.Minute)
		all.has(t, ids)
		if h.cursor() != 0 {
			t.Errorf("cursor is at %d", h.cursor())
		}
		h.refuse(nil)
		settle(time.Second)
		if h.cursor() != 3000 || h.storedLag("cs", "dead") != 3000 {
			t.Errorf("cursor is at %d, the lag is %d", h.cursor(), h.storedLag("cs", "dead"))
		}
		dead.set(nil)
		settle(5 * time.Minute)
		dead.has(t, ids)
	})
}

// TestNothingIsLost drives destinations that fail at random, with restarts and
// crashes in between. Every event has to come at least once, and for the first
// time in the order of the log.
func TestNothingIsLost(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			inHouse(t, func(t *testing.T, h *house) {
				random := rand.New(rand.NewPCG(seed, 1))
				names := []string{"a", "b", "c"}
				var sinks []*sink
				for _, name := range names {
					sinks = append(sinks, h.destination("cs", name, "ALL"))
				}
				h.start()
				var ids []string
				for range 50 {
					ids = append(ids, h.accept("cs", random.IntN(250))...)
					s := sinks[random.IntN(len(sinks))]
					switch random.IntN(8) {
					case 0, 1:
						s.set(down)
					case 2:
						s.set(hang)
					case 3:
						wait := time.Duration(random.IntN(2500)) * time.Millisecond
						s.set(func(ctx context.Context, _ []Item) error {
							time.Sleep(wait)
							return ctx.Err()
						})
					case 4, 5:
						s.set(nil)
					case 6:
						h.restart()
						h.start()
					case 7:
						h.refuse(store.ErrUnavailable)
						settle(time.Duration(random.IntN(1000)) * time.Millisecond)
						h.restart()
						h.refuse(nil)
						h.start()
					}
					settle(time.Duration(random.IntN(3000)) * time.Millisecond)
				}
				for _, s := range sinks {
					s.set(nil)
				}
				settle(15 * time.Minute)
				for i, s := range sinks {
					var first []string
					seen := map[string]bool{}
					for _, id := range s.all() {
						if !seen[id] {
							seen[id] = true
							first = append(first, id)
						}
					}
					if !slices.Equal(first, ids) {
						t.Errorf("%s: %d events of %d, different at %d", names[i], len(first), len(ids), differ(first, ids))
					}
				}
				if s := h.router.Stats(); s.Uncommitted != 0 || s.Pending != 0 || s.Lost != 0 {
					t.Errorf("stats are %+v", s)
				}
			})
		})
	}
}

type brokenLog struct{ Log }

func (brokenLog) Cursors(context.Context) ([]store.Cursor, error) { return nil, store.ErrUnavailable }

func TestRunReportsAnUnreadableCursor(t *testing.T) {
	r := NewRouter(Options{Log: brokenLog{}})
	if err := r.Run(t.Context(), nil); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}
