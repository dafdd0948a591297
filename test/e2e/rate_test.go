package e2e

import (
	"fmt"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	api "github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
)

// TestRate has a lane of 10 parts a second send to as many recipients as parts,
// while a lane of 1,000 runs beside it. Both have their queue before the message
// centre comes up, so that no client takes the machine's time from them. At full
// length the whole is held to within one per cent and each second to at most 11
// parts; the short run allows for what a busy machine does to times of arrival.
func TestRate(t *testing.T) {
	t.Parallel()
	parts, most := 50, 15
	if full {
		parts, most = 600, 11
	}
	centre := newCentre(t, 0, -1)
	centre.stop()
	s := start(t, lanesConfiguration(centre.Address, 10, 1000))
	c := s.client()
	leaseLanes(t, c, 2)
	sendAll(t, c, 0, parts)
	sendAll(t, c, 1, parts*100)
	centre.start()

	arrivedBy := func(number string) (n int) {
		centre.mu.Lock()
		defer centre.mu.Unlock()
		for i := range centre.parts {
			if centre.parts[i].from == number {
				n++
			}
		}
		return n
	}
	time.Sleep(time.Duration(parts) * 100 * time.Millisecond)
	eventually(t, "the slow lane's parts", func() bool { return arrivedBy(lane(0)) == parts })
	var slow []time.Time
	all := centre.arrivals()
	for _, p := range all {
		if p.from == lane(0) {
			slow = append(slow, p.at)
		}
	}
	fast := 0
	for _, p := range all {
		if p.from == lane(1) && !p.at.Before(slow[0]) && p.at.Before(slow[parts-1]) {
			fast++
		}
	}
	took := slow[parts-1].Sub(slow[0])
	ideal := time.Duration(parts-1) * 100 * time.Millisecond
	off := 100 * (took.Seconds() - ideal.Seconds()) / ideal.Seconds()
	busiest := busiestSecond(slow)
	t.Logf("%d parts in %s, %+.2f %% of the ideal %s; at most %d in a second; beside it %.0f parts a second",
		parts, took.Round(time.Millisecond), off, ideal, busiest, float64(fast)/took.Seconds())
	if took < ideal*9/10 {
		t.Errorf("%d parts in %s: faster than 10 a second", parts, took)
	}
	if busiest > most {
		t.Errorf("%d parts in one second, at most %d are allowed", busiest, most)
	}
	if full && math.Abs(off) > 1 {
		t.Errorf("%d parts in %s: off by %.2f %%", parts, took, off)
	}
	if fast < parts {
		t.Errorf("the fast lane sent %d parts meanwhile", fast)
	}
}

// sendAll sends messages over a lane, each to a recipient of its own.
func sendAll(t *testing.T, c *api.Client, over, messages int) {
	t.Helper()
	var clients sync.WaitGroup
	const workers = 16
	for worker := range workers {
		clients.Go(func() {
			for i := worker; i < messages; i += workers {
				_, err := c.SendTextMessage(t.Context(), &api.SendTextMessageInput{
					DestinationPhoneNumber: aws.String(fmt.Sprintf("+4477%02d%06d", over, i)),
					OriginationIdentity:    aws.String("+" + lane(over)), MessageBody: aws.String("Hello"),
				})
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	clients.Wait()
}

// busiestSecond is the most of these times, which ascend, in any one second.
func busiestSecond(times []time.Time) (most int) {
	first := 0
	for i, at := range times {
		for at.Sub(times[first]) >= time.Second {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}
