package app

import (
	"slices"
	"testing"

	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

// embedding is a service whose account has one of each that events may go to.
func embedding(t *testing.T, s *service) (account string) {
	t.Helper()
	account = s.cfg.Account
	err := s.directory.Change(t.Context(), account, func(tx *resources.Tx) error {
		tx.LogGroups.Put("/own", sms.LogGroup{Name: "/own"})
		tx.DeliveryStreams.Put("own", sms.DeliveryStream{Name: "own"})
		tx.Topics.Put("own", sms.Topic{Name: "own"})
		tx.Subscriptions.Put("there", sms.Subscription{ID: "there", Topic: "own", Protocol: "http", Endpoint: "http://example.com/", Confirmed: true})
		tx.Subscriptions.Put("asked", sms.Subscription{ID: "asked", Topic: "own", Protocol: "http", Endpoint: "http://example.com/"})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return account
}

// TestDestinationsOfOthers: only what the account itself has in this region gets the
// events of a destination, whatever the name of another's.
func TestDestinationsOfOthers(t *testing.T) {
	s, end := serviceOf(t, t.TempDir(), carriersOfTest)
	defer end()
	account := embedding(t, s)
	group := func(d *sms.EventDestination, arn string) {
		d.CloudWatchLogs = &sms.CloudWatchLogsDestination{LogGroupARN: arn}
	}
	stream := func(d *sms.EventDestination, arn string) {
		d.Firehose = &sms.FirehoseDestination{DeliveryStreamARN: arn}
	}
	topic := func(d *sms.EventDestination, arn string) { d.SNS = &sms.SNSDestination{TopicARN: arn} }
	for _, c := range []struct {
		set  func(*sms.EventDestination, string)
		arn  string
		want string // the name of what is added to it
	}{
		{group, "arn:aws:logs:us-east-1:" + account + ":log-group:/own", "d:logs"},
		{group, "arn:aws:logs:us-east-1:" + account + ":log-group:/own:*", "d:logs"},
		{group, "arn:aws:logs:us-east-1:" + account + ":log-group:/other", ""},
		{group, "arn:aws:logs:us-east-1:999999999999:log-group:/own", ""},
		{group, "arn:aws:logs:eu-west-1:" + account + ":log-group:/own", ""},
		{group, "arn:aws-cn:logs:us-east-1:" + account + ":log-group:/own", ""},
		{stream, "arn:aws:firehose:us-east-1:" + account + ":deliverystream/own", "d:stream"},
		{stream, "arn:aws:firehose:us-east-1:999999999999:deliverystream/own", ""},
		{stream, "arn:aws:firehose:eu-west-1:" + account + ":deliverystream/own", ""},
		{stream, "arn:aws-us-gov:firehose:us-east-1:" + account + ":deliverystream/own", ""},
		{topic, "arn:aws:sns:us-east-1:" + account + ":own", "d:there"},
		{topic, "arn:aws:sns:us-east-1:999999999999:own", ""},
		{topic, "arn:aws:sns:eu-west-1:" + account + ":own", ""},
		{topic, "arn:aws-cn:sns:us-east-1:" + account + ":own", ""},
		{topic, "own", ""},
	} {
		d := sms.EventDestination{Name: "d", Enabled: true, EventTypes: []string{"TEXT_DELIVERED"}}
		c.set(&d, c.arn)
		err := s.directory.Change(t.Context(), account, func(tx *resources.Tx) error {
			tx.ConfigurationSets.Put("cs", sms.ConfigurationSet{Name: "cs", Destinations: []sms.EventDestination{d}})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, d := range s.destinations(account, "cs") {
			names = append(names, d.Name)
			if !d.Enabled || !slices.Equal(d.EventTypes, []string{"TEXT_DELIVERED"}) {
				t.Errorf("%s of %s is %+v", d.Name, c.arn, d)
			}
		}
		want := []string{"d"}
		if c.want != "" {
			want = append(want, c.want)
		}
		if !slices.Equal(names, want) {
			t.Errorf("the events of %s go to %v, want %v", c.arn, names, want)
		}
	}
}
