package iam

import (
	"flag"
	"os"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden file anew")

// What every operation answers, one after the other, is in testdata.
func TestAnswers(t *testing.T) {
	r := newRig(t)
	const (
		allow = `{"Version":"2012-10-17","Statement":[{"Sid":"Send","Effect":"Allow","Action":"sms-voice:Send*","Resource":"*"}]}`
		deny  = `{"Statement":{"Effect":"Deny","Action":"sms-voice:SendTextMessage","Resource":"*","Condition":{"StringEquals":{"aws:RequestTag/Kind":"x"}}}}`
		trust = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"sms-voice.amazonaws.com"},"Action":"sts:AssumeRole"}}`
		arn   = "arn:aws:iam::" + account + ":"
	)
	var b strings.Builder
	for _, line := range []string{
		"GetUser",
		"CreateUser UserName=Alice Path=/team/ Tags.member.1.Key=dept Tags.member.1.Value=a~b",
		"CreateUser UserName=bob",
		"GetUser UserName=alice",
		"ListUsers PathPrefix=/team/",
		"ListUsers MaxItems=1",
		"CreateGroup GroupName=senders",
		"AddUserToGroup GroupName=senders UserName=alice",
		"GetGroup GroupName=senders",
		"ListGroups",
		"ListGroupsForUser UserName=alice",
		"CreatePolicy PolicyName=send Description=for~senders PolicyDocument=" + allow,
		"GetPolicy PolicyArn=" + arn + "policy/send",
		"AttachGroupPolicy GroupName=senders PolicyArn=" + arn + "policy/send",
		"ListAttachedGroupPolicies GroupName=senders",
		"ListEntitiesForPolicy PolicyArn=" + arn + "policy/send",
		"ListPolicies Scope=Local OnlyAttached=true",
		"PutUserPolicy UserName=alice PolicyName=no PolicyDocument=" + deny,
		"GetUserPolicy UserName=alice PolicyName=no",
		"ListUserPolicies UserName=alice",
		"SimulatePrincipalPolicy PolicySourceArn=" + arn + "user/team/Alice ActionNames.member.1=sms-voice:SendTextMessage",
		"SimulatePrincipalPolicy PolicySourceArn=" + arn + "user/team/Alice ActionNames.member.1=sms-voice:SendTextMessage" +
			" ContextEntries.member.1.ContextKeyName=aws:RequestTag/Kind ContextEntries.member.1.ContextKeyValues.member.1=x ContextEntries.member.1.ContextKeyType=string",
		"GetContextKeysForPrincipalPolicy PolicySourceArn=" + arn + "user/team/Alice",
		"CreatePolicyVersion PolicyArn=" + arn + "policy/send SetAsDefault=true PolicyDocument=" + deny,
		"ListPolicyVersions PolicyArn=" + arn + "policy/send",
		"GetPolicyVersion PolicyArn=" + arn + "policy/send VersionId=v2",
		"SetDefaultPolicyVersion PolicyArn=" + arn + "policy/send VersionId=v1",
		"DeletePolicyVersion PolicyArn=" + arn + "policy/send VersionId=v2",
		"TagPolicy PolicyArn=" + arn + "policy/send Tags.member.1.Key=k Tags.member.1.Value=v",
		"ListPolicyTags PolicyArn=" + arn + "policy/send",
		"PutUserPermissionsBoundary UserName=alice PermissionsBoundary=" + arn + "policy/send",
		"GetUser UserName=alice",
		"DeleteUserPermissionsBoundary UserName=alice",
		"CreateRole RoleName=Events MaxSessionDuration=7200 AssumeRolePolicyDocument=" + trust,
		"UpdateRole RoleName=Events Description=for~events",
		"GetRole RoleName=events",
		"ListRoles",
		"TagRole RoleName=events Tags.member.1.Key=a Tags.member.1.Value=",
		"ListRoleTags RoleName=events",
		"CreateAccessKey UserName=alice",
		"ListAccessKeys UserName=alice",
		"CreateLoginProfile UserName=alice Password=correct~horse~battery PasswordResetRequired=true",
		"GetLoginProfile UserName=alice",
		"CreateVirtualMFADevice VirtualMFADeviceName=phone",
		"ListVirtualMFADevices",
		"ListMFADevices UserName=alice",
		"GetAccountSummary",
		"ListAccountAliases",
		"DeleteUser UserName=bob",
		"DeleteUser UserName=bob",
	} {
		r.now = r.now.Add(time.Minute)
		_, body := r.do(r.as(account, ""), line)
		b.WriteString("> " + line + "\n" + indented(t, body) + "\n\n")
	}
	const file = "testdata/answers.golden"
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i, part := range strings.Split(b.String(), "\n\n") {
		if all := strings.Split(string(want), "\n\n"); i >= len(all) || all[i] != part {
			t.Errorf("answered otherwise than in %s:\n%s", file, part)
		}
	}
}
