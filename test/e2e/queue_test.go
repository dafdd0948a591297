package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	api "github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
	"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2/types"
)

// TestFailover has a pool of two numbers on two carriers: what waits for the carrier
// that goes down leaves by the other.
func TestFailover(t *testing.T) {
	t.Parallel()
	centres := map[string]*centre{"447700900001": newCentre(t, 0, 0), "447700900002": newCentre(t, 0, 0)}
	s := start(t, fmt.Sprintf(`tier: production
failover_after: 500ms
carriers:
  - {name: one, smpp: {address: "%s", system_id: helio}}
  - {name: two, smpp: {address: "%s", system_id: helio}}
numbers:
  - {number: "+447700900001", country: GB, type: LONG_CODE, carrier: one, parts_per_second: 20}
  - {number: "+447700900002", country: GB, type: LONG_CODE, carrier: two, parts_per_second: 20}
`, centres["447700900001"].Address, centres["447700900002"].Address))
	c := s.client()
	first, second := lease(t, c, "GB", types.RequestableNumberTypeLongCode), lease(t, c, "GB", types.RequestableNumberTypeLongCode)
	pool := must(c.CreatePool(t.Context(), &api.CreatePoolInput{OriginationIdentity: first.PhoneNumberId, IsoCountryCode: aws.String("GB"),
		MessageType: types.MessageTypeTransactional}))(t).PoolId
	must(c.AssociateOriginationIdentity(t.Context(), &api.AssociateOriginationIdentityInput{PoolId: pool, OriginationIdentity: second.PhoneNumberId,
		IsoCountryCode: aws.String("GB")}))(t)
	loggingSet(t, c, "Set")
	down := strings.TrimPrefix(*first.PhoneNumber, "+")
	up := strings.TrimPrefix(*second.PhoneNumber, "+")
	eventually(t, "both carriers", func() bool { return centres[down].session() != nil && centres[up].session() != nil })

	const messages = 60
	for i := range messages {
		send(t, c, &api.SendTextMessageInput{DestinationPhoneNumber: aws.String(recipient(i)), OriginationIdentity: pool,
			ConfigurationSetName: aws.String("Set"), MessageBody: aws.String("Hello")})
	}
	eventually(t, "parts at both carriers", func() bool { return centres[down].count() > 0 && centres[up].count() > 0 })
	centres[down].stop()
	before := centres[down].count()
	reached := map[string]bool{}
	eventually(t, "all messages", func() bool {
		for _, centre := range centres {
			for _, p := range centre.arrivals() {
				reached[p.to] = true
			}
		}
		return len(reached) == messages
	})
	for _, p := range centres[up].arrivals() {
		if p.from != up {
			t.Errorf("the second carrier got a part from %s", p.from)
		}
	}
	if before == messages || s.metric("heliograph_messages_rerouted_total") == 0 {
		t.Errorf("%d of %d messages left by the first carrier; none had to move", before, messages)
	}
	copies := centres[down].count() + centres[up].count() - messages
	if counted := s.metric("heliograph_possible_duplicate_parts_total"); float64(copies) > counted {
		t.Errorf("%d parts arrived twice, and only %v are counted as possible duplicates", copies, counted)
	}
}

// TestRecipientInterval holds back messages to one recipient, and no others.
func TestRecipientInterval(t *testing.T) {
	t.Parallel()
	centre := newCentre(t, 0, -1)
	s := start(t, strings.Replace(lanesConfiguration(centre.Address, 1000), "recipient_interval: 0s\n", "", 1))
	c := s.client()
	lease(t, c, "GB", types.RequestableNumberTypeLongCode)
	eventually(t, "the carrier", func() bool { return centre.session() != nil })
	to := func(i int) {
		send(t, c, &api.SendTextMessageInput{DestinationPhoneNumber: aws.String(recipient(i)), OriginationIdentity: aws.String("+" + lane(0)),
			MessageBody: aws.String("Hello")})
	}
	for range 3 {
		to(0)
	}
	for i := range 20 {
		to(1 + i)
	}
	eventually(t, "all messages", func() bool { return centre.count() == 23 })
	var held []time.Time
	others := 0
	for _, p := range centre.arrivals() {
		if p.to == recipient(0)[1:] {
			held = append(held, p.at)
		} else if len(held) < 3 {
			others++
		}
	}
	for i := 1; i < len(held); i++ {
		// What is held to a second is the time of leaving; a part may arrive late.
		if apart := held[i].Sub(held[i-1]); apart < 700*time.Millisecond {
			t.Errorf("two messages to one recipient %s apart", apart)
		}
	}
	if others != 20 {
		t.Errorf("%d of 20 messages to others came before the last one that was held back", others)
	}
}

// TestTimeToLive ends a message that no carrier took in time.
func TestTimeToLive(t *testing.T) {
	t.Parallel()
	centre := newCentre(t, 0, 0)
	centre.stop()
	s := start(t, lanesConfiguration(centre.Address, 10))
	c := s.client()
	leaseLanes(t, c, 1)
	id := send(t, c, &api.SendTextMessageInput{DestinationPhoneNumber: aws.String(recipient(0)), OriginationIdentity: aws.String("+" + lane(0)),
		ConfigurationSetName: aws.String("Set"), MessageBody: aws.String("Hello"), TimeToLive: aws.Int32(5)})
	events := byMessage(s.untilFinal(1))[id]
	if last := events[len(events)-1]; last.Type != "TEXT_TTL_EXPIRED" || finals(events) != 1 {
		t.Errorf("events %+v", events)
	}
	if story := s.run("messages", "show", id); !strings.Contains(story, "TTL_EXPIRED (final)") {
		t.Errorf("the story is\n%s", story)
	}
	if n := centre.count(); n != 0 {
		t.Errorf("%d parts arrived", n)
	}
}
