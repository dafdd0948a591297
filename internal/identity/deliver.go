package identity

import (
	"fmt"
	"strings"

	"heliograph/internal/iam"
	"heliograph/internal/sms"
)

// Delivery is what the service does to hand events, or messages that came in, over to a
// destination of a customer.
type Delivery struct {
	Account string // of the configuration set, phone number or pool
	// Sources are the ARN of that, and those that stand for it as well: that a role is
	// taken on, or a topic published to, has to be allowed for one of them.
	Sources []string
	Role    string // that is taken on; empty: the policy of a topic decides
	// Needs are the actions: of each group one has to be allowed.
	Needs    [][]string
	Resource string // ARN, or "*"
}

// EventDelivery is what an event destination of a configuration set needs (guide chapter
// 10); nil where it names nothing. source is the configuration set's ARN.
func EventDelivery(account, source string, d *sms.EventDestination) *Delivery {
	by := Delivery{Account: account, Sources: []string{source}}
	switch {
	case d.CloudWatchLogs != nil:
		by.Role, by.Resource = d.CloudWatchLogs.RoleARN, strings.TrimSuffix(d.CloudWatchLogs.LogGroupARN, ":*")+":log-stream:heliograph"
		by.Needs = [][]string{{"logs:PutLogEvents"}, {"logs:CreateLogStream"}}
	case d.Firehose != nil:
		by.Role, by.Resource = d.Firehose.RoleARN, d.Firehose.DeliveryStreamARN
		by.Needs = [][]string{{"firehose:PutRecord", "firehose:PutRecordBatch"}} // the guide's example has the first alone
	case d.SNS != nil:
		by.Resource, by.Needs = d.SNS.TopicARN, [][]string{{"sns:Publish"}}
	default:
		return nil
	}
	return &by
}

// ChannelDelivery is what a two-way channel needs (guide chapter 6); nil where there is
// none, or it is one of Amazon Connect without a role, which nobody here can allow.
// sources are the ARN of the phone number, and of its pool where it is in one.
func ChannelDelivery(account string, sources []string, t sms.TwoWay) *Delivery {
	by := Delivery{Account: account, Sources: sources, Role: t.ChannelRole, Resource: t.ChannelARN}
	switch {
	case t.ChannelARN == "":
		return nil
	case strings.Contains(t.ChannelARN, ":sns:"):
		by.Needs = [][]string{{"sns:Publish"}}
	case t.ChannelRole == "":
		return nil
	default:
		by.Needs = [][]string{{"connect:SendChatIntegrationEvent"}}
		if !strings.HasPrefix(t.ChannelARN, "arn:") {
			by.Resource = "*" // the guide's name for any instance of a region
		}
	}
	return &by
}

// MayDeliver says why the service may not do what a delivery needs, as things are now;
// nil: it may.
func (a *Authority) MayDeliver(d *Delivery) error {
	topic, owner, policy := a.topic(d.Resource)
	if d.Role == "" {
		if !topic {
			return nil // of another installation, which decides itself
		}
		return d.any(func(source string) error { return a.mayPublish(d, source, owner, policy) })
	}
	for _, actions := range d.Needs {
		err := d.any(func(source string) error {
			var first error
			for _, action := range actions {
				err := a.Assumable(ServiceUse{Service: iam.ServicePrincipal, Role: d.Role, Account: d.Account, Source: source, Action: action, Resource: d.Resource, Policy: policy})
				if err == nil {
					return nil
				}
				if first == nil {
					first = err
				}
			}
			return first
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// any is the error of the first source, or nil where one of them has none.
func (d *Delivery) any(may func(source string) error) error {
	var first error
	for _, source := range d.Sources {
		err := may(source)
		if err == nil {
			return nil
		}
		if first == nil {
			first = err
		}
	}
	return first
}

// topic finds a topic of this installation with its policy, which is empty where it has
// none of its own.
func (a *Authority) topic(arn string) (there bool, owner, policy string) {
	f := strings.SplitN(arn, ":", 6)
	if len(f) != 6 || f[1] != a.Partition || f[2] != "sns" || f[3] != a.Directory.Region() {
		return false, "", ""
	}
	account := a.Directory.Account(f[4])
	if account == nil {
		return false, "", ""
	}
	topic := account.Topics.Get(f[5])
	if topic == nil {
		return false, "", ""
	}
	return true, f[4], topic.Value.Attributes["Policy"]
}

// mayPublish decides by the policy of a topic. One without a policy of its own lets the
// service publish for the account that it is of, and for no other.
func (a *Authority) mayPublish(d *Delivery, source, owner, policy string) error {
	if policy == "" {
		if owner == d.Account {
			return nil
		}
		return fmt.Errorf("the topic %s has no policy that lets %s publish for the account %s", d.Resource, iam.ServicePrincipal, d.Account)
	}
	by := &iam.Identity{Principal: iam.Principal{Type: iam.ServiceType, Service: iam.ServicePrincipal, ARN: iam.ServicePrincipal}}
	decision := a.Decide(by, d.Needs[0][0], Resource{ARN: d.Resource, Owner: owner, Policy: policy},
		iam.Circumstances{Secure: true, SourceAccount: d.Account, SourceARN: source})
	if decision.Allowed {
		return nil
	}
	return fmt.Errorf("the policy of the topic %s does not let %s publish for %s: %s", d.Resource, iam.ServicePrincipal, source, decision.Reason)
}
