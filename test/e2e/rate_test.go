package e2e

import (
	"context"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	api "github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
)

// TestRate has a lane of 10 parts a second send to as many recipients as parts,
// while a lane of 1,000 runs beside it. At full length the whole of it is held to
// within one per cent and each second to at most 11 parts; the short run only
// allows for what a busy machine does to the times of arrival.
func TestRate(t *testing.T) {
	t.Parallel()
	parts, most := 50, 15
	if full {
		parts, most = 600, 11
	}
	centre := newCentre(t, 0, -1)
	s := start(t, lanesConfiguration(centre.address, 10, 1000))
	c := s.client()
	leaseLanes(t, c, 2)

	// A second client keeps the fast lane full.
	ctx, end := context.WithCancel(t.Context())
	var sending sync.WaitGroup
	defer sending.Wait()
	defer end()
	for worker := range 8 {
		sending.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				c.SendTextMessage(ctx, &api.SendTextMessageInput{DestinationPhoneNumber: aws.String(recipient(1000 + worker*1000 + i%1000)),
					OriginationIdentity: aws.String("+" + lane(1)), MessageBody: aws.String("fast")})
			}
		})
	}
	for i := range parts {
		send(t, c, &api.SendTextMessageInput{DestinationPhoneNumber: aws.String(recipient(i)),
			OriginationIdentity: aws.String("+" + lane(0)), MessageBody: aws.String("slow")})
	}
	var slow []time.Time
	fast := 0
	deadline := time.Now().Add(patience + time.Duration(parts)*100*time.Millisecond)
	for len(slow) < parts {
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d parts arrived in time", len(slow), parts)
		}
		time.Sleep(100 * time.Millisecond)
		slow, fast = slow[:0], 0
		for _, p := range centre.arrivals() {
			if p.from == lane(0) {
				slow = append(slow, p.at)
			}
		}
	}
	for _, p := range centre.arrivals() {
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
