package iam

import (
	"slices"
	"testing"
)

func TestManaged(t *testing.T) {
	var names []string
	for _, partition := range []string{"aws", "aws-cn"} {
		names = nil
		for _, b := range Managed(partition) {
			names = append(names, b.Name)
			mustParse(t, b.Document, IdentityPolicy)
			if len(b.Document) > MaxManagedDocument || b.Path != "/" || b.Description == "" {
				t.Errorf("%+v", b)
			}
			if found, ok := LookupManaged(partition, b.ARN); !ok || found != b || b.ARN != "arn:"+partition+":iam::aws:policy/"+b.Name {
				t.Errorf("%s: %+v", b.ARN, found)
			}
		}
	}
	if !slices.IsSorted(names) || len(names) != 8 {
		t.Error(names)
	}
	for _, arn := range []string{"", "arn:aws:iam::aws:policy/", "arn:aws:iam::111122223333:policy/AdministratorAccess", "arn:aws-cn:iam::aws:policy/AdministratorAccess"} {
		if b, ok := LookupManaged("aws", arn); ok {
			t.Errorf("%s is %+v", arn, b)
		}
	}
}

// What each allows a user of that name.
func TestManagedAllow(t *testing.T) {
	own, other := "arn:aws:iam::111122223333:user/ann", "arn:aws:iam::111122223333:user/bob"
	for _, test := range []struct {
		name             string
		allowed, refused []string // actions, on * or on the ARN behind a space
	}{
		{"AdministratorAccess", []string{"sms-voice:DeletePool", "iam:CreateUser", "heliograph:Anything"}, nil},
		{"ReadOnlyAccess", []string{"sms-voice:DescribePools", "sms-voice:GetResourcePolicy", "iam:ListUsers", "sns:ListTopics", "logs:FilterLogEvents", "cloudtrail:LookupEvents"},
			[]string{"sms-voice:SendTextMessage", "sms-voice:PutKeyword", "iam:CreateUser", "sns:Publish", "sts:AssumeRole", "sms-voice:CarrierLookup"}},
		{"HeliographFullAccess", []string{"sms-voice:SendTextMessage", "sms-voice:PutResourcePolicy", "iam:ListRoles"}, []string{"iam:PassRole", "iam:CreateRole", "sns:Publish"}},
		{"HeliographReadOnly", []string{"sms-voice:DescribeSpendLimits", "sms-voice:ListTagsForResource", "sms-voice:GetProtectConfigurationCountryRuleSet"},
			[]string{"sms-voice:SendTextMessage", "sms-voice:TagResource", "iam:ListUsers"}},
		{"HeliographSendOnly", []string{"sms-voice:SendTextMessage", "sms-voice:SendVoiceMessage", "sms-voice:SendMediaMessage", "sms-voice:SendDestinationNumberVerificationCode", "sms-voice:PutMessageFeedback"},
			[]string{"sms-voice:DescribePools", "sms-voice:SendNotifyTextMessage", "sms-voice:PutKeyword"}},
		{"HeliographConsoleAccess", []string{"sms-voice:DescribePools", "iam:ListRoles", "iam:ChangePassword " + own}, []string{"sms-voice:SendTextMessage", "iam:ChangePassword " + other, "iam:ListUsers", "iam:PassRole"}},
		{"IAMFullAccess", []string{"iam:CreateUser", "iam:PassRole"}, []string{"sms-voice:DescribePools", "sts:AssumeRole"}},
		{"IAMUserChangePassword", []string{"iam:ChangePassword " + own, "iam:ChangePassword arn:aws:iam::111122223333:user/team/ann", "iam:GetAccountPasswordPolicy"}, []string{"iam:ChangePassword " + other, "iam:GetUser " + own}},
	} {
		b, ok := LookupManaged("aws", "arn:aws:iam::aws:policy/"+test.name)
		if !ok {
			t.Fatal(test.name)
		}
		s := &Subject{Principal: ann(), Identity: []Attached{{Name: b.ARN, Policy: mustParse(t, b.Document, IdentityPolicy)}}}
		for i, actions := range [][]string{test.allowed, test.refused} {
			for _, action := range actions {
				r := &Request{Action: action, Resource: "*", Context: &Circumstances{Principal: s.Principal}}
				if n := slices.Index([]byte(action), ' '); n > 0 {
					r.Action, r.Resource = action[:n], action[n+1:]
				}
				if d := Decide(s, r, nil); d.Allowed != (i == 0) {
					t.Errorf("%s: %s: %+v", test.name, action, d)
				}
			}
		}
	}
}
