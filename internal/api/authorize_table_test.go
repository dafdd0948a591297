package api_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"heliograph/internal/api"
	"heliograph/internal/sms"
)

// acted are the types of resource of the actions: those of the guide (chapter 14,
// "Actions for IAM policies"), in which DeleteDefaultSenderId stands at the sender ID
// by mistake and is on the configuration set; and of the operations that are newer.
var acted = map[string]string{
	"AssociateOriginationIdentity": "phone-number pool sender-id", "CreateConfigurationSet": "configuration-set",
	"CreateEventDestination": "configuration-set", "CreateOptOutList": "opt-out-list", "CreatePool": "phone-number pool sender-id",
	"CreateRegistration": "registration", "CreateRegistrationAssociation": "phone-number registration",
	"CreateRegistrationAttachment": "registration-attachment", "CreateRegistrationVersion": "registration",
	"CreateVerifiedDestinationNumber": "verified-destination-number", "DeleteConfigurationSet": "configuration-set",
	"DeleteDefaultMessageType": "configuration-set", "DeleteDefaultSenderId": "configuration-set", "DeleteEventDestination": "configuration-set",
	"DeleteKeyword": "phone-number pool", "DeleteOptedOutNumber": "opt-out-list", "DeleteOptOutList": "opt-out-list", "DeletePool": "pool",
	"DeleteRegistration": "registration", "DeleteRegistrationAttachment": "registration-attachment", "DeleteRegistrationFieldValue": "registration",
	"DeleteTextMessageSpendLimitOverride": "*", "DeleteVerifiedDestinationNumber": "verified-destination-number",
	"DeleteVoiceMessageSpendLimitOverride": "*", "DescribeAccountAttributes": "*", "DescribeAccountLimits": "*",
	"DescribeConfigurationSets": "configuration-set", "DescribeKeywords": "phone-number pool", "DescribeOptedOutNumbers": "opt-out-list",
	"DescribeOptOutLists": "opt-out-list", "DescribePhoneNumbers": "phone-number", "DescribePools": "pool",
	"DescribeRegistrationAttachments": "registration-attachment", "DescribeRegistrationFieldDefinitions": "*",
	"DescribeRegistrationFieldValues": "registration", "DescribeRegistrations": "registration", "DescribeRegistrationSectionDefinitions": "*",
	"DescribeRegistrationTypeDefinitions": "*", "DescribeRegistrationVersions": "registration", "DescribeSenderIds": "sender-id",
	"DescribeSpendLimits": "*", "DescribeVerifiedDestinationNumbers": "verified-destination-number",
	"DisassociateOriginationIdentity": "phone-number pool sender-id", "DiscardRegistrationVersion": "registration",
	"ListPoolOriginationIdentities": "pool", "ListRegistrationAssociations": "registration",
	"ListTagsForResource": "configuration-set opt-out-list phone-number pool sender-id", "PutKeyword": "phone-number pool",
	"PutOptedOutNumber": "opt-out-list", "PutRegistrationFieldValue": "registration", "ReleasePhoneNumber": "phone-number",
	"RequestPhoneNumber": "phone-number pool", "RequestSenderId": "sender-id",
	"SendDestinationNumberVerificationCode": "phone-number pool sender-id", "SendTextMessage": "phone-number pool sender-id",
	"SendVoiceMessage": "phone-number pool", "SetDefaultMessageType": "configuration-set", "SetDefaultSenderId": "configuration-set",
	"SetTextMessageSpendLimitOverride": "*", "SetVoiceMessageSpendLimitOverride": "*", "SubmitRegistrationVersion": "registration",
	"TagResource":   "configuration-set opt-out-list phone-number pool sender-id",
	"UntagResource": "configuration-set opt-out-list phone-number pool sender-id", "UpdateEventDestination": "configuration-set",
	"UpdatePhoneNumber": "phone-number", "UpdatePool": "pool", "UpdateSenderId": "sender-id", "VerifyDestinationNumber": "verified-destination-number",

	"ReleaseSenderId": "sender-id", "SetDefaultMessageFeedbackEnabled": "configuration-set", "PutMessageFeedback": "message",
	"CreateProtectConfiguration": "protect-configuration", "DescribeProtectConfigurations": "protect-configuration",
	"UpdateProtectConfiguration": "protect-configuration", "DeleteProtectConfiguration": "protect-configuration",
	"GetProtectConfigurationCountryRuleSet": "protect-configuration", "UpdateProtectConfigurationCountryRuleSet": "protect-configuration",
	"AssociateProtectConfiguration": "configuration-set protect-configuration", "DisassociateProtectConfiguration": "configuration-set protect-configuration",
	"SetAccountDefaultProtectConfiguration": "protect-configuration", "DeleteAccountDefaultProtectConfiguration": "*",
	"PutProtectConfigurationRuleSetNumberOverride": "protect-configuration", "DeleteProtectConfigurationRuleSetNumberOverride": "protect-configuration",
	"ListProtectConfigurationRuleSetNumberOverrides": "protect-configuration",
	"PutResourcePolicy": "opt-out-list phone-number pool sender-id", "GetResourcePolicy": "opt-out-list phone-number pool sender-id",
	"DeleteResourcePolicy": "opt-out-list phone-number pool sender-id",
}

// asked is a request and the resources that it acts on, as TYPE/ID.
type asked struct {
	operation string
	input     map[string]any
	on        []string // none: "*"
}

type in = map[string]any

const someProtect = "protect-0123456789abcdef0123456789abcdef"

// requests are requests to all operations, for every type of resource that they may act
// on.
func requests() []asked {
	const phone, pool, verified = "phone-0123456789abcdef0123456789abcdef", "pool-0123456789abcdef0123456789abcdef", "verified-0123456789abcdef0123456789abcdef"
	const onPhone, onPool, onSender, onSet, onList, onProtect = "phone-number/" + phone, "pool/" + pool, "sender-id/HELIO/GB", "configuration-set/set", "opt-out-list/List", "protect-configuration/" + someProtect
	arn := func(on string) string { return "arn:aws:sms-voice:us-east-1:" + customerAccount + ":" + on }
	set, list, ofProtect, sender := in{"ConfigurationSetName": "set"}, in{"OptOutListName": "List"}, in{"ProtectConfigurationId": someProtect}, in{"SenderId": "HELIO", "IsoCountryCode": "GB"}
	with := func(base in, more in) in {
		all := maps.Clone(base)
		maps.Copy(all, more)
		return all
	}
	number := in{"DestinationPhoneNumber": "+447700900123"}
	sns := in{"EventDestinationName": "log", "MatchingEventTypes": []string{"ALL"}, "SnsDestination": in{"TopicArn": "arn:aws:sns:us-east-1:" + customerAccount + ":t"}}
	all := []asked{
		{"CreatePool", in{"OriginationIdentity": phone, "IsoCountryCode": "GB", "MessageType": "TRANSACTIONAL"}, []string{onPhone, "pool/*"}},
		{"CreatePool", in{"OriginationIdentity": "HELIO", "IsoCountryCode": "GB", "MessageType": "TRANSACTIONAL"}, []string{onSender, "pool/*"}},
		{"CreatePool", in{"OriginationIdentity": "HELIO", "MessageType": "TRANSACTIONAL"}, []string{"sender-id/HELIO/*", "pool/*"}},
		{"CreateConfigurationSet", set, []string{onSet}}, {"DescribeConfigurationSets", in{"ConfigurationSetNames": []string{"set", "other"}}, []string{onSet, "configuration-set/other"}},
		{"DescribeConfigurationSets", in{}, nil}, {"DeleteConfigurationSet", set, []string{onSet}},
		{"SetDefaultMessageType", with(set, in{"MessageType": "PROMOTIONAL"}), []string{onSet}}, {"DeleteDefaultMessageType", set, []string{onSet}},
		{"SetDefaultSenderId", with(set, in{"SenderId": "HELIO"}), []string{onSet}}, {"DeleteDefaultSenderId", set, []string{onSet}},
		{"SetDefaultMessageFeedbackEnabled", with(set, in{"MessageFeedbackEnabled": true}), []string{onSet}},
		{"CreateEventDestination", with(set, sns), []string{onSet}},
		{"UpdateEventDestination", with(set, in{"EventDestinationName": "log"}), []string{onSet}}, {"DeleteEventDestination", with(set, in{"EventDestinationName": "log"}), []string{onSet}},
		{"CreateOptOutList", list, []string{onList}}, {"DescribeOptOutLists", in{"OptOutListNames": []string{"List"}}, []string{onList}}, {"DescribeOptOutLists", in{}, nil},
		{"DeleteOptOutList", list, []string{onList}}, {"PutOptedOutNumber", with(list, in{"OptedOutNumber": "+447700900123"}), []string{onList}},
		{"DescribeOptedOutNumbers", list, []string{onList}}, {"DeleteOptedOutNumber", with(list, in{"OptedOutNumber": "+447700900123"}), []string{onList}},
		{"DescribePhoneNumbers", in{"PhoneNumberIds": []string{phone}}, []string{onPhone}}, {"DescribePhoneNumbers", in{}, nil},
		{"RequestPhoneNumber", in{"IsoCountryCode": "GB", "MessageType": "TRANSACTIONAL", "NumberCapabilities": []string{"SMS"}, "NumberType": "LONG_CODE", "PoolId": pool},
			[]string{"phone-number/*", onPool}},
		{"UpdatePhoneNumber", in{"PhoneNumberId": phone}, []string{onPhone}}, {"ReleasePhoneNumber", in{"PhoneNumberId": phone}, []string{onPhone}},
		{"RequestSenderId", sender, []string{onSender}}, {"ReleaseSenderId", sender, []string{onSender}}, {"UpdateSenderId", sender, []string{onSender}},
		{"DescribeSenderIds", in{"SenderIds": []in{sender}}, []string{onSender}}, {"DescribeSenderIds", in{}, nil},
		{"DescribePools", in{"PoolIds": []string{pool}}, []string{onPool}}, {"DescribePools", in{}, nil}, {"UpdatePool", in{"PoolId": pool}, []string{onPool}},
		{"DeletePool", in{"PoolId": pool}, []string{onPool}}, {"ListPoolOriginationIdentities", in{"PoolId": pool}, []string{onPool}},
		{"CreateVerifiedDestinationNumber", number, []string{"verified-destination-number/*"}},
		{"DescribeVerifiedDestinationNumbers", in{"VerifiedDestinationNumberIds": []string{verified}}, []string{"verified-destination-number/" + verified}},
		{"DescribeVerifiedDestinationNumbers", in{}, nil},
		{"DeleteVerifiedDestinationNumber", in{"VerifiedDestinationNumberId": verified}, []string{"verified-destination-number/" + verified}},
		{"VerifyDestinationNumber", in{"VerifiedDestinationNumberId": verified, "VerificationCode": "123456"}, []string{"verified-destination-number/" + verified}},
		{"DescribeAccountAttributes", in{}, nil}, {"DescribeAccountLimits", in{}, nil}, {"DescribeSpendLimits", in{}, nil},
		{"SetTextMessageSpendLimitOverride", in{"MonthlyLimit": 1}, nil}, {"DeleteTextMessageSpendLimitOverride", in{}, nil},
		{"SetVoiceMessageSpendLimitOverride", in{"MonthlyLimit": 1}, nil}, {"DeleteVoiceMessageSpendLimitOverride", in{}, nil},
		{"CreateProtectConfiguration", in{}, []string{"protect-configuration/*"}},
		{"DescribeProtectConfigurations", in{"ProtectConfigurationIds": []string{someProtect}}, []string{onProtect}}, {"DescribeProtectConfigurations", in{}, nil},
		{"UpdateProtectConfiguration", ofProtect, []string{onProtect}}, {"DeleteProtectConfiguration", ofProtect, []string{onProtect}},
		{"GetProtectConfigurationCountryRuleSet", with(ofProtect, in{"NumberCapability": "SMS"}), []string{onProtect}},
		{"UpdateProtectConfigurationCountryRuleSet", with(ofProtect, in{"NumberCapability": "SMS", "CountryRuleSetUpdates": in{"GB": in{"ProtectStatus": "BLOCK"}}}), []string{onProtect}},
		{"AssociateProtectConfiguration", with(ofProtect, set), []string{onProtect, onSet}}, {"DisassociateProtectConfiguration", with(ofProtect, set), []string{onProtect, onSet}},
		{"SetAccountDefaultProtectConfiguration", ofProtect, []string{onProtect}}, {"DeleteAccountDefaultProtectConfiguration", in{}, nil},
		{"PutProtectConfigurationRuleSetNumberOverride", with(ofProtect, with(number, in{"Action": "ALLOW"})), []string{onProtect}},
		{"DeleteProtectConfigurationRuleSetNumberOverride", with(ofProtect, number), []string{onProtect}},
		{"ListProtectConfigurationRuleSetNumberOverrides", ofProtect, []string{onProtect}},
		{"PutMessageFeedback", in{"MessageId": sentID, "MessageFeedbackStatus": "RECEIVED"}, []string{"message/" + sentID}},
		{"SendTextMessage", with(number, in{"MessageBody": "x"}), nil},
		{"SendDestinationNumberVerificationCode", in{"VerifiedDestinationNumberId": verified, "VerificationChannel": "TEXT", "OriginationIdentity": "HELIO"}, []string{"sender-id/HELIO/*"}},
	}
	for id, on := range map[string]string{phone: onPhone, pool: onPool, "HELIO": onSender, "+447946000009": "phone-number/+447946000009", arn("sender-id/HELIO"): onSender} {
		all = append(all, asked{"SendTextMessage", with(number, in{"OriginationIdentity": id}), []string{on}})
		if id != "HELIO" && !strings.HasSuffix(id, "HELIO") {
			all = append(all, asked{"SendDestinationNumberVerificationCode", in{"VerifiedDestinationNumberId": verified, "VerificationChannel": "TEXT", "OriginationIdentity": id}, []string{on}})
		}
	}
	for _, id := range []string{phone, pool} {
		on := map[string]string{phone: onPhone, pool: onPool}[id]
		all = append(all, asked{"PutKeyword", in{"OriginationIdentity": id, "Keyword": "JOIN", "KeywordMessage": "x"}, []string{on}},
			asked{"DescribeKeywords", in{"OriginationIdentity": id}, []string{on}}, asked{"DeleteKeyword", in{"OriginationIdentity": id, "Keyword": "JOIN"}, []string{on}})
	}
	for _, operation := range []string{"AssociateOriginationIdentity", "DisassociateOriginationIdentity"} {
		all = append(all, asked{operation, in{"PoolId": pool, "OriginationIdentity": phone, "IsoCountryCode": "GB"}, []string{onPhone, onPool}},
			asked{operation, in{"PoolId": pool, "OriginationIdentity": "HELIO", "IsoCountryCode": "GB"}, []string{onSender, onPool}})
	}
	for _, on := range []string{onSet, onList, onPhone, onPool, onSender} {
		resource := in{"ResourceArn": arn(on)}
		all = append(all, asked{"TagResource", with(resource, in{"Tags": []in{{"Key": "a", "Value": "b"}}}), []string{on}},
			asked{"UntagResource", with(resource, in{"TagKeys": []string{"a"}}), []string{on}}, asked{"ListTagsForResource", resource, []string{on}})
		if on != onSet {
			all = append(all, asked{"PutResourcePolicy", with(resource, in{"Policy": "{}"}), []string{on}},
				asked{"GetResourcePolicy", resource, []string{on}}, asked{"DeleteResourcePolicy", resource, []string{on}})
		}
	}
	return all
}

// Every operation acts on what the guide says, each resource is decided by itself, and
// who has no policy may do nothing.
func TestEveryOperationIsAuthorized(t *testing.T) {
	var served []string
	p := newPoliced(t, func(o *api.Options) { served = api.New(*o).OperationNames() })
	nobody := p.user(nil)
	types := map[string][]string{}
	for _, r := range requests() {
		if !slices.Contains(served, r.operation) {
			continue
		}
		arns := []string{"*"}
		if r.on != nil {
			arns = nil
			for _, on := range r.on {
				kind, id, _ := strings.Cut(on, "/")
				arns = append(arns, p.arn(sms.ResourceType(kind), id))
				types[r.operation] = append(types[r.operation], kind)
			}
		} else {
			types[r.operation] = append(types[r.operation], "*")
		}
		got := nobody.call(r.operation, r.input)
		if got.Exception != "AccessDeniedException" || got.Status != 400 {
			t.Errorf("%s %v by nobody: %+v", r.operation, r.input, got)
			continue
		}
		for i, arn := range arns {
			want := "User: arn:aws:iam::111122223333:user/user1 is not authorized to perform: sms-voice:" + r.operation + " on resource: "
			because := " because no identity-based policy allows the sms-voice:" + r.operation + " action"
			var others []string
			for j, other := range arns {
				if j != i {
					others = append(others, allow("sms-voice:"+r.operation, other, ""))
				}
			}
			who := nobody
			if len(others) > 0 {
				who = p.user(nil, others...)
				want = " is not authorized to perform: sms-voice:" + r.operation + " on resource: "
			}
			if message := who.call(r.operation, r.input).message(); !strings.Contains(message, want+arn+because) {
				t.Errorf("%s without %s: %s", r.operation, arn, message)
			}
		}
		if got := p.user(nil, allow("sms-voice:"+r.operation, "*", "")).call(r.operation, r.input); got.Exception == "AccessDeniedException" {
			t.Errorf("%s allowed on all: %s", r.operation, got.message())
		}
		var each []string
		for _, arn := range arns {
			each = append(each, allow("sms-voice:"+r.operation, arn, ""))
		}
		if got := p.user(nil, each...).call(r.operation, r.input); got.Exception == "AccessDeniedException" {
			t.Errorf("%s allowed on %v: %s", r.operation, arns, got.message())
		}
	}
	for _, operation := range served {
		found := slices.Compact(slices.Sorted(slices.Values(types[operation])))
		if len(found) > 1 { // lists are asked for without a resource
			found = slices.DeleteFunc(found, func(s string) bool { return s == "*" })
		}
		if got := strings.Join(found, " "); got != acted[operation] {
			t.Errorf("%s acts on %q, not on %q", operation, acted[operation], got)
		}
	}
}
