package e2e

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	api "github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
	"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2/types"
)

// TestProtectConfigurations: where messages may go, by the configuration that the
// request, its configuration set or the account names; what was filtered leaves for
// nowhere, costs nothing and has its events, also after a restart.
func TestProtectConfigurations(t *testing.T) {
	t.Parallel()
	s := start(t, "tier: production\n")
	c, ctx := s.client(), t.Context()
	loggingSet(t, c, "Set")
	protect := func(rules map[string]types.ProtectStatus) *string {
		id := must(c.CreateProtectConfiguration(ctx, &api.CreateProtectConfigurationInput{}))(t).ProtectConfigurationId
		updates := map[string]types.ProtectConfigurationCountryRuleSetInformation{}
		for country, status := range rules {
			updates[country] = types.ProtectConfigurationCountryRuleSetInformation{ProtectStatus: status}
		}
		must(c.UpdateProtectConfigurationCountryRuleSet(ctx, &api.UpdateProtectConfigurationCountryRuleSetInput{ProtectConfigurationId: id,
			NumberCapability: types.NumberCapabilitySms, CountryRuleSetUpdates: updates}))(t)
		return id
	}
	account := protect(map[string]types.ProtectStatus{"GB": types.ProtectStatusBlock})
	ofSet := protect(map[string]types.ProtectStatus{"GB": types.ProtectStatusMonitor, "FR": types.ProtectStatusFilter})
	named := protect(map[string]types.ProtectStatus{"FR": types.ProtectStatusBlock})
	must(c.SetAccountDefaultProtectConfiguration(ctx, &api.SetAccountDefaultProtectConfigurationInput{ProtectConfigurationId: account}))(t)
	must(c.AssociateProtectConfiguration(ctx, &api.AssociateProtectConfigurationInput{ProtectConfigurationId: ofSet, ConfigurationSetName: aws.String("Set")}))(t)
	override := func(number string, action types.ProtectConfigurationRuleOverrideAction) {
		must(c.PutProtectConfigurationRuleSetNumberOverride(ctx, &api.PutProtectConfigurationRuleSetNumberOverrideInput{ProtectConfigurationId: ofSet,
			DestinationPhoneNumber: &number, Action: action}))(t)
	}
	override("+33612345001", types.ProtectConfigurationRuleOverrideActionAllow)
	override("+447946000001", types.ProtectConfigurationRuleOverrideActionBlock)

	text := func(to string, set, protect *string) *api.SendTextMessageInput {
		return &api.SendTextMessageInput{DestinationPhoneNumber: &to, MessageBody: aws.String("Hello."), ConfigurationSetName: set, ProtectConfigurationId: protect}
	}
	refuse := func(in *api.SendTextMessageInput, reason string, id *string) {
		t.Helper()
		_, err := c.SendTextMessage(ctx, in)
		if r := refusalOf(t, err); r.Code != conflict || r.Reason != reason || r.ResourceType != "protect-configuration" || r.ResourceID != *id {
			t.Errorf("a message to %s: %+v, want %s of %s", *in.DestinationPhoneNumber, r, reason, *id)
		}
	}
	const byCountry, byNumber = "DESTINATION_COUNTRY_BLOCKED_BY_PROTECT_CONFIGURATION", "DESTINATION_PHONE_NUMBER_BLOCKED_BY_PROTECT_NUMBER_OVERRIDE"
	set := aws.String("Set")
	refuse(text("+447946000002", nil, nil), byCountry, account)
	refuse(text("+447946000001", set, nil), byNumber, ofSet)
	refuse(text("+33612345001", set, named), byCountry, named)
	send(t, c, text("+447946000001", set, named))
	send(t, c, text("+447946000002", set, nil))
	send(t, c, text("+33612345001", set, nil))
	filtered := send(t, c, text("+33612345002", set, nil))

	of := byMessage(s.untilFinal(4, "--configuration-set", "Set"))
	theStory(t, of[filtered], "TEXT_QUEUED", "TEXT_PROTECT_BLOCKED")
	for id, events := range of {
		if price := events[0].Price; (price == 0) != (id == filtered) {
			t.Errorf("a message to %s costs %v", events[0].Destination, price)
		}
	}
	if blocked := s.metric(`heliograph_protect_messages_total`); blocked != 5 { // three blocked, one monitored, one filtered
		t.Errorf("%v messages are counted that were not simply allowed", blocked)
	}
	check := func() {
		t.Helper()
		r := s.reconcile(0)
		if r.Messages.Accepted != 4 || r.Messages.Delivered != 3 || r.Messages.Failed != 1 || r.Parts.Never != 1 || r.Parts.HandedOver != 3 {
			t.Errorf("reconciled: %+v %+v", r.Messages, r.Parts)
		}
	}
	check()
	s.stop()
	s.launch()
	check()
	c = s.client()
	refuse(text("+447946000001", set, nil), byNumber, ofSet)
}

// TestMessageFeedback: what a customer says of a message is in its story, after a
// restart too, and not among its events.
func TestMessageFeedback(t *testing.T) {
	t.Parallel()
	s := start(t, "tier: production\n")
	c, ctx := s.client(), t.Context()
	lease(t, c, "US", types.RequestableNumberTypeSimulator)
	loggingSet(t, c, "Set")
	must(c.SetDefaultMessageFeedbackEnabled(ctx, &api.SetDefaultMessageFeedbackEnabledInput{ConfigurationSetName: aws.String("Set"), MessageFeedbackEnabled: aws.Bool(true)}))(t)
	text := func(enabled *bool) string {
		return send(t, c, &api.SendTextMessageInput{DestinationPhoneNumber: aws.String(successUS), MessageBody: aws.String("Your code is 123456."),
			ConfigurationSetName: aws.String("Set"), MessageFeedbackEnabled: enabled})
	}
	asked, without := text(nil), text(aws.Bool(false))
	s.untilFinal(2)
	put := func(id string, status types.MessageFeedbackStatus) error {
		_, err := c.PutMessageFeedback(ctx, &api.PutMessageFeedbackInput{MessageId: &id, MessageFeedbackStatus: status})
		return err
	}
	if r := refusalOf(t, put(without, types.MessageFeedbackStatusReceived)); r.Code != validation || r.Reason != "INVALID_REQUEST" {
		t.Errorf("feedback that nobody asked for: %+v", r)
	}
	if r := refusalOf(t, put(strings.ToUpper(asked), types.MessageFeedbackStatusReceived)); r.Code != notFound || r.ResourceType != "message" {
		t.Errorf("feedback of no message: %+v", r)
	}
	for _, status := range []types.MessageFeedbackStatus{types.MessageFeedbackStatusFailed, types.MessageFeedbackStatusReceived} {
		if err := put(asked, status); err != nil {
			t.Fatal(err)
		}
	}
	s.stop()
	s.launch()
	c = s.client()
	var story struct {
		Feedback string `json:"feedback"`
		Status   string `json:"status"`
	}
	if err := json.Unmarshal([]byte(s.run("messages", "show", asked, "--json")), &story); err != nil || story.Feedback != "RECEIVED" || story.Status != "DELIVERED" {
		t.Errorf("the story is %+v, %v", story, err)
	}
	if out := s.run("messages", "show", asked); !strings.Contains(out, "message feedback   RECEIVED") {
		t.Errorf("the story for people:\n%s", out)
	}
	theStory(t, byMessage(s.events("--configuration-set", "Set"))[asked], "TEXT_QUEUED", "TEXT_SUCCESSFUL", "TEXT_DELIVERED")
	if err := put(asked, types.MessageFeedbackStatusReceived); err != nil {
		t.Errorf("what was said before the restart, again: %v", err)
	}
	if n := s.metric("heliograph_message_feedback_total"); n != 0 {
		t.Errorf("%v are counted of what was said already", n)
	}
	s.reconcile(0)
}
