package iam

import "strings"

// BuiltIn is a managed policy that every account has and none can change: its ARN has
// "aws" for the account.
type BuiltIn struct {
	ARN         string
	Name        string
	Path        string // "/"
	Description string
	Document    string
}

// Managed gives the managed policies of the service, by name.
func Managed(partition string) []BuiltIn {
	out := make([]BuiltIn, 0, len(builtIns))
	for i := range builtIns {
		b := builtIns[i]
		b.ARN = PolicyARN(partition, "aws", "/", b.Name)
		b.Path = "/"
		b.Document = strings.ReplaceAll(b.Document, "{partition}", partition)
		out = append(out, b)
	}
	return out
}

// LookupManaged finds one of Managed by its ARN.
func LookupManaged(partition, arn string) (BuiltIn, bool) {
	prefix := PolicyARN(partition, "aws", "/", "")
	if !strings.HasPrefix(arn, prefix) {
		return BuiltIn{}, false
	}
	for _, b := range Managed(partition) {
		if b.ARN == arn {
			return b, true
		}
	}
	return BuiltIn{}, false
}

// builtIns by name. {partition} stands for the partition of ARNs.
var builtIns = [...]BuiltIn{
	{Name: "AdministratorAccess", Description: "Everything in the account.", Document: `{
  "Version": "2012-10-17",
  "Statement": [
    {"Effect": "Allow", "Action": "*", "Resource": "*"}
  ]
}`},
	{Name: "HeliographConsoleAccess", Description: "What the console shows, and the password and one-time password device of one's own.", Document: `{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "Messaging",
      "Effect": "Allow",
      "Action": ["sms-voice:Describe*", "sms-voice:List*", "sms-voice:Get*"],
      "Resource": "*"
    },
    {
      "Sid": "Destinations",
      "Effect": "Allow",
      "Action": [
        "iam:ListRoles", "iam:GetRole", "iam:ListAccountAliases", "iam:GetAccountSummary", "iam:GetAccountPasswordPolicy",
        "sns:ListTopics", "sns:GetTopicAttributes",
        "logs:DescribeLogGroups", "logs:DescribeLogStreams",
        "firehose:ListDeliveryStreams", "firehose:DescribeDeliveryStream",
        "s3:ListAllMyBuckets", "cloudtrail:LookupEvents"
      ],
      "Resource": "*"
    },
    {
      "Sid": "Own",
      "Effect": "Allow",
      "Action": [
        "iam:GetUser", "iam:ChangePassword", "iam:GetLoginProfile", "iam:ListAccessKeys", "iam:ListMFADevices",
        "iam:ListGroupsForUser", "iam:ListUserPolicies", "iam:GetUserPolicy", "iam:ListAttachedUserPolicies"
      ],
      "Resource": ["arn:{partition}:iam::*:user/${aws:username}", "arn:{partition}:iam::*:user/*/${aws:username}"]
    }
  ]
}`},
	{Name: "HeliographFullAccess", Description: "Everything of the messaging service, and what destinations need.", Document: `{
  "Version": "2012-10-17",
  "Statement": [
    {"Sid": "Messaging", "Effect": "Allow", "Action": "sms-voice:*", "Resource": "*"},
    {
      "Sid": "Destinations",
      "Effect": "Allow",
      "Action": [
        "iam:ListRoles", "iam:GetRole",
        "sns:ListTopics", "sns:GetTopicAttributes",
        "logs:DescribeLogGroups", "logs:DescribeLogStreams",
        "firehose:ListDeliveryStreams", "firehose:DescribeDeliveryStream"
      ],
      "Resource": "*"
    },
    {
      "Sid": "Roles",
      "Effect": "Allow",
      "Action": "iam:PassRole",
      "Resource": "*",
      "Condition": {"StringEquals": {"iam:PassedToService": "sms-voice.amazonaws.com"}}
    }
  ]
}`},
	{Name: "HeliographReadOnly", Description: "Reads everything of the messaging service and changes nothing.", Document: `{
  "Version": "2012-10-17",
  "Statement": [
    {"Effect": "Allow", "Action": ["sms-voice:Describe*", "sms-voice:List*", "sms-voice:Get*"], "Resource": "*"}
  ]
}`},
	{Name: "HeliographSendOnly", Description: "Sends messages and verification codes, and says what became of messages. Reads nothing.", Document: `{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": [
        "sms-voice:SendTextMessage",
        "sms-voice:SendVoiceMessage",
        "sms-voice:SendMediaMessage",
        "sms-voice:SendDestinationNumberVerificationCode",
        "sms-voice:PutMessageFeedback"
      ],
      "Resource": "*"
    }
  ]
}`},
	{Name: "IAMFullAccess", Description: "Everything of identities and their policies.", Document: `{
  "Version": "2012-10-17",
  "Statement": [
    {"Effect": "Allow", "Action": "iam:*", "Resource": "*"}
  ]
}`},
	{Name: "IAMUserChangePassword", Description: "A user's own password.", Document: `{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": "iam:ChangePassword",
      "Resource": ["arn:{partition}:iam::*:user/${aws:username}", "arn:{partition}:iam::*:user/*/${aws:username}"]
    },
    {"Effect": "Allow", "Action": "iam:GetAccountPasswordPolicy", "Resource": "*"}
  ]
}`},
	{Name: "ReadOnlyAccess", Description: "Reads everything in the account and changes nothing.", Document: `{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": [
        "sms-voice:Describe*", "sms-voice:List*", "sms-voice:Get*",
        "iam:Get*", "iam:List*", "iam:Simulate*", "iam:GenerateCredentialReport",
        "sts:GetCallerIdentity", "sts:GetAccessKeyInfo",
        "sns:Get*", "sns:List*",
        "logs:Describe*", "logs:Get*", "logs:List*", "logs:FilterLogEvents",
        "firehose:Describe*", "firehose:List*",
        "s3:Get*", "s3:List*",
        "cloudtrail:LookupEvents", "cloudtrail:Describe*", "cloudtrail:Get*", "cloudtrail:List*"
      ],
      "Resource": "*"
    }
  ]
}`},
}
