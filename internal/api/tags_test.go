package api_test

import (
	"testing"

	smsvoice "github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
	"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2/types"

	"heliograph/internal/api"
	"heliograph/internal/sms"
)

// tags makes key and value pairs.
func tags(pairs ...string) []types.Tag {
	list := []types.Tag{}
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, types.Tag{Key: &pairs[i], Value: &pairs[i+1]})
	}
	return list
}

func (c *customer) tagsOf(arn string) []types.Tag {
	c.t.Helper()
	out := must(c.ListTagsForResource(c.t.Context(), &smsvoice.ListTagsForResourceInput{ResourceArn: &arn}))(c.t)
	if *out.ResourceArn != arn {
		c.t.Errorf("tags of %s are answered for %s", arn, *out.ResourceArn)
	}
	return out.Tags
}

func TestTags(t *testing.T) {
	c, ctx := newCustomer(t, api.Limits{}), t.Context()
	number := c.number()
	c.senderID("HELIO", "GB")
	c.configurationSet("alerts")
	c.optOutList("Alerts")
	for _, arn := range []string{
		c.arn(sms.TypePhoneNumber, number), c.arn(sms.TypeSenderID, "HELIO/GB"), c.arn(sms.TypePool, c.pool(number)),
		c.arn(sms.TypeConfigurationSet, "alerts"), c.arn(sms.TypeOptOutList, "Alerts"),
	} {
		same(t, "no tags", c.tagsOf(arn), tags())
		must(c.TagResource(ctx, &smsvoice.TagResourceInput{ResourceArn: &arn, Tags: tags("Name", "one", "päron", "", "a b", "c/d=e@f")}))(t)
		same(t, "tags", c.tagsOf(arn), tags("Name", "one", "a b", "c/d=e@f", "päron", ""))
		must(c.TagResource(ctx, &smsvoice.TagResourceInput{ResourceArn: &arn, Tags: tags("Name", "two", "name", "three")}))(t)
		same(t, "a tag written over", c.tagsOf(arn), tags("Name", "two", "a b", "c/d=e@f", "name", "three", "päron", ""))
		must(c.UntagResource(ctx, &smsvoice.UntagResourceInput{ResourceArn: &arn, TagKeys: []string{"a b", "päron", "absent"}}))(t)
		same(t, "tags left", c.tagsOf(arn), tags("Name", "two", "name", "three"))
	}
	if got := c.phoneNumber(number).PoolID; got == "" {
		t.Error("tagging took the number out of its pool")
	}
}

func TestTagQuota(t *testing.T) {
	c, ctx := newCustomer(t, api.Limits{}), t.Context()
	c.configurationSet("alerts")
	arn := c.arn(sms.TypeConfigurationSet, "alerts")
	must(c.TagResource(ctx, &smsvoice.TagResourceInput{ResourceArn: &arn, Tags: manyTags(50)}))(t)
	must(c.TagResource(ctx, &smsvoice.TagResourceInput{ResourceArn: &arn, Tags: manyTags(50)}))(t) // the same ones
	_, err := c.TagResource(ctx, &smsvoice.TagResourceInput{ResourceArn: &arn, Tags: manyTags(51)})
	if got := refused(t, err); got.Reason != "TAGS_PER_RESOURCE" {
		t.Errorf("a tag too many: %+v", got)
	}
	if got := c.tagsOf(arn); len(got) != 50 {
		t.Errorf("there are %d tags after a refused change", len(got))
	}
	must(c.CreateConfigurationSet(ctx, &smsvoice.CreateConfigurationSetInput{ConfigurationSetName: new("full"), Tags: manyTags(50)}))(t)
}
