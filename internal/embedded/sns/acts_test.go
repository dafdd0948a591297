package sns

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"heliograph/internal/api/service"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

func TestWhatRequestsActOn(t *testing.T) {
	r := newRig(t)
	const elsewhere, theirs = "444455556666", "arn:aws:sns:us-east-1:444455556666:theirs"
	if err := r.directory.EnsureAccount(t.Context(), elsewhere, resources.Sandbox); err != nil {
		t.Fatal(err)
	}
	err := r.directory.Change(t.Context(), elsewhere, func(tx *resources.Tx) error {
		tx.Topics.Put("theirs", sms.Topic{Name: "theirs", Attributes: map[string]string{attributePolicy: "{}"}})
		tx.Topics.SetTags("theirs", map[string]string{"team": "red"})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	c := &service.Caller{AccountID: account, Account: r.directory.Account(account)}
	for form, want := range map[string]string{
		"Action=CreateTopic&Name=a":                                    "sns:CreateTopic " + r.service.Place.topicARN(account, "a"),
		"Action=Publish&TopicArn=" + theirs:                            "sns:Publish " + theirs + " {} red",
		"Action=Publish&TargetArn=" + theirs:                           "sns:Publish " + theirs + " {} red",
		"Action=Unsubscribe&SubscriptionArn=" + theirs + ":" + newID(): "sns:Unsubscribe " + theirs + " {} red",
		"Action=Publish&PhoneNumber=%2B12065550199":                    "sns:Publish",
		"Action=ListTopics":                                            "sns:ListTopics",
		"Action=Nothing":                                               "",
		"Action=TagResource&ResourceArn=" + theirs + "&Tags.member.1.Key=a&Tags.member.1.Value=b": "sns:TagResource " + theirs + " {} red a=b",
		"Action=UntagResource&ResourceArn=" + theirs + "&TagKeys.member.1=k":                      "sns:UntagResource " + theirs + " {} red k",
	} {
		act := r.service.Acts(c, &service.Request{Method: http.MethodPost, Path: "/", Body: []byte(form), Query: url.Values{}})
		words := []string{act.Action}
		for _, on := range act.Resources {
			if strings.HasPrefix(on, theirs) {
				on = theirs
			}
			words = append(words, on)
		}
		words = append(words, act.Policy, act.ResourceTags["team"])
		for key, value := range act.RequestTags {
			words = append(words, key+"="+value)
		}
		if got := strings.Join(strings.Fields(strings.Join(append(words, act.TagKeys...), " ")), " "); got != want {
			t.Errorf("%s: %s, not %s", form, got, want)
		}
	}
}
