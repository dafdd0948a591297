package api_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	smsvoice "github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
	"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2/types"
	"github.com/aws/smithy-go"

	"heliograph/internal/api"
	"heliograph/internal/api/sigv4"
	"heliograph/internal/iam"
	"heliograph/internal/sms"
)

// userKey is the root's key in the hands of a user who may do nothing.
type userKey struct{}

func (userKey) Lookup(ctx context.Context, accessKeyID, sessionToken string) (sigv4.Credential, error) {
	c, err := rootKey{}.Lookup(ctx, accessKeyID, sessionToken)
	c.Principal = "arn:aws:iam::" + customerAccount + ":user/nobody"
	c.Identity = &iam.Identity{Principal: iam.Principal{Type: iam.UserType, ARN: c.Principal, Account: customerAccount}}
	return c, err
}

// What an operation acts on is known before it is permitted.
func TestResourcesThatOperationsActOn(t *testing.T) {
	url, directory := startServer(t, func(o *api.Options) { o.Keys = userKey{} })
	c := &customer{t: t, directory: directory, Client: smsvoice.New(smsvoice.Options{Region: customerRegion, BaseEndpoint: &url, Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider(rootAccessKey, rootSecret, "")})}
	number := c.number()
	c.senderID("HELIO", "GB")
	ctx := t.Context()
	anyARN := c.arn(sms.TypeSenderID, "")
	numberARN, senderARN := c.arn(sms.TypePhoneNumber, number), c.arn(sms.TypeSenderID, "HELIO/GB")
	poolARN, setARN := c.arn(sms.TypePool, noPool), c.arn(sms.TypeConfigurationSet, "alerts")
	set, event := new("alerts"), new("log")
	list, listARN := new("Alerts"), c.arn(sms.TypeOptOutList, "Alerts")

	for _, test := range []struct {
		operation, resource string
		call                func() error
	}{
		{"CreatePool", numberARN, func() error { return createPool(c, smsvoice.CreatePoolInput{OriginationIdentity: &number}) }},
		{"CreatePool", numberARN, func() error { return createPool(c, smsvoice.CreatePoolInput{OriginationIdentity: &numberARN}) }},
		{"CreatePool", anyARN + "HELIO/*", func() error { return createPool(c, smsvoice.CreatePoolInput{OriginationIdentity: new("HELIO")}) }},
		{"CreatePool", anyARN + "NOBODY/*", func() error { return createPool(c, smsvoice.CreatePoolInput{OriginationIdentity: new("NOBODY")}) }},
		{"CreatePool", senderARN, func() error {
			return createPool(c, smsvoice.CreatePoolInput{OriginationIdentity: new("HELIO"), IsoCountryCode: new("GB")})
		}},
		{"DescribePools", "*", func() error { return describePools(c, smsvoice.DescribePoolsInput{}) }},
		{"DescribePools", poolARN, func() error { return describePools(c, smsvoice.DescribePoolsInput{PoolIds: []string{noPool}}) }},
		{"UpdatePool", poolARN, func() error { return updatePool(c, smsvoice.UpdatePoolInput{PoolId: &poolARN}) }},
		{"DeletePool", poolARN, func() error { return deletePool(c, noPool) }},
		{"AssociateOriginationIdentity", anyARN + "HELIO/*", func() error { return associate(c, noPool, "HELIO") }},
		{"DisassociateOriginationIdentity", numberARN, func() error { return disassociate(c, noPool, number) }},
		{"ListPoolOriginationIdentities", poolARN, func() error {
			_, err := c.ListPoolOriginationIdentities(ctx, &smsvoice.ListPoolOriginationIdentitiesInput{PoolId: &noPool})
			return err
		}},
		{"CreateConfigurationSet", setARN, func() error {
			_, err := c.CreateConfigurationSet(ctx, &smsvoice.CreateConfigurationSetInput{ConfigurationSetName: set})
			return err
		}},
		{"DescribeConfigurationSets", setARN, func() error {
			_, err := c.DescribeConfigurationSets(ctx, &smsvoice.DescribeConfigurationSetsInput{ConfigurationSetNames: []string{*set}})
			return err
		}},
		{"DeleteConfigurationSet", setARN, func() error {
			_, err := c.DeleteConfigurationSet(ctx, &smsvoice.DeleteConfigurationSetInput{ConfigurationSetName: &setARN})
			return err
		}},
		{"SetDefaultMessageType", setARN, func() error {
			_, err := c.SetDefaultMessageType(ctx, &smsvoice.SetDefaultMessageTypeInput{ConfigurationSetName: set, MessageType: types.MessageTypePromotional})
			return err
		}},
		{"DeleteDefaultMessageType", setARN, func() error {
			_, err := c.DeleteDefaultMessageType(ctx, &smsvoice.DeleteDefaultMessageTypeInput{ConfigurationSetName: set})
			return err
		}},
		{"SetDefaultSenderId", setARN, func() error {
			_, err := c.SetDefaultSenderId(ctx, &smsvoice.SetDefaultSenderIdInput{ConfigurationSetName: set, SenderId: new("HELIO")})
			return err
		}},
		{"DeleteDefaultSenderId", setARN, func() error {
			_, err := c.DeleteDefaultSenderId(ctx, &smsvoice.DeleteDefaultSenderIdInput{ConfigurationSetName: set})
			return err
		}},
		{"CreateEventDestination", setARN, func() error {
			return createDestination(c, smsvoice.CreateEventDestinationInput{ConfigurationSetName: set})
		}},
		{"UpdateEventDestination", setARN, func() error {
			return updateDestination(c, smsvoice.UpdateEventDestinationInput{ConfigurationSetName: set})
		}},
		{"DeleteEventDestination", setARN, func() error {
			_, err := c.DeleteEventDestination(ctx, &smsvoice.DeleteEventDestinationInput{ConfigurationSetName: set, EventDestinationName: event})
			return err
		}},
		{"CreateOptOutList", listARN, func() error {
			_, err := c.CreateOptOutList(ctx, &smsvoice.CreateOptOutListInput{OptOutListName: list})
			return err
		}},
		{"DescribeOptOutLists", listARN, func() error {
			_, err := c.DescribeOptOutLists(ctx, &smsvoice.DescribeOptOutListsInput{OptOutListNames: []string{*list}})
			return err
		}},
		{"DescribeOptOutLists", "*", func() error {
			_, err := c.DescribeOptOutLists(ctx, &smsvoice.DescribeOptOutListsInput{})
			return err
		}},
		{"DeleteOptOutList", listARN, func() error {
			_, err := c.DeleteOptOutList(ctx, &smsvoice.DeleteOptOutListInput{OptOutListName: &listARN})
			return err
		}},
		{"PutOptedOutNumber", listARN, func() error { return putOptedOut(c, *list, "+12065550123") }},
		{"DescribeOptedOutNumbers", listARN, func() error {
			_, err := c.DescribeOptedOutNumbers(ctx, &smsvoice.DescribeOptedOutNumbersInput{OptOutListName: list})
			return err
		}},
		{"DeleteOptedOutNumber", listARN, func() error { return deleteOptedOut(c, *list, "+12065550123") }},
		{"PutKeyword", numberARN, func() error { return putKeyword(c, number, "JOIN", "hi") }},
		{"PutKeyword", poolARN, func() error { return putKeyword(c, poolARN, "JOIN", "hi") }},
		{"DescribeKeywords", poolARN, func() error {
			_, err := c.DescribeKeywords(ctx, &smsvoice.DescribeKeywordsInput{OriginationIdentity: &noPool})
			return err
		}},
		{"DeleteKeyword", numberARN, func() error { return deleteKeyword(c, numberARN, "JOIN") }},
		{"TagResource", poolARN, func() error {
			_, err := c.TagResource(ctx, &smsvoice.TagResourceInput{ResourceArn: &poolARN, Tags: tags("a", "1")})
			return err
		}},
		{"UntagResource", poolARN, func() error {
			_, err := c.UntagResource(ctx, &smsvoice.UntagResourceInput{ResourceArn: &poolARN, TagKeys: []string{"a"}})
			return err
		}},
		{"ListTagsForResource", poolARN, func() error {
			_, err := c.ListTagsForResource(ctx, &smsvoice.ListTagsForResourceInput{ResourceArn: &poolARN})
			return err
		}},
		{"DescribeAccountAttributes", "*", func() error {
			_, err := c.DescribeAccountAttributes(ctx, &smsvoice.DescribeAccountAttributesInput{})
			return err
		}},
		{"DescribeAccountLimits", "*", func() error {
			_, err := c.DescribeAccountLimits(ctx, &smsvoice.DescribeAccountLimitsInput{})
			return err
		}},
	} {
		var denied smithy.APIError
		if err := test.call(); !errors.As(err, &denied) || denied.ErrorCode() != "AccessDeniedException" {
			t.Errorf("%s is not denied: %v", test.operation, err)
			continue
		}
		if want := "perform: sms-voice:" + test.operation + " on resource: " + test.resource + " because "; !strings.Contains(denied.ErrorMessage(), want) {
			t.Errorf("%s: %s, want ... %s", test.operation, denied.ErrorMessage(), want)
		}
	}
}
