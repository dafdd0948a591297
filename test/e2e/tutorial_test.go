package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	api "github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
	"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2/types"
)

// TestTutorial follows the guide's first tutorial (chapter 3) with the built-in
// configuration, through the AWS SDK for Go.
func TestTutorial(t *testing.T) {
	t.Parallel()
	s := start(t, "")
	c := s.client()
	number := lease(t, c, "US", types.RequestableNumberTypeSimulator)
	if number.Status != types.NumberStatusActive {
		t.Fatalf("the simulator number is %s", number.Status)
	}
	pool := must(c.CreatePool(t.Context(), &api.CreatePoolInput{
		OriginationIdentity: number.PhoneNumberId, IsoCountryCode: aws.String("US"), MessageType: types.MessageTypeTransactional,
	}))(t)
	loggingSet(t, c, "Tutorial")
	delivered := send(t, c, &api.SendTextMessageInput{
		DestinationPhoneNumber: aws.String(successUS), OriginationIdentity: pool.PoolId, ConfigurationSetName: aws.String("Tutorial"),
		MessageBody: aws.String("A first message."), Context: map[string]string{"step": "3"},
	})
	failed := send(t, c, &api.SendTextMessageInput{
		DestinationPhoneNumber: aws.String(failureUS), OriginationIdentity: pool.PoolArn, ConfigurationSetName: aws.String("Tutorial"),
		MessageBody: aws.String("A message that fails."),
	})
	of := byMessage(s.untilFinal(2, "--configuration-set", "Tutorial"))
	if len(of) != 2 {
		t.Errorf("events of %d messages", len(of))
	}
	theStory(t, of[delivered], "TEXT_QUEUED", "TEXT_SUCCESSFUL", "TEXT_DELIVERED")
	theStory(t, of[failed], "TEXT_QUEUED", "TEXT_SUCCESSFUL", "TEXT_UNREACHABLE")
	for _, e := range of[delivered] {
		if e.Origination != *number.PhoneNumber || e.Destination != successUS || e.Country != "US" || e.Encoding != "GSM" ||
			e.MessageType != "TRANSACTIONAL" || e.Parts != 1 || e.Context["step"] != "3" || e.Version != "1.0" {
			t.Errorf("event %+v", e)
		}
	}
	if other := s.events("--configuration-set", "Other"); len(other) != 0 {
		t.Errorf("another configuration set has events: %+v", other)
	}
	if story := s.run("messages", "show", delivered); story == "" {
		t.Error("the message has no story")
	}
}
