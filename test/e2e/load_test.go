package e2e

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	api "github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
	"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2/types"
)

// lanesConfiguration has phone numbers that send through one message centre.
func lanesConfiguration(address string, partsPerSecond ...float64) string {
	var numbers strings.Builder
	for i, rate := range partsPerSecond {
		fmt.Fprintf(&numbers, "  - {number: %q, country: GB, type: LONG_CODE, carrier: centre, parts_per_second: %g}\n", "+"+lane(i), rate)
	}
	return fmt.Sprintf(`tier: production
recipient_interval: 0s
carriers:
  - name: centre
    smpp: {address: "%s", system_id: helio, password: secret, window: %d, reconnect_max: 1s}
numbers:
%slog: {level: warn}
`, address, window, numbers.String())
}

// window is how many parts may be without an answer in the tests' one session.
const window = 100

// lane is the number of a lane as the message centre sees it.
func lane(i int) string { return fmt.Sprintf("44770090%04d", i) }

func recipient(i int) string { return fmt.Sprintf("+44770091%04d", i) }

// load is messages that were sent: each lane has its own client, which sends to
// the lane's recipients in turn. The text of a message is the count of it among
// those of its lane and recipient.
type load struct {
	mu    sync.Mutex
	taken map[string]bool // by MessageId
	keys  []string        // of the messages taken: lane, recipient and text
}

func key(from, to, text string) string { return from + "/" + to + "/" + text }

// send sends as many messages a second over each lane until ctx ends or the
// server does not answer any more. Recipients are told apart by run.
func (l *load) send(ctx context.Context, c *api.Client, lanes, recipients int, perSecond, run int) {
	var clients sync.WaitGroup
	for i := range lanes {
		clients.Go(func() {
			pace := time.NewTicker(time.Second / time.Duration(perSecond))
			defer pace.Stop()
			for n := 0; ; n++ {
				select {
				case <-ctx.Done():
					return
				case <-pace.C:
				}
				to, text := recipient((run*lanes+i)*recipients+n%recipients), strconv.Itoa(n/recipients)
				// A call is not ended with ctx: what it would have made of the message
				// is not known then.
				out, err := c.SendTextMessage(context.WithoutCancel(ctx), &api.SendTextMessageInput{
					DestinationPhoneNumber: &to, OriginationIdentity: aws.String("+" + lane(i)),
					ConfigurationSetName: aws.String("Set"), MessageBody: &text,
				})
				if err != nil {
					return
				}
				l.mu.Lock()
				l.taken[aws.ToString(out.MessageId)] = true
				l.keys = append(l.keys, key(lane(i), to[1:], text))
				l.mu.Unlock()
			}
		})
	}
	clients.Wait()
}

func newLoad() *load { return &load{taken: map[string]bool{}} }

// leaseLanes leases the numbers of the configuration and makes the configuration
// set that the load names.
func leaseLanes(t *testing.T, c *api.Client, lanes int) {
	t.Helper()
	for range lanes {
		lease(t, c, "GB", types.RequestableNumberTypeLongCode)
	}
	loggingSet(t, c, "Set")
}

// checkArrivals holds what arrived against what was taken: nothing is missing, and
// the first copies of the messages of each lane and recipient are in order. It
// gives how many arrived more than once.
func (l *load) checkArrivals(t *testing.T, parts []arrived) (copies int) {
	t.Helper()
	seen := map[string]bool{}
	last := map[string]int{}
	for _, p := range parts {
		k := key(p.from, p.to, p.text)
		if seen[k] {
			copies++
			continue
		}
		seen[k] = true
		n, err := strconv.Atoi(p.text)
		if err != nil {
			t.Fatalf("a text arrived that nobody sent: %q", p.text)
		}
		pair := p.from + "/" + p.to
		if before, ok := last[pair]; ok && n < before {
			t.Errorf("lane %s, recipient %s: message %d came after message %d", p.from, p.to, n, before)
		}
		last[pair] = n
	}
	missing := 0
	for _, k := range l.keys {
		if !seen[k] {
			missing++
		}
	}
	if missing > 0 {
		t.Errorf("%d of %d messages never arrived", missing, len(l.keys))
	}
	return copies
}

// untilEnded waits until every message that was taken has ended, and gives all
// events. A server that was killed may have accepted others, which nobody knows of.
func (l *load) untilEnded(s *server) (all []event) {
	s.t.Helper()
	eventually(s.t, "the end of all messages", func() bool {
		all = s.events()
		left := maps.Clone(l.taken)
		for _, e := range all {
			if e.Final {
				delete(left, e.MessageID)
			}
		}
		return len(left) == 0
	})
	return all
}

// checkEnds holds the events against what was taken: each message has exactly one
// final event, of this type.
func (l *load) checkEnds(t *testing.T, events []event, final string) {
	t.Helper()
	of := byMessage(events)
	wrong := 0
	for id := range l.taken {
		story := of[id]
		if finals(story) == 1 && story[len(story)-1].Final && story[len(story)-1].Type == final {
			continue
		}
		if wrong++; wrong < 5 {
			t.Errorf("message %s: %+v", id, story)
		}
	}
	if wrong > 0 {
		t.Errorf("%d of %d messages have not exactly one final event %s", wrong, len(l.taken), final)
	}
}
