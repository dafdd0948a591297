package app

import (
	"fmt"
	"strings"

	"heliograph/internal/destination"
	"heliograph/internal/embedded/cloudwatchlogs"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

// Names of event sets besides those of configuration sets, which have no colon.
const (
	twoWaySet = "two-way:" // and the id of a phone number
	topicSet  = "topic:"   // and the name of an embedded topic
)

// destinations are where the events of a set go.
func (s *service) destinations(account, set string) []sms.EventDestination {
	snapshot := s.directory.Account(account)
	if snapshot == nil {
		return nil
	}
	var configured []sms.EventDestination
	switch kind, name, special := strings.Cut(set, ":"); {
	case !special:
		if item := snapshot.ConfigurationSets.Get(set); item != nil {
			configured = item.Value.Destinations
		}
	case kind+":" == twoWaySet:
		configured = twoWayChannel(snapshot, name)
	case kind+":" == topicSet && s.cfg.AWS.EndpointURL == "":
		return subscribers(snapshot, "", name)
	}
	if s.cfg.AWS.EndpointURL != "" {
		return configured
	}
	var all []sms.EventDestination
	for i := range configured {
		all = append(all, configured[i])
		all = append(all, embedded(snapshot, &configured[i])...)
	}
	return all
}

// twoWayChannel is the channel of a phone number as a destination.
func twoWayChannel(s *resources.Snapshot, id string) []sms.EventDestination {
	item := s.PhoneNumbers.Get(id)
	if item == nil || !item.Value.TwoWay.Enabled {
		return nil
	}
	t := item.Value.TwoWay
	d := sms.EventDestination{Name: "two-way", Enabled: true, EventTypes: []string{"ALL"}}
	if strings.Contains(t.ChannelARN, ":sns:") {
		d.SNS = &sms.SNSDestination{TopicARN: t.ChannelARN}
	} else {
		d.Connect = &sms.ConnectDestination{Channel: t.ChannelARN, Role: t.ChannelRole, PhoneNumber: s.ARN(sms.TypePhoneNumber, id)}
	}
	return []sms.EventDestination{d}
}

// embedded are the places in embedded services that a destination's events go to
// besides the local log, as far as they are there.
func embedded(s *resources.Snapshot, d *sms.EventDestination) []sms.EventDestination {
	within := func(suffix, service, id string) sms.EventDestination {
		return sms.EventDestination{Name: d.Name + ":" + suffix, Enabled: d.Enabled, EventTypes: d.EventTypes,
			Embedded: &sms.EmbeddedDestination{Service: service, ID: id}}
	}
	switch {
	case d.CloudWatchLogs != nil:
		name := strings.TrimSuffix(ownName(s, "logs", "log-group:", d.CloudWatchLogs.LogGroupARN), ":*")
		if s.LogGroups.Get(name) != nil {
			return []sms.EventDestination{within("logs", "logs", name)}
		}
	case d.Firehose != nil:
		name := ownName(s, "firehose", "deliverystream/", d.Firehose.DeliveryStreamARN)
		if s.DeliveryStreams.Get(name) != nil {
			return []sms.EventDestination{within("stream", "firehose", name)}
		}
	case d.SNS != nil:
		name := ownName(s, "sns", "", d.SNS.TopicARN)
		if s.Topics.Get(name) == nil {
			return nil
		}
		all := subscribers(s, d.Name+":", name)
		for i := range all {
			all[i].Enabled, all[i].EventTypes = d.Enabled, d.EventTypes
		}
		return all
	}
	return nil
}

// ownName is the name in an ARN of a service, which follows kind, where the ARN is of the
// account itself in this installation's partition and region; "" for any other.
func ownName(s *resources.Snapshot, service, kind, arn string) string {
	fields := strings.SplitN(arn, ":", 6)
	if len(fields) != 6 || fields[0] != "arn" || fields[2] != service || fields[4] != s.Account.ID ||
		!s.Local(sms.ARN{Partition: fields[1], Region: fields[3]}) {
		return ""
	}
	name, found := strings.CutPrefix(fields[5], kind)
	if !found {
		return ""
	}
	return name
}

// subscribers are the confirmed subscriptions of an embedded topic.
func subscribers(s *resources.Snapshot, prefix, topic string) []sms.EventDestination {
	var all []sms.EventDestination
	for _, item := range s.Subscriptions.All() {
		if v := &item.Value; v.Topic == topic && v.Confirmed {
			all = append(all, sms.EventDestination{Name: prefix + v.ID, Enabled: true, EventTypes: []string{"ALL"},
				Embedded: &sms.EmbeddedDestination{Service: "sns", ID: v.ID}})
		}
	}
	return all
}

// embeddedPublisher makes the publisher of a place in an embedded service.
func (s *service) embeddedPublisher(account string, d sms.EmbeddedDestination) (destination.Publisher, error) {
	switch d.Service {
	case "logs":
		return cloudwatchlogs.NewPublisher(s.directory, s.committer, account, d.ID), nil
	case "sns":
		return s.topics.subscribers.Publisher(account, d.ID), nil
	case "firehose":
		return s.streams.Publisher(account, d.ID), nil
	}
	return nil, fmt.Errorf("no embedded service %q", d.Service)
}
