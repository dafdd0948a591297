package app

import (
	"encoding/json"
	"maps"
	"net/url"
	"reflect"
	"strings"
	"time"

	"heliograph/internal/iam"
	"heliograph/internal/optout"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

func optoutList(item *resources.Item[sms.OptOutList]) int64 {
	return optout.List(victim, &item.Value, item.Created)
}

// settle waits until nothing goes on any more that the holdings show.
func (s *stage) settle() {
	s.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; {
		before, err := json.Marshal(s.holdings())
		if err != nil {
			s.t.Fatal(err)
		}
		time.Sleep(200 * time.Millisecond)
		after, err := json.Marshal(s.holdings())
		if err != nil {
			s.t.Fatal(err)
		}
		if string(before) == string(after) && strings.Count(string(after), "Status:DELIVERED At") == 2 {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatal("the victim's holdings do not come to rest")
		}
	}
}

// inputs are what an account can ask of each operation that needs members, with what it
// has itself.
func inputs(mine map[string]string) map[string]in {
	number, pool, list, set, protect := mine["number"], mine["pool"], mine["list"], mine["set"], mine["protect"]
	sender := in{"SenderId": mine["sender"], "IsoCountryCode": "GB"}
	ofSet, ofProtect := in{"ConfigurationSetName": set}, in{"ProtectConfigurationId": protect}
	with := func(base in, more ...any) in {
		out := in{}
		for k, v := range base {
			out[k] = v
		}
		for i := 0; i < len(more); i += 2 {
			out[more[i].(string)] = more[i+1]
		}
		return out
	}
	const policy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"222233334444"},"Action":"sms-voice:SendTextMessage"}]}`
	member := in{"PoolId": pool, "OriginationIdentity": number, "IsoCountryCode": "US"}
	override := with(ofProtect, "DestinationPhoneNumber", "+447700900126")
	return map[string]in{
		"AssociateOriginationIdentity": member, "DisassociateOriginationIdentity": member,
		"AssociateProtectConfiguration":    with(ofProtect, "ConfigurationSetName", set),
		"DisassociateProtectConfiguration": with(ofProtect, "ConfigurationSetName", set),
		"CreateConfigurationSet":           {"ConfigurationSetName": "mine-other"},
		"CreateEventDestination": with(ofSet, "EventDestinationName", "mine-more", "MatchingEventTypes", []string{"TEXT_ALL"},
			"SnsDestination", in{"TopicArn": mine["topic ARN"]}),
		"UpdateEventDestination":          with(ofSet, "EventDestinationName", mine["destination"]),
		"DeleteEventDestination":          with(ofSet, "EventDestinationName", "mine-none"),
		"CreateOptOutList":                {"OptOutListName": "mine-other"},
		"CreatePool":                      {"OriginationIdentity": number, "IsoCountryCode": "US", "MessageType": "TRANSACTIONAL"},
		"CreateProtectConfiguration":      {},
		"CreateVerifiedDestinationNumber": {"DestinationPhoneNumber": "+447700900127"},
		"DeleteConfigurationSet":          {"ConfigurationSetName": "mine-none"}, "DeleteDefaultMessageType": ofSet, "DeleteDefaultSenderId": ofSet,
		"DeleteKeyword": {"OriginationIdentity": number, "Keyword": "NONE"}, "DeleteOptOutList": {"OptOutListName": "mine-none"},
		"DeleteOptedOutNumber": {"OptOutListName": list, "OptedOutNumber": "+447700900128"}, "DeletePool": {"PoolId": "pool-" + strings.Repeat("0", 32)},
		"DeleteProtectConfiguration":                      {"ProtectConfigurationId": "protect-" + strings.Repeat("0", 32)},
		"DeleteProtectConfigurationRuleSetNumberOverride": override,
		"DeleteResourcePolicy":                            {"ResourceArn": mine["list ARN"]},
		"DeleteVerifiedDestinationNumber":                 {"VerifiedDestinationNumberId": "verified-" + strings.Repeat("0", 32)},
		"DescribeKeywords":                                {"OriginationIdentity": number}, "DescribeOptedOutNumbers": {"OptOutListName": list},
		"GetProtectConfigurationCountryRuleSet": with(ofProtect, "NumberCapability", "SMS"), "GetResourcePolicy": {"ResourceArn": mine["pool ARN"]},
		"ListPoolOriginationIdentities":                  {"PoolId": pool},
		"ListProtectConfigurationRuleSetNumberOverrides": ofProtect, "ListTagsForResource": {"ResourceArn": mine["pool ARN"]},
		"PutKeyword":         {"OriginationIdentity": number, "Keyword": "LEAVE", "KeywordMessage": "hi"},
		"PutMessageFeedback": {"MessageId": mine["message"], "MessageFeedbackStatus": "RECEIVED"},
		"PutOptedOutNumber":  {"OptOutListName": list, "OptedOutNumber": "+447700900129"},
		"PutProtectConfigurationRuleSetNumberOverride": with(override, "Action", "BLOCK"), "PutResourcePolicy": {"ResourceArn": mine["pool ARN"], "Policy": policy},
		"ReleasePhoneNumber": {"PhoneNumberId": "phone-" + strings.Repeat("0", 32)}, "ReleaseSenderId": {"SenderId": "NONE", "IsoCountryCode": "GB"},
		"RequestPhoneNumber":                       {"IsoCountryCode": "US", "MessageType": "TRANSACTIONAL", "NumberCapabilities": []string{"SMS"}, "NumberType": "SIMULATOR"},
		"RequestSenderId":                          {"SenderId": "OTHERID", "IsoCountryCode": "GB"},
		"SendDestinationNumberVerificationCode":    {"VerifiedDestinationNumberId": mine["verified"], "VerificationChannel": "TEXT"},
		"SendTextMessage":                          {"DestinationPhoneNumber": success, "MessageBody": "hi", "OriginationIdentity": number, "DryRun": false},
		"SetAccountDefaultProtectConfiguration":    ofProtect,
		"SetDefaultMessageFeedbackEnabled":         with(ofSet, "MessageFeedbackEnabled", false),
		"SetDefaultMessageType":                    with(ofSet, "MessageType", "TRANSACTIONAL"),
		"SetDefaultSenderId":                       with(ofSet, "SenderId", mine["sender"]),
		"SetTextMessageSpendLimitOverride":         {"MonthlyLimit": 1000},
		"SetVoiceMessageSpendLimitOverride":        {"MonthlyLimit": 1000},
		"TagResource":                              {"ResourceArn": mine["pool ARN"], "Tags": []any{in{"Key": "k", "Value": "v"}}},
		"UntagResource":                            {"ResourceArn": mine["pool ARN"], "TagKeys": []string{"k"}},
		"UpdatePhoneNumber":                        {"PhoneNumberId": number},
		"UpdatePool":                               {"PoolId": pool},
		"UpdateProtectConfiguration":               ofProtect,
		"UpdateProtectConfigurationCountryRuleSet": with(ofProtect, "NumberCapability", "SMS", "CountryRuleSetUpdates", in{"FR": in{"ProtectStatus": "ALLOW"}}),
		"UpdateSenderId":                           sender,
		"VerifyDestinationNumber":                  {"VerifiedDestinationNumberId": mine["verified"], "VerificationCode": "000000"},
		"DescribeSenderIds":                        {"SenderIds": []any{sender}},
		"CarrierLookup":                            {"PhoneNumber": "+14255550123"},
	}
}

func logs(operation string, in any) ask {
	body, _ := json.Marshal(in)
	return ask{service: "logs", target: "Logs_20140328." + operation, contentType: "application/x-amz-json-1.1", body: string(body)}
}

func deliveries(operation string, in any) ask {
	body, _ := json.Marshal(in)
	return ask{service: "firehose", target: "Firehose_20150804." + operation, contentType: "application/x-amz-json-1.1", body: string(body)}
}

// query is a request of the query protocol.
func query(service, action string, parameters map[string]string) ask {
	form := url.Values{"Action": {action}, "Version": {map[string]string{"sns": "2010-03-31", "iam": "2010-05-08", "sts": "2011-06-15"}[service]}}
	for name, value := range parameters {
		form.Set(name, value)
	}
	return ask{service: service, contentType: "application/x-www-form-urlencoded; charset=utf-8", body: form.Encode()}
}

const document = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sms-voice:*","Resource":"*"}]}`

// identityOperations are those of IAM.
var identityOperations = strings.Fields(`CreateUser GetUser ListUsers UpdateUser DeleteUser CreateAccessKey ListAccessKeys UpdateAccessKey DeleteAccessKey
	GetAccessKeyLastUsed CreateGroup GetGroup ListGroups UpdateGroup DeleteGroup AddUserToGroup RemoveUserFromGroup ListGroupsForUser
	AttachUserPolicy DetachUserPolicy ListAttachedUserPolicies AttachGroupPolicy DetachGroupPolicy ListAttachedGroupPolicies AttachRolePolicy DetachRolePolicy
	ListAttachedRolePolicies ListEntitiesForPolicy PutUserPolicy GetUserPolicy DeleteUserPolicy ListUserPolicies PutGroupPolicy GetGroupPolicy DeleteGroupPolicy
	ListGroupPolicies PutRolePolicy GetRolePolicy DeleteRolePolicy ListRolePolicies PutUserPermissionsBoundary DeleteUserPermissionsBoundary
	PutRolePermissionsBoundary DeleteRolePermissionsBoundary CreatePolicy GetPolicy ListPolicies DeletePolicy CreatePolicyVersion GetPolicyVersion
	ListPolicyVersions DeletePolicyVersion SetDefaultPolicyVersion CreateRole GetRole ListRoles UpdateRole UpdateRoleDescription UpdateAssumeRolePolicy DeleteRole
	SimulatePrincipalPolicy GetContextKeysForPrincipalPolicy TagUser UntagUser ListUserTags TagRole UntagRole ListRoleTags TagPolicy UntagPolicy ListPolicyTags
	GetAccountSummary ListAccountAliases CreateLoginProfile GetLoginProfile UpdateLoginProfile DeleteLoginProfile ListMFADevices DeactivateMFADevice DeleteVirtualMFADevice`)

// people gives an account a user, a group, a role and a policy.
func (s *stage) people(account, name string, has map[string]string) {
	has["user"], has["people"], has["role"], has["policy"], has["access key"] = name+"-user", name+"-people", name+"-role", name+"-policy", "AKIA"+strings.ToUpper(name[:4])+"000000000000"
	s.change(account, func(tx *resources.Tx) {
		tx.Users.Put(resources.IAMKey(has["user"]), iam.User{ID: "AIDA" + strings.ToUpper(name[:4]), Name: has["user"], Path: "/", Grants: iam.Grants{Inline: map[string]string{has["policy"]: document}}})
		tx.Groups.Put(resources.IAMKey(has["people"]), iam.Group{ID: "AGPA" + strings.ToUpper(name[:4]), Name: has["people"], Path: "/"})
		tx.Roles.Put(resources.IAMKey(has["role"]), iam.Role{ID: "AROA" + strings.ToUpper(name[:4]), Name: has["role"], Path: "/",
			Trust: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + account + `","Service":"firehose.amazonaws.com"},"Action":"sts:AssumeRole"}]}`})
		tx.Policies.Put(resources.IAMKey(has["policy"]), iam.ManagedPolicy{ID: "ANPA" + strings.ToUpper(name[:4]), Name: has["policy"], Path: "/", Default: "v1",
			Versions: []iam.PolicyVersion{{ID: "v1", Document: document, Created: time.Now()}}})
		tx.AccessKeys.Put(has["access key"], iam.AccessKey{ID: has["access key"], User: has["user"], Secret: s.service.sealer.Seal(nil, []byte("secret"), []byte(iam.AccessKeySecret(has["access key"])))})
	})
	for as, kind := range map[string]string{"user": "user", "people": "group", "role": "role", "policy": "policy"} {
		has[as+" ARN"] = "arn:aws:iam::" + account + ":" + kind + "/" + has[as]
	}
}

// others asks the services beside the API's own.
func (s *stage) others() {
	s.t.Helper()
	type maker func(operation string, parameters, mine map[string]string) ask
	walk := func(of string, operations, members, secrets []string, make maker) {
		s.t.Helper()
		for _, operation := range operations {
			for _, member := range members {
				for _, as := range secrets {
					s.same(of+" "+operation+" "+member+" with the "+as, s.secrets[as], func(value string, mine map[string]string) ask {
						return make(operation, map[string]string{member: value}, mine)
					})
				}
			}
		}
	}
	json := func(to func(string, any) ask, base map[string]any) maker {
		return func(operation string, parameters, _ map[string]string) ask {
			input := in{}
			for name, value := range base {
				input[name] = value
			}
			for name, value := range parameters {
				input = put(input, name, value)
			}
			return to(operation, input)
		}
	}
	walk("logs", []string{"CreateLogGroup", "DescribeLogGroups", "DeleteLogGroup", "PutRetentionPolicy", "DeleteRetentionPolicy", "TagResource", "UntagResource",
		"ListTagsForResource", "TagLogGroup", "UntagLogGroup", "ListTagsLogGroup", "DescribeLogStreams", "GetLogEvents", "FilterLogEvents"},
		[]string{"logGroupName", "logGroupIdentifier", "logGroupIdentifiers[]", "logGroupNamePrefix", "resourceArn", "logStreamName"},
		[]string{"group", "group ARN"}, json(logs, in{"retentionInDays": 7}))
	walk("firehose", []string{"CreateDeliveryStream", "DescribeDeliveryStream", "ListDeliveryStreams", "DeleteDeliveryStream", "PutRecord", "PutRecordBatch"},
		[]string{"DeliveryStreamName", "ExclusiveStartDeliveryStreamName"}, []string{"stream", "stream ARN"},
		json(deliveries, in{"Record": in{"Data": "b25l"}, "Records": []any{in{"Data": "b25l"}}}))
	parameters := func(service string, base, own map[string]string) maker {
		return func(operation string, more, mine map[string]string) ask {
			all := map[string]string{}
			for name, value := range base {
				all[name] = value
			}
			for name, as := range own {
				all[name] = mine[as]
			}
			for name, value := range more {
				all[name] = value
			}
			return query(service, operation, all)
		}
	}
	walk("sns", []string{"CreateTopic", "DeleteTopic", "ListTopics", "GetTopicAttributes", "SetTopicAttributes", "Subscribe", "ConfirmSubscription", "Unsubscribe",
		"ListSubscriptions", "ListSubscriptionsByTopic", "GetSubscriptionAttributes", "SetSubscriptionAttributes", "Publish", "PublishBatch",
		"TagResource", "UntagResource", "ListTagsForResource"},
		[]string{"Name", "TopicArn", "SubscriptionArn", "ResourceArn", "NextToken", "Endpoint"}, []string{"topic", "topic ARN", "subscription ARN"},
		parameters("sns", map[string]string{"Message": "hi", "AttributeName": "DisplayName", "AttributeValue": "x", "Protocol": "https", "Token": "none",
			"Tags.member.1.Key": "a", "Tags.member.1.Value": "b", "TagKeys.member.1": "a", "PublishBatchRequestEntries.member.1.Id": "1", "PublishBatchRequestEntries.member.1.Message": "hi"}, nil))
	for member, secrets := range map[string][]string{"UserName": {"user", "people", "access key"}, "GroupName": {"people"}, "RoleName": {"role"}, "PolicyName": {"policy"},
		"PolicyArn": {"policy ARN", "user ARN"}, "AccessKeyId": {"access key"}, "PermissionsBoundary": {"policy ARN"}, "PolicySourceArn": {"user ARN", "role ARN"}} {
		walk("iam", identityOperations, []string{member}, secrets, parameters("iam",
			map[string]string{"PolicyDocument": document, "AssumeRolePolicyDocument": document, "ActionNames.member.1": "sms-voice:SendTextMessage",
				"Status": "Active", "VersionId": "v1", "Tags.member.1.Key": "a", "Tags.member.1.Value": "b", "TagKeys.member.1": "a", "Description": "x"},
			map[string]string{"UserName": "user", "GroupName": "people", "RoleName": "role", "PolicyName": "policy", "PolicyArn": "policy ARN", "PolicySourceArn": "user ARN"}))
	}
}

// members are the ways to the texts in an operation's input.
func members(t reflect.Type, at string) []string {
	var ways []string
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() {
			continue
		}
		kind, way := f.Type, at+f.Name
		for kind.Kind() == reflect.Pointer {
			kind = kind.Elem()
		}
		switch {
		case kind.Kind() == reflect.String:
			ways = append(ways, way)
		case kind.Kind() == reflect.Slice && kind.Elem().Kind() == reflect.String:
			ways = append(ways, way+"[]")
		case kind.Kind() == reflect.Slice && kind.Elem().Kind() == reflect.Struct:
			ways = append(ways, members(kind.Elem(), way+"[].")...)
		case kind.Kind() == reflect.Struct && kind != reflect.TypeFor[time.Time]():
			ways = append(ways, members(kind, way+".")...)
		}
	}
	return ways
}

// put is a copy of an input with a text at a way of members.
func put(input in, way, value string) in {
	out := maps.Clone(input)
	if out == nil {
		out = in{}
	}
	name, rest, nested := strings.Cut(way, ".")
	list := strings.HasSuffix(name, "[]")
	name = strings.TrimSuffix(name, "[]")
	var set any = value
	if nested {
		inner, _ := out[name].(in)
		if all, ok := out[name].([]any); ok && len(all) > 0 {
			inner, _ = all[0].(in)
		}
		set = put(inner, rest, value)
	}
	if list {
		set = []any{set}
	}
	out[name] = set
	return out
}
