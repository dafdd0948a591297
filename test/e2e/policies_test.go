//go:build python

package e2e

import "testing"

// The policies of the guide's chapter 14, by the AWS CLI.

const notAllowed = "is not authorized to perform: "

// policy is a policy of one statement, with members as JSON.
func policy(members string) string {
	return `{"Version": "2012-10-17", "Statement": [{` + members + `}]}`
}

// TestPoliciesOfChapter14 has people with each of its example policies.
func TestPoliciesOfChapter14(t *testing.T) {
	t.Parallel()
	s := start(t, "")
	root := s.asRoot()
	pool := operation("describe-pools")
	makeList := func(name string) []string { return operation("create-opt-out-list", "--opt-out-list-name", name) }

	// Nobody may do anything at first, and hears it as AWS says it.
	nobody := root.user("mateojackson", "")
	nobody.mayNot([]string{"AccessDeniedException", "User: arn:aws:iam::111122223333:user/mateojackson is not authorized to perform: sms-voice:DescribePools on resource: *",
		"because no identity-based policy allows the sms-voice:DescribePools action"}, pool...)
	nobody.may("sts", "get-caller-identity")

	// Users who may look at what they may do.
	own := root.user("ann", `{"Version": "2012-10-17", "Statement": [
		{"Sid": "ViewOwnUserInfo", "Effect": "Allow", "Action": ["iam:GetUserPolicy", "iam:ListGroupsForUser", "iam:ListAttachedUserPolicies", "iam:ListUserPolicies", "iam:GetUser"],
		 "Resource": ["arn:aws:iam::*:user/${aws:username}"]},
		{"Sid": "NavigateInConsole", "Effect": "Allow", "Action": ["iam:GetGroupPolicy", "iam:GetPolicyVersion", "iam:GetPolicy", "iam:ListAttachedGroupPolicies",
		 "iam:ListGroupPolicies", "iam:ListPolicyVersions", "iam:ListPolicies", "iam:ListUsers"], "Resource": "*"}]}`)
	own.may("iam", "get-user")
	own.may("iam", "list-user-policies", "--user-name", "ann")
	own.may("iam", "get-user-policy", "--user-name", "ann", "--policy-name", "own")
	own.may("iam", "list-policies")
	own.mayNot([]string{"AccessDenied", notAllowed + "iam:GetUser on resource: arn:aws:iam::111122223333:user/mateojackson"}, "iam", "get-user", "--user-name", "mateojackson")
	own.mayNot([]string{"AccessDenied", "iam:CreateUser"}, "iam", "create-user", "--user-name", "eve")
	own.mayNot([]string{"AccessDenied", "iam:PutUserPolicy"}, "iam", "put-user-policy", "--user-name", "ann", "--policy-name", "own", "--policy-document", policy(`"Effect": "Allow", "Action": "*", "Resource": "*"`))

	// Read-only access.
	reader := root.user("reader", policy(`"Sid": "SMSVoiceReadOnly", "Effect": "Allow", "Action": ["sms-voice:List*", "sms-voice:DescribeAccountAttributes",
		"sms-voice:DescribeAccountLimits", "sms-voice:DescribeConfigurationSets", "sms-voice:DescribeKeywords", "sms-voice:DescribeOptedOutNumbers",
		"sms-voice:DescribeOptOutLists", "sms-voice:DescribePhoneNumbers", "sms-voice:DescribePools", "sms-voice:DescribeRegistrationAttachments",
		"sms-voice:DescribeRegistrationFieldDefinitions", "sms-voice:DescribeRegistrations", "sms-voice:DescribeRegistrationSectionDefinitions",
		"sms-voice:DescribeRegistrationTypeDefinitions", "sms-voice:DescribeRegistrationVersions", "sms-voice:DescribeSenderIds",
		"sms-voice:DescribeSpendLimits", "sms-voice:DescribeVerifiedDestinationNumbers"], "Resource": "*"`))
	for _, what := range []string{"account-attributes", "account-limits", "configuration-sets", "opt-out-lists", "phone-numbers", "pools", "sender-ids", "spend-limits", "verified-destination-numbers"} {
		reader.may(operation("describe-" + what)...)
	}
	reader.may(operation("describe-opted-out-numbers", "--opt-out-list-name", "Default")...)
	reader.mayNot([]string{notAllowed + "sms-voice:CreateOptOutList on resource: arn:aws:sms-voice:us-east-1:111122223333:opt-out-list/A"}, makeList("A")...)
	reader.mayNot([]string{"sms-voice:SendTextMessage"}, operation("send-text-message", "--origination-identity", "HELIO", "--destination-phone-number", "+12065550199", "--message-body", "x")...)
	reader.mayNot([]string{"sms-voice:DescribeProtectConfigurations"}, operation("describe-protect-configurations")...) // the example is older than these

	// Administrator access, as it is printed: its conditions are about services, so
	// that it allows a person nothing. Without them it allows everything of the service.
	admin := root.user("administrator", policy(`"Sid": "SMSVoiceFullAccess", "Effect": "Allow", "Action": ["sms-voice:*"], "Resource": "*",
		"Condition": {"StringEquals": {"aws:SourceAccount": "111122223333"}, "ArnLike": {"aws:SourceArn": "arn:aws:sms-voice:us-east-1:111122223333:*"}}`))
	admin.mayNot([]string{"no identity-based policy allows"}, pool...)
	root.may("iam", "put-user-policy", "--user-name", "administrator", "--policy-name", "own", "--policy-document",
		policy(`"Sid": "SMSVoiceFullAccess", "Effect": "Allow", "Action": ["sms-voice:*"], "Resource": "*"`))
	admin.may(makeList("Admin")...)
	admin.may(operation("delete-opt-out-list", "--opt-out-list-name", "Admin")...)
	admin.mayNot([]string{"AccessDenied", "iam:ListUsers"}, "iam", "list-users")

	// "Describe*" and one resource.
	some := root.user("some", `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sms-voice:Describe*", "Resource": "*"},
		{"Effect": "Allow", "Action": "sms-voice:DeleteOptOutList", "Resource": "arn:aws:sms-voice:us-east-1:111122223333:opt-out-list/Mine"}]}`)
	root.may(makeList("Mine")...)
	root.may(makeList("Theirs")...)
	some.may(operation("describe-opt-out-lists")...)
	some.mayNot([]string{"opt-out-list/Theirs"}, operation("delete-opt-out-list", "--opt-out-list-name", "Theirs")...)
	some.mayNot([]string{"opt-out-list/Nothing"}, operation("delete-opt-out-list", "--opt-out-list-name", "Nothing")...)
	some.may(operation("delete-opt-out-list", "--opt-out-list-name", "Mine")...)

	// A policy that is taken away does not count any more, nor does a key.
	root.may("iam", "delete-user-policy", "--user-name", "reader", "--policy-name", "own")
	reader.mayNot([]string{"no identity-based policy allows"}, pool...)
	root.may("iam", "attach-user-policy", "--user-name", "reader", "--policy-arn", "arn:aws:iam::aws:policy/HeliographReadOnly")
	reader.may(pool...)
	keys := root.may("iam", "list-access-keys", "--user-name", "reader")["AccessKeyMetadata"].([]any)
	id := keys[0].(map[string]any)["AccessKeyId"].(string)
	root.may("iam", "update-access-key", "--user-name", "reader", "--access-key-id", id, "--status", "Inactive")
	reader.mayNot([]string{"UnrecognizedClientException"}, pool...)

	// What cannot be read as a policy is refused.
	root.mayNot([]string{"MalformedPolicyDocument"}, "iam", "put-user-policy", "--user-name", "reader", "--policy-name", "own", "--policy-document",
		policy(`"Effect": "Permit", "Action": "*", "Resource": "*"`))
}

// TestAttributeBasedAccess has teams that may use what has their tag.
func TestAttributeBasedAccess(t *testing.T) {
	t.Parallel()
	s := start(t, "")
	root := s.asRoot()
	team := `{"Version": "2012-10-17", "Statement": [
		{"Sid": "OwnTeam", "Effect": "Allow", "Action": ["sms-voice:Describe*", "sms-voice:Delete*", "sms-voice:Put*"], "Resource": "*",
		 "Condition": {"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}}},
		{"Sid": "CreateForOwnTeam", "Effect": "Allow", "Action": "sms-voice:CreateOptOutList", "Resource": "*",
		 "Condition": {"StringEquals": {"aws:RequestTag/team": "${aws:PrincipalTag/team}"}, "ForAllValues:StringEquals": {"aws:TagKeys": ["team", "stage"]}}},
		{"Sid": "KeepTeam", "Effect": "Deny", "Action": ["sms-voice:TagResource", "sms-voice:UntagResource"], "Resource": "*",
		 "Condition": {"ForAnyValue:StringEquals": {"aws:TagKeys": "team"}}},
		{"Effect": "Allow", "Action": "sms-voice:TagResource", "Resource": "*"}]}`
	red, blue := root.user("red", team), root.user("blue", team)
	root.may("iam", "tag-user", "--user-name", "red", "--tags", "Key=team,Value=red")
	root.may("iam", "tag-user", "--user-name", "blue", "--tags", "Key=team,Value=blue")
	list := func(name string, tags ...string) []string {
		args := operation("create-opt-out-list", "--opt-out-list-name", name)
		if len(tags) > 0 {
			args = append(append(args, "--tags"), tags...)
		}
		return args
	}
	const arn = "arn:aws:sms-voice:us-east-1:111122223333:opt-out-list/"
	red.mayNot([]string{notAllowed + "sms-voice:CreateOptOutList"}, list("Red")...)
	red.mayNot([]string{notAllowed + "sms-voice:CreateOptOutList"}, list("Red", "Key=team,Value=blue")...)
	red.mayNot([]string{notAllowed + "sms-voice:CreateOptOutList"}, list("Red", "Key=team,Value=red", "Key=cost,Value=1")...)
	red.may(list("Red", "Key=team,Value=red", "Key=stage,Value=test")...)
	red.may(operation("describe-opted-out-numbers", "--opt-out-list-name", "Red")...)
	blue.mayNot([]string{"opt-out-list/Red"}, operation("describe-opted-out-numbers", "--opt-out-list-name", "Red")...)
	blue.mayNot([]string{"opt-out-list/Red"}, operation("put-opted-out-number", "--opt-out-list-name", "Red", "--opted-out-number", "+12065550123")...)
	blue.mayNot([]string{"explicit deny"}, operation("tag-resource", "--resource-arn", arn+"Red", "--tags", "Key=team,Value=blue")...)
	blue.may(operation("tag-resource", "--resource-arn", arn+"Red", "--tags", "Key=stage,Value=live")...)
	red.may(operation("put-opted-out-number", "--opt-out-list-name", "Red", "--opted-out-number", "+12065550123")...)
	// A tag decides from the next request on.
	root.may("iam", "tag-user", "--user-name", "blue", "--tags", "Key=team,Value=red")
	blue.may(operation("describe-opted-out-numbers", "--opt-out-list-name", "Red")...)
	red.may(operation("delete-opt-out-list", "--opt-out-list-name", "Red")...)
}

// TestRolesForPeople has people take roles on: with a condition of the trust policy, with
// less than the role has, and from another account.
func TestRolesForPeople(t *testing.T) {
	t.Parallel()
	s := start(t, "")
	root := s.asRoot()
	ann := root.user("ann", policy(`"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"`))
	trust := func(principal, condition string) string {
		return policy(`"Effect": "Allow", "Principal": {"AWS": "` + principal + `"}, "Action": "sts:AssumeRole"` + condition)
	}
	all := policy(`"Effect": "Allow", "Action": "sms-voice:*", "Resource": "*"`)
	role := root.role("Senders", trust("arn:aws:iam::111122223333:user/ann", ""), all)
	session := ann.assume(role)
	if arn := member(session.may("sts", "get-caller-identity"), "Arn"); arn != "arn:aws:sts::111122223333:assumed-role/Senders/test" {
		t.Errorf("the session is %s", arn)
	}
	session.may(operation("describe-pools")...)
	less := ann.assume(role, "--policy", policy(`"Effect": "Allow", "Action": "sms-voice:DescribePools", "Resource": "*"`))
	less.may(operation("describe-pools")...)
	less.mayNot([]string{"User: arn:aws:sts::111122223333:assumed-role/Senders/test is not authorized", "no session policy allows the sms-voice:DescribePhoneNumbers action"}, operation("describe-phone-numbers")...)
	ben := root.user("ben", policy(`"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"`))
	ben.mayNot([]string{"AccessDenied", notAllowed + "sts:AssumeRole on resource: " + role}, "sts", "assume-role", "--role-arn", role, "--role-session-name", "test")
	ben.mayNot([]string{"AccessDenied"}, "sts", "assume-role", "--role-arn", role+"ThatIsNot", "--role-session-name", "test")

	// People of another account, with an external id.
	outside := root.role("Partner", trust("arn:aws:iam::444455556666:root", `, "Condition": {"StringEquals": {"sts:ExternalId": "77"}}`), all)
	s.run("accounts", "create", "444455556666")
	theirs := s.account("444455556666")
	partner := theirs.user("partner", policy(`"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "`+outside+`"`))
	partner.mayNot([]string{"AccessDenied"}, "sts", "assume-role", "--role-arn", outside, "--role-session-name", "test")
	visitor := partner.assume(outside, "--external-id", "77")
	visitor.may(operation("create-opt-out-list", "--opt-out-list-name", "Visited")...)
	root.may(operation("describe-opt-out-lists", "--opt-out-list-names", "Visited")...)
	theirs.mayNot([]string{"ResourceNotFoundException"}, operation("describe-opt-out-lists", "--opt-out-list-names", "Visited")...)
	// Their own account has to let them.
	eve := theirs.user("eve", "")
	eve.mayNot([]string{"AccessDenied"}, "sts", "assume-role", "--role-arn", outside, "--role-session-name", "test", "--external-id", "77")

	// A role that is gone ends its sessions.
	root.may("iam", "delete-role-policy", "--role-name", "Senders", "--policy-name", "own")
	session.mayNot([]string{"no identity-based policy allows"}, operation("describe-pools")...)
	root.may("iam", "delete-role", "--role-name", "Senders")
	session.mayNot([]string{"(UnrecognizedClientException)"}, operation("describe-pools")...)
}

// account gives the root of another account, with a key made by the operator.
func (s *server) account(id string) *caller {
	s.t.Helper()
	s.file(id, s.run("keys", "create", "--account", id, "--profile", id))
	return s.profile(id)
}
