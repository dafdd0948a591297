package audit

import (
	"encoding/json"
	"strings"
)

// namedTypes are the parameters that name resources, in lower case, with CloudFormation's
// names of the resources' types.
var namedTypes = map[string]string{
	"configurationsetname": "AWS::SMSVOICE::ConfigurationSet", "poolid": "AWS::SMSVOICE::Pool", "phonenumberid": "AWS::SMSVOICE::PhoneNumber",
	"senderid": "AWS::SMSVOICE::SenderId", "optoutlistname": "AWS::SMSVOICE::OptOutList", "protectconfigurationid": "AWS::SMSVOICE::ProtectConfiguration",
	"originationidentity": "AWS::SMSVOICE::OriginationIdentity", "eventdestinationname": "AWS::SMSVOICE::EventDestination",
	"verifieddestinationnumberid": "AWS::SMSVOICE::VerifiedDestinationNumber", "registrationid": "AWS::SMSVOICE::Registration",
	"username": "AWS::IAM::User", "rolename": "AWS::IAM::Role", "groupname": "AWS::IAM::Group", "policyarn": "AWS::IAM::Policy",
	"accesskeyid": "AWS::IAM::AccessKey", "rolearn": "AWS::IAM::Role",
	"topicarn": "AWS::SNS::Topic", "subscriptionarn": "AWS::SNS::Subscription", "loggroupname": "AWS::Logs::LogGroup",
	"deliverystreamname": "AWS::KinesisFirehose::DeliveryStream", "resourcearn": "",
}

// Named are the resources that a record's parameters name, each once; ARN is the name or
// ARN that was given.
func (r *Record) Named() (all []Resource) {
	in := json.NewDecoder(strings.NewReader(string(r.RequestParameters)))
	if start, err := in.Token(); err != nil || start != json.Delim('{') {
		return nil
	}
	for in.More() {
		name, err := in.Token()
		var value any
		if err != nil || in.Decode(&value) != nil {
			return all
		}
		text, ok := name.(string)
		if !ok {
			return all
		}
		kind, known := namedTypes[strings.ToLower(text)]
		if !known {
			// Lists: PoolIds, OptOutListNames.
			kind, known = namedTypes[strings.ToLower(strings.TrimSuffix(text, "s"))]
		}
		if !known {
			continue
		}
		values, list := value.([]any)
		if !list {
			values = []any{value}
		}
		for _, v := range values {
			if s, ok := v.(string); ok && s != "" && len(all) < maxForeign {
				of := Resource{Type: kind, ARN: s}
				if part := strings.SplitN(s, ":", 6); kind == "" && len(part) == 6 && part[2] == "sms-voice" {
					of.Type, _, _ = strings.Cut(part[5], "/")
					of.Type = resourceTypes[of.Type]
				}
				all = append(all, of)
			}
		}
	}
	return all
}
