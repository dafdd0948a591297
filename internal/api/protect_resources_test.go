package api_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	smsvoice "github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
	"github.com/aws/smithy-go"

	"heliograph/internal/api"
	"heliograph/internal/sms"
)

// What the operations of protect configurations and message feedback act on is known
// before they are permitted.
func TestResourcesOfProtectConfigurations(t *testing.T) {
	url, directory := startServer(t, func(o *api.Options) { o.Keys, o.Feedback = userKey{}, &feedback{} })
	c := &customer{t: t, directory: directory, Client: smsvoice.New(smsvoice.Options{Region: customerRegion, BaseEndpoint: &url, Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider(rootAccessKey, rootSecret, "")})}
	ctx := t.Context()
	id, number, set := &noProtect, new("+447946000001"), new("alerts")
	one, setARN := c.arn(sms.TypeProtectConfiguration, noProtect), c.arn(sms.TypeConfigurationSet, "alerts")
	for operation, test := range map[string]struct {
		resource string
		call     func() error
	}{
		"CreateProtectConfiguration": {c.arn(sms.TypeProtectConfiguration, "*"), func() error {
			_, err := c.CreateProtectConfiguration(ctx, &smsvoice.CreateProtectConfigurationInput{})
			return err
		}},
		"DescribeProtectConfigurations": {one, func() error {
			_, err := c.DescribeProtectConfigurations(ctx, &smsvoice.DescribeProtectConfigurationsInput{ProtectConfigurationIds: []string{noProtect}})
			return err
		}},
		"UpdateProtectConfiguration": {one, func() error {
			_, err := c.UpdateProtectConfiguration(ctx, &smsvoice.UpdateProtectConfigurationInput{ProtectConfigurationId: &one})
			return err
		}},
		"DeleteProtectConfiguration": {one, func() error {
			_, err := c.DeleteProtectConfiguration(ctx, &smsvoice.DeleteProtectConfigurationInput{ProtectConfigurationId: id})
			return err
		}},
		"GetProtectConfigurationCountryRuleSet": {one, func() error {
			_, err := c.GetProtectConfigurationCountryRuleSet(ctx, &smsvoice.GetProtectConfigurationCountryRuleSetInput{ProtectConfigurationId: id, NumberCapability: "SMS"})
			return err
		}},
		"UpdateProtectConfigurationCountryRuleSet": {one, func() error {
			_, err := c.UpdateProtectConfigurationCountryRuleSet(ctx, &smsvoice.UpdateProtectConfigurationCountryRuleSetInput{ProtectConfigurationId: id,
				NumberCapability: "SMS", CountryRuleSetUpdates: countryRules{"FR": rule("BLOCK")}})
			return err
		}},
		"AssociateProtectConfiguration": {one, func() error {
			_, err := c.AssociateProtectConfiguration(ctx, &smsvoice.AssociateProtectConfigurationInput{ProtectConfigurationId: id, ConfigurationSetName: set})
			return err
		}},
		"DisassociateProtectConfiguration": {one, func() error {
			_, err := c.DisassociateProtectConfiguration(ctx, &smsvoice.DisassociateProtectConfigurationInput{ProtectConfigurationId: id, ConfigurationSetName: set})
			return err
		}},
		"SetAccountDefaultProtectConfiguration": {one, func() error {
			_, err := c.SetAccountDefaultProtectConfiguration(ctx, &smsvoice.SetAccountDefaultProtectConfigurationInput{ProtectConfigurationId: id})
			return err
		}},
		"DeleteAccountDefaultProtectConfiguration": {"*", func() error {
			_, err := c.DeleteAccountDefaultProtectConfiguration(ctx, &smsvoice.DeleteAccountDefaultProtectConfigurationInput{})
			return err
		}},
		"PutProtectConfigurationRuleSetNumberOverride":    {one, func() error { return putOverride(c, noProtect, *number, nil) }},
		"DeleteProtectConfigurationRuleSetNumberOverride": {one, func() error { return deleteOverride(c, noProtect, *number) }},
		"ListProtectConfigurationRuleSetNumberOverrides":  {one, func() error { return listOverrides(c, noProtect, "", "") }},
		"SetDefaultMessageFeedbackEnabled": {setARN, func() error {
			_, err := c.SetDefaultMessageFeedbackEnabled(ctx, &smsvoice.SetDefaultMessageFeedbackEnabledInput{ConfigurationSetName: set, MessageFeedbackEnabled: new(true)})
			return err
		}},
		"PutMessageFeedback": {c.arn(sms.TypeMessage, "m-1"), func() error {
			_, err := c.PutMessageFeedback(ctx, &smsvoice.PutMessageFeedbackInput{MessageId: new("m-1"), MessageFeedbackStatus: "FAILED"})
			return err
		}},
	} {
		var denied smithy.APIError
		if err := test.call(); !errors.As(err, &denied) || denied.ErrorCode() != "AccessDeniedException" {
			t.Errorf("%s is not denied: %v", operation, err)
			continue
		}
		if want := "perform: sms-voice:" + operation + " on resource: " + test.resource + " because "; !strings.Contains(denied.ErrorMessage(), want) {
			t.Errorf("%s: %s, want ... %s", operation, denied.ErrorMessage(), want)
		}
	}
}
