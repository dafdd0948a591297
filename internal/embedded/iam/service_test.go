package iam

import (
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"heliograph/internal/api/service"
	"heliograph/internal/iam"
	"heliograph/internal/resources"
)

const (
	allowAll = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
	trusting = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sts:AssumeRole"}]}`
	arn      = "arn:aws:iam::" + account + ":"
)

func TestRefusals(t *testing.T) {
	r := newRig(t)
	for _, line := range []string{"CreateUser UserName=bob", "CreateGroup GroupName=g", "CreateRole RoleName=r AssumeRolePolicyDocument=" + trusting,
		"CreatePolicy PolicyName=p PolicyDocument=" + allowAll, "AttachUserPolicy UserName=bob PolicyArn=" + arn + "policy/p", "AddUserToGroup UserName=bob GroupName=g",
		"CreateAccessKey UserName=bob", "CreateAccessKey UserName=bob", "CreateLoginProfile UserName=bob Password=correct~horse~battery"} {
		r.ok(line)
	}
	long := strings.Repeat("a", 65)
	for _, c := range []struct {
		line   string
		status int
		code   string
	}{
		{"CreateUser UserName=BOB", 409, "EntityAlreadyExists"},
		{"CreateUser UserName=a/b", 400, "ValidationError"},
		{"CreateUser UserName=" + long, 400, "ValidationError"},
		{"CreateUser UserName=x Path=team", 400, "ValidationError"},
		{"CreateUser UserName=x Path=//", 400, "ValidationError"},
		{"CreateUser UserName=x PermissionsBoundary=" + arn + "policy/none", 404, "NoSuchEntity"},
		{"CreateUser UserName=x Tags.member.1.Key=aws:x Tags.member.1.Value=", 400, "InvalidInput"},
		{"CreateUser UserName=x Tags.member.1.Key=k Tags.member.1.Value= Tags.member.2.Key=K Tags.member.2.Value=", 400, "InvalidInput"},
		{"GetUser UserName=eve", 404, "NoSuchEntity"},
		{"DeleteUser UserName=bob", 409, "DeleteConflict"},
		{"DeleteGroup GroupName=g", 409, "DeleteConflict"},
		{"DeletePolicy PolicyArn=" + arn + "policy/p", 409, "DeleteConflict"},
		{"DeletePolicyVersion VersionId=v1 PolicyArn=" + arn + "policy/p", 409, "DeleteConflict"},
		{"CreateAccessKey UserName=bob", 409, "LimitExceeded"},
		{"CreateRole RoleName=x AssumeRolePolicyDocument=" + allowAll, 400, "MalformedPolicyDocument"},
		{"CreateRole RoleName=x MaxSessionDuration=3599 AssumeRolePolicyDocument=" + trusting, 400, "ValidationError"},
		{"CreatePolicy PolicyName=x PolicyDocument={}", 400, "MalformedPolicyDocument"},
		{"CreatePolicy PolicyName=P PolicyDocument=" + allowAll, 409, "EntityAlreadyExists"},
		{"PutUserPolicy UserName=bob PolicyName=x PolicyDocument=" + trusting, 400, "MalformedPolicyDocument"},
		{"PutUserPolicy UserName=bob PolicyName=x PolicyDocument=" + strings.ReplaceAll(allowAll, `"Resource":"*"`, `"Resource":"`+"arn:aws:s3:::"+strings.Repeat("x", 2048)+`"`), 409, "LimitExceeded"},
		{"GetUserPolicy UserName=bob PolicyName=x", 404, "NoSuchEntity"},
		{"AttachUserPolicy UserName=bob PolicyArn=arn:aws:iam::" + other + ":policy/p", 404, "NoSuchEntity"},
		{"AttachUserPolicy UserName=bob PolicyArn=arn:aws:iam::aws:policy/None", 404, "NoSuchEntity"},
		{"DetachUserPolicy UserName=bob PolicyArn=arn:aws:iam::aws:policy/AdministratorAccess", 404, "NoSuchEntity"},
		{"CreatePolicyVersion PolicyArn=arn:aws:iam::aws:policy/AdministratorAccess PolicyDocument=" + allowAll, 403, "AccessDenied"},
		{"DeletePolicy PolicyArn=arn:aws:iam::aws:policy/AdministratorAccess", 403, "AccessDenied"},
		{"CreateLoginProfile UserName=bob Password=correct~horse~battery", 409, "EntityAlreadyExists"},
		{"UpdateLoginProfile UserName=bob Password=short", 400, "PasswordPolicyViolation"},
		{"ChangePassword OldPassword=a NewPassword=correct~horse~battery", 400, "InvalidUserType"},
		{"EnableMFADevice UserName=bob SerialNumber=" + arn + "mfa/none AuthenticationCode1=123456 AuthenticationCode2=123456", 404, "NoSuchEntity"},
		{"DeleteUserPermissionsBoundary UserName=bob", 404, "NoSuchEntity"},
		{"UpdateAccessKey UserName=bob AccessKeyId=AKIA1234567890123456 Status=Active", 404, "NoSuchEntity"},
		{"UpdateAccessKey UserName=bob AccessKeyId=AKIA1234567890123456 Status=On", 400, "ValidationError"},
		{"ListUsers Marker=%%%", 400, "ValidationError"},
		{"ListUsers MaxItems=0", 400, "ValidationError"},
		{"SimulatePrincipalPolicy PolicySourceArn=" + arn + "user/eve ActionNames.member.1=a:b", 404, "NoSuchEntity"},
		{"SimulateCustomPolicy PolicyInputList.member.1={} ActionNames.member.1=a:b", 400, "InvalidInput"},
		{"SimulateCustomPolicy PolicyInputList.member.1=" + allowAll + " ActionNames.member.1=b", 400, "InvalidInput"},
		{"SimulateCustomPolicy ActionNames.member.1=a:b", 400, "ValidationError"},
		{"CreateSAMLProvider", 400, "InvalidAction"},
	} {
		r.refused(c.line, c.status, c.code)
	}
}

// Whatever the root of another account asks for, what an account has is neither seen nor
// changed.
func TestOtherAccount(t *testing.T) {
	r := newRig(t)
	for _, line := range []string{"CreateUser UserName=bob", "CreateGroup GroupName=g", "CreateRole RoleName=r AssumeRolePolicyDocument=" + trusting,
		"CreatePolicy PolicyName=p PolicyDocument=" + allowAll} {
		r.ok(line)
	}
	key := element(t, r.ok("CreateAccessKey UserName=bob"), "AccessKeyId")
	serial := element(t, r.ok("CreateVirtualMFADevice VirtualMFADeviceName=phone"), "SerialNumber")
	before := *r.dir.Account(account)
	for name := range r.service.operationNames(t) {
		line := name + " UserName=bob GroupName=g RoleName=r PolicyName=p PolicyArn=" + arn + "policy/p VersionId=v1 AccessKeyId=" + key + " Status=Inactive" +
			" SerialNumber=" + serial + " AuthenticationCode1=123456 AuthenticationCode2=123456 PolicySourceArn=" + arn + "user/bob ActionNames.member.1=a:b" +
			" PolicyDocument=" + allowAll + " TagKeys.member.1=k Tags.member.1.Key=k Tags.member.1.Value=v PermissionsBoundary=" + arn + "policy/p" +
			" AssumeRolePolicyDocument=" + trusting + " Description=x Password=correct~horse~battery PolicyInputList.member.1=" + allowAll
		_, body := r.do(r.as(other, ""), line)
		if strings.Contains(body, "arn:aws:iam::"+account) && !strings.Contains(body, "NoSuchEntity") {
			t.Errorf("%s tells %s", name, body)
		}
	}
	after := *r.dir.Account(account)
	if !reflect.DeepEqual(before.Users, after.Users) || !reflect.DeepEqual(before.Groups, after.Groups) || !reflect.DeepEqual(before.Roles, after.Roles) ||
		!reflect.DeepEqual(before.Policies, after.Policies) || !reflect.DeepEqual(before.AccessKeys, after.AccessKeys) || !reflect.DeepEqual(before.MFADevices, after.MFADevices) {
		t.Error("another account's root changed something")
	}
}

// operationNames are those of all operations.
func (s *Service) operationNames(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for _, of := range [][]service.QueryOperation{s.userOperations(), s.groupOperations(), s.roleOperations(), s.keyOperations(), s.inlineOperations(),
		s.attachOperations(), s.boundaryOperations(), s.tagOperations(), s.policyOperations(), s.versionOperations(), s.passwordOperations(),
		s.deviceOperations(), s.accountOperations(), s.simulateOperations()} {
		for _, o := range of {
			names[o.Name()] = true
		}
	}
	if len(names) < 88 {
		t.Fatalf("only %d operations", len(names))
	}
	return names
}

func TestActs(t *testing.T) {
	r := newRig(t)
	r.ok("CreateUser UserName=bob Path=/team/ Tags.member.1.Key=Dept Tags.member.1.Value=a")
	r.ok("CreatePolicy PolicyName=p PolicyDocument=" + allowAll)
	bob := arn + "user/team/bob"
	tags := map[string]string{"Dept": "a"}
	tagged := map[string][]string{"iam:resourcetag/dept": {"a"}}
	for line, want := range map[string]service.Act{
		"CreateUser UserName=x Path=/a/ Tags.member.1.Key=k Tags.member.1.Value=v PermissionsBoundary=" + arn + "policy/p": {Action: "iam:CreateUser",
			Resources: []string{arn + "user/a/x"}, RequestTags: map[string]string{"k": "v"}, Keys: map[string][]string{"iam:permissionsboundary": {arn + "policy/p"}}},
		"DeleteUser UserName=BOB": {Action: "iam:DeleteUser", Resources: []string{bob}, ResourceTags: tags, Keys: tagged},
		"DeleteUser UserName=eve": {Action: "iam:DeleteUser", Resources: []string{arn + "user/eve"}},
		"AttachUserPolicy UserName=bob PolicyArn=" + arn + "policy/p": {Action: "iam:AttachUserPolicy", Resources: []string{bob}, ResourceTags: tags,
			Keys: map[string][]string{"iam:policyarn": {arn + "policy/p"}, "iam:resourcetag/dept": {"a"}}},
		"TagUser UserName=bob Tags.member.1.Key=k Tags.member.1.Value=v": {Action: "iam:TagUser", Resources: []string{bob}, ResourceTags: tags,
			RequestTags: map[string]string{"k": "v"}, Keys: tagged},
		"ListUsers":       {Action: "iam:ListUsers"},
		"CreateAccessKey": {Action: "iam:CreateAccessKey", Resources: []string{bob}, ResourceTags: tags, Keys: tagged}, // its own
		"GetPolicy PolicyArn=" + arn + "policy/p":                 {Action: "iam:GetPolicy", Resources: []string{arn + "policy/p"}},
		"CreateVirtualMFADevice VirtualMFADeviceName=m":           {Action: "iam:CreateVirtualMFADevice", Resources: []string{arn + "mfa/m"}},
		"AddUserToGroup UserName=bob GroupName=g":                 {Action: "iam:AddUserToGroup", Resources: []string{arn + "group/g"}},
		"SimulatePrincipalPolicy PolicySourceArn=" + bob + " A=b": {Action: "iam:SimulatePrincipalPolicy", Resources: []string{bob}},
		"Nothing": {},
	} {
		if act := r.service.Acts(r.as(account, "bob"), form(t, line)); !reflect.DeepEqual(act, want) {
			t.Errorf("%s acts as %+v, not %+v", line, act, want)
		}
	}
}

func TestKeys(t *testing.T) {
	r := newRig(t)
	r.ok("CreateUser UserName=bob")
	made := r.ok("CreateAccessKey UserName=bob")
	id, secret := element(t, made, "AccessKeyId"), element(t, made, "SecretAccessKey")
	stored := r.dir.Account(account).AccessKeys.Get(id).Value
	opened, err := r.service.Sealer.Open(nil, stored.Secret, []byte(iam.AccessKeySecret(id)))
	if err != nil || string(opened) != secret || strings.Contains(string(stored.Secret), secret) {
		t.Errorf("stored as %q, %v", stored.Secret, err)
	}
	// A user looks after its own, and its key goes with it to another name.
	if status, body := r.do(r.as(account, "bob"), "UpdateAccessKey Status=Inactive AccessKeyId="+id); status != http.StatusOK {
		t.Error(body)
	}
	r.ok("UpdateUser UserName=bob NewUserName=rob NewPath=/x/")
	if body := r.ok("ListAccessKeys UserName=rob"); element(t, body, "Status") != "Inactive" || element(t, body, "AccessKeyId") != id || strings.Contains(body, secret) {
		t.Error(body)
	}
	if body := r.ok("GetAccessKeyLastUsed AccessKeyId=" + id); element(t, body, "UserName") != "rob" || element(t, body, "ServiceName") != "N/A" {
		t.Error(body)
	}
	// The root has keys of its own, which no user's name reaches.
	root := element(t, r.ok("CreateAccessKey"), "AccessKeyId")
	r.refused("DeleteAccessKey UserName=rob AccessKeyId="+root, 404, "NoSuchEntity")
	r.refused("DeleteAccessKey AccessKeyId="+id, 404, "NoSuchEntity")
	r.ok("DeleteAccessKey AccessKeyId=" + root)
	r.ok("DeleteAccessKey UserName=rob AccessKeyId=" + id)
	if r.dir.Account(account).AccessKeys.Len() != 0 {
		t.Error("keys are left")
	}
}

func TestRenameGroup(t *testing.T) {
	r := newRig(t)
	for _, line := range []string{"CreateUser UserName=bob", "CreateGroup GroupName=g", "AddUserToGroup UserName=bob GroupName=g", "UpdateGroup GroupName=g NewGroupName=h"} {
		r.ok(line)
	}
	if body := r.ok("ListGroupsForUser UserName=bob"); element(t, body, "GroupName") != "h" {
		t.Error(body)
	}
	r.ok("RemoveUserFromGroup UserName=bob GroupName=H")
	r.ok("DeleteGroup GroupName=h")
}

// Pages give every user once, in order.
func TestPages(t *testing.T) {
	r := newRig(t)
	if err := r.dir.Change(t.Context(), account, func(tx *resources.Tx) error {
		for i := range 250 {
			name := "user" + strconv.Itoa(1000+i)
			tx.Users.Put(name, iam.User{ID: newID("AIDA"), Name: name, Path: "/"})
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	marker, last, seen := "", "", 0
	for {
		body := r.ok("ListUsers Marker=" + marker)
		names := strings.Split(body, "<UserName>")[1:]
		for _, n := range names {
			if n <= last {
				t.Fatalf("%s after %s", n, last)
			}
			last = n
			seen++
		}
		if element(t, body, "IsTruncated") == "false" {
			break
		}
		marker = element(t, body, "Marker")
	}
	if seen != 250 {
		t.Errorf("%d users", seen)
	}
}

func TestSimulateCustom(t *testing.T) {
	r := newRig(t)
	const pool = "arn:aws:sms-voice:us-east-1:" + account + ":pool/pool-1"
	for _, c := range []struct{ more, decision, bounded string }{
		{"", "allowed", ""},
		{" PermissionsBoundaryPolicyInputList.member.1=" + strings.ReplaceAll(allowAll, `"Action":"*"`, `"Action":"s3:*"`), "implicitDeny", "false"},
		{" PermissionsBoundaryPolicyInputList.member.1=" + allowAll, "allowed", "true"},
		{" PolicyInputList.member.2=" + strings.ReplaceAll(allowAll, "Allow", "Deny"), "explicitDeny", ""},
		{" CallerArn=arn:aws:iam::" + other + ":user/x ResourceOwner=" + arn + "root", "implicitDeny", ""},
		{" CallerArn=arn:aws:iam::" + other + ":user/x ResourceOwner=" + arn + `root ResourcePolicy={"Statement":{"Effect":"Allow","Principal":{"AWS":"` + other +
			`"},"Action":"sms-voice:DeletePool","Resource":"` + pool + `"}}`, "allowed", ""},
	} {
		body := r.ok("SimulateCustomPolicy PolicyInputList.member.1=" + allowAll + " ActionNames.member.1=sms-voice:DeletePool ResourceArns.member.1=" + pool + c.more)
		if got := element(t, body, "EvalDecision"); got != c.decision {
			t.Errorf("%s: %s, not %s", c.more, got, c.decision)
		}
		if c.bounded != "" && element(t, body, "AllowedByPermissionsBoundary") != c.bounded {
			t.Errorf("%s: %s", c.more, body)
		}
	}
}

func FuzzRequests(f *testing.F) {
	f.Add("Action=CreateUser&UserName=a&Path=/&Tags.member.1.Key=k")
	f.Add("Action=SimulateCustomPolicy&PolicyInputList.member.1=" + allowAll + "&ActionNames.member.1=a:b&ContextEntries.member.1.ContextKeyName=aws:a")
	f.Add("Action=GetPolicy&PolicyArn=arn:aws:iam::111122223333:policy/x")
	f.Fuzz(func(t *testing.T, body string) {
		s := New(Options{Partition: "aws", Now: time.Now})
		c := &service.Caller{AccountID: account, Account: &resources.Snapshot{}, Identity: &iam.Identity{Principal: iam.Principal{Type: iam.UserType, Name: "x"}}}
		req := &service.Request{Method: http.MethodPost, Path: "/", Body: []byte(body)}
		if name := s.Action(req); strings.HasPrefix(name, "Simulate") || name == "GetContextKeysForCustomPolicy" {
			if _, err := s.Answer(t.Context(), c, req); err != nil && s.Fault(err, "").Status >= 500 {
				t.Errorf("%s: %v", body, err)
			}
		}
	})
}
