package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"heliograph/internal/api"
	"heliograph/internal/api/sigv4"
	"heliograph/internal/iam"
	"heliograph/internal/identity"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

// The accounts of a neighbourhood: customerAccount shares with borrower and never with
// stranger.
const (
	borrower = "444455556666"
	stranger = "777788889999"
)

// tenants are the access keys of several accounts' principals.
type tenants map[string]iam.Principal

func (k tenants) Lookup(_ context.Context, accessKeyID, _ string) (sigv4.Credential, error) {
	p, ok := k[accessKeyID]
	if !ok {
		return sigv4.Credential{}, sigv4.ErrUnknownKey
	}
	return sigv4.Credential{AccessKeyID: accessKeyID, SecretAccessKey: rootSecret, Account: p.Account, Principal: p.ARN, Identity: &iam.Identity{Principal: p, AccessKeyID: accessKeyID}}, nil
}

func rootOf(account string) iam.Principal {
	return iam.Principal{Type: iam.Root, ARN: iam.RootARN("aws", account), Account: account, ID: account}
}

// neighbourhood is a server of several accounts: owner has a number in a pool, a sender
// ID and an opt-out list.
type neighbourhood struct {
	t                            *testing.T
	url                          string
	owner                        *customer
	sender                       *recorder
	number, free, pool, id, list string // ARNs of the owner's
	poolID, listed               string
}

func newNeighbourhood(t *testing.T, more ...func(*api.Options)) *neighbourhood {
	t.Helper()
	n := &neighbourhood{t: t, sender: &recorder{}, listed: "+14255550123"}
	user := iam.Principal{Type: iam.UserType, ARN: iam.UserARN("aws", borrower, "/", "ann"), Account: borrower, ID: "AIDAANN", Name: "ann"}
	var directory *resources.Directory
	n.url, directory = startServer(t, func(o *api.Options) {
		for _, account := range []string{borrower, stranger} {
			if err := o.Directory.EnsureAccount(t.Context(), account, resources.Production); err != nil {
				t.Fatal(err)
			}
		}
		o.Sender = n.sender
		o.Keys = tenants{rootAccessKey: rootOf(customerAccount), "AKIABORROWER": rootOf(borrower), "AKIASTRANGER": rootOf(stranger), "AKIAANN": user}
		o.Authority = identity.New(identity.Options{Directory: o.Directory, Root: o.Keys, TokenKey: make([]byte, 32), Partition: "aws", Now: time.Now})
		for _, set := range more {
			set(o)
		}
	})
	c := &customer{t: t, directory: directory}
	n.owner = c
	c.optOutList("Quiet")
	c.senderID("HELIO", "GB")
	first := c.number(func(p *sms.PhoneNumber) { p.OptOutList = "Quiet" })
	n.free = c.arn(sms.TypePhoneNumber, c.number())
	n.poolID = "pool-" + strings.Repeat("1", 32)
	c.change(func(tx *resources.Tx) {
		tx.Pools.Put(n.poolID, sms.Pool{ID: n.poolID, Status: sms.PoolActive, MessageType: sms.Transactional, OptOutList: "Quiet"})
		p := tx.PhoneNumbers.Get(first).Value
		p.PoolID = n.poolID
		tx.PhoneNumbers.Put(first, p)
	})
	n.number, n.pool, n.id, n.list = c.arn(sms.TypePhoneNumber, first), c.arn(sms.TypePool, n.poolID), c.arn(sms.TypeSenderID, "HELIO/GB"), c.arn(sms.TypeOptOutList, "Quiet")
	return n
}

// as calls an operation with an access key. input is made JSON.
func (n *neighbourhood) as(key, operation string, input map[string]any) reply {
	n.t.Helper()
	body, err := json.Marshal(input)
	if err != nil {
		n.t.Fatal(err)
	}
	return request{target: prefix + operation, key: key, body: string(body)}.send(n.t, n.url)
}

// ok is as for what has to succeed.
func (n *neighbourhood) ok(key, operation string, input map[string]any) map[string]any {
	n.t.Helper()
	r := n.as(key, operation, input)
	if r.Status != 200 {
		n.t.Fatalf("%s %v: %v", operation, input, r.document)
	}
	return r.document
}

// sharePolicy lets an AWS principal do actions with what the policy is attached to.
func sharePolicy(principal string, actions ...string) string {
	for i := range actions {
		actions[i] = `"sms-voice:` + actions[i] + `"`
	}
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + principal + `"},"Action":[` + strings.Join(actions, ",") + `]}]}`
}

func (n *neighbourhood) share(arn, principal string, actions ...string) {
	n.t.Helper()
	n.ok(rootAccessKey, "PutResourcePolicy", map[string]any{"ResourceArn": arn, "Policy": sharePolicy(principal, actions...)})
}

func TestResourcePolicies(t *testing.T) {
	n := newNeighbourhood(t)
	policy := sharePolicy(borrower, "SendTextMessage")
	on := map[string]any{"ResourceArn": n.pool}
	notFound := func(operation string) {
		t.Helper()
		if r := n.as(rootAccessKey, operation, on); r.Exception != "ResourceNotFoundException" || r.document["ResourceType"] != "policy" {
			t.Errorf("%s without a policy: %v", operation, r.document)
		}
	}
	notFound("GetResourcePolicy")
	notFound("DeleteResourcePolicy")
	put := n.ok(rootAccessKey, "PutResourcePolicy", map[string]any{"ResourceArn": n.pool, "Policy": policy})
	if got := n.ok(rootAccessKey, "GetResourcePolicy", on); put["ResourceArn"] != n.pool || put["Policy"] != policy || fmt.Sprint(got) != fmt.Sprint(put) {
		t.Errorf("put %v, got %v", put, got)
	}
	other := sharePolicy(stranger, "*")
	again := n.ok(rootAccessKey, "PutResourcePolicy", map[string]any{"ResourceArn": n.pool, "Policy": other})
	if again["Policy"] != other || again["CreatedTimestamp"] != put["CreatedTimestamp"] {
		t.Errorf("put again: %v", again)
	}
	if deleted := n.ok(rootAccessKey, "DeleteResourcePolicy", on); deleted["Policy"] != other {
		t.Errorf("deleted: %v", deleted)
	}
	notFound("GetResourcePolicy")

	// A policy goes with its resource.
	for operation, input := range map[string]map[string]any{
		"DeletePool": {"PoolId": n.poolID}, "ReleasePhoneNumber": {"PhoneNumberId": n.free},
		"ReleaseSenderId": {"SenderId": "HELIO", "IsoCountryCode": "GB"}, "DeleteOptOutList": {"OptOutListName": "Quiet"},
	} {
		arn := map[string]string{"DeletePool": n.pool, "ReleasePhoneNumber": n.free, "ReleaseSenderId": n.id, "DeleteOptOutList": n.list}[operation]
		if operation == "DeleteOptOutList" {
			n.owner.change(func(tx *resources.Tx) {
				for _, p := range tx.PhoneNumbers.All() {
					p.Value.OptOutList = sms.DefaultOptOutList
					tx.PhoneNumbers.Put(p.ID, p.Value)
				}
				for _, p := range tx.Pools.All() {
					p.Value.OptOutList = sms.DefaultOptOutList
					tx.Pools.Put(p.ID, p.Value)
				}
			})
		}
		n.share(arn, borrower, "*")
		n.ok(rootAccessKey, operation, input)
	}
	if left := n.owner.directory.Account(customerAccount).ResourcePolicies.Len(); left != 0 {
		t.Errorf("%d policies are left", left)
	}
}

func TestResourcePoliciesRefused(t *testing.T) {
	n := newNeighbourhood(t)
	statement := func(s string) string { return `{"Version":"2012-10-17","Statement":[` + s + `]}` }
	const to = `"Effect":"Allow","Principal":{"AWS":"444455556666"},`
	for name, c := range map[string]struct{ arn, policy, reason, field string }{
		"not JSON":                  {n.pool, `{`, "INVALID_PARAMETER", "Policy"},
		"no principal":              {n.pool, statement(`{"Effect":"Allow","Action":"sms-voice:SendTextMessage"}`), "INVALID_PARAMETER", "Policy"},
		"another service's action":  {n.pool, statement(`{` + to + `"Action":["sms-voice:SendTextMessage","sns:Publish"]}`), "INVALID_PARAMETER", "Policy"},
		"every action":              {n.pool, statement(`{` + to + `"Action":"*"}`), "INVALID_PARAMETER", "Policy"},
		"all but an action":         {n.pool, statement(`{` + to + `"NotAction":"sms-voice:DeletePool"}`), "INVALID_PARAMETER", "Policy"},
		"another resource":          {n.pool, statement(`{` + to + `"Action":"sms-voice:*","Resource":"` + n.number + `"}`), "INVALID_PARAMETER", "Policy"},
		"every resource":            {n.pool, statement(`{` + to + `"Action":"sms-voice:*","Resource":"*"}`), "INVALID_PARAMETER", "Policy"},
		"everybody":                 {n.pool, sharePolicy("*", "SendTextMessage"), "INVALID_PARAMETER", "Policy"},
		"everybody, on a condition": {n.pool, statement(`{"Effect":"Allow","Principal":"*","Action":"sms-voice:*","Condition":{"Bool":{"aws:SecureTransport":"true"}}}`), "INVALID_PARAMETER", "Policy"},
		"everybody of a name":       {n.pool, statement(`{"Effect":"Allow","Principal":"*","Action":"sms-voice:*","Condition":{"StringEquals":{"aws:username":"svc"}}}`), "INVALID_PARAMETER", "Policy"},
		"a configuration set":       {n.owner.arn(sms.TypeConfigurationSet, "x"), sharePolicy(borrower, "*"), "INVALID_ARN", "ResourceArn"},
		"another region":            {strings.Replace(n.pool, customerRegion, "eu-west-1", 1), sharePolicy(borrower, "*"), "INVALID_ARN", "ResourceArn"},
		"no ARN":                    {"pool-11111111111111111111111", sharePolicy(borrower, "*"), "INVALID_PARAMETER", "ResourceArn"},
	} {
		if r := n.as(rootAccessKey, "PutResourcePolicy", map[string]any{"ResourceArn": c.arn, "Policy": c.policy}); r.Reason != c.reason || !slices.Equal(r.Fields, []string{c.field}) {
			t.Errorf("%s: %v", name, r.document)
		}
	}
	if r := n.as(rootAccessKey, "PutResourcePolicy", map[string]any{"ResourceArn": n.owner.arn(sms.TypePool, "pool-none"), "Policy": sharePolicy(borrower, "*")}); r.Exception != "ResourceNotFoundException" {
		t.Errorf("no such pool: %v", r.document)
	}
	for _, good := range []string{
		statement(`{` + to + `"Action":"SMS-Voice:Send*","Resource":["` + n.pool + `"]}`),
		statement(`{"Effect":"Allow","Principal":"*","Action":"sms-voice:*","Condition":{"StringEquals":{"aws:PrincipalAccount":"444455556666"}}}`),
		statement(`{"Effect":"Deny","Principal":"*","Action":"sms-voice:*"}`),
	} {
		n.ok(rootAccessKey, "PutResourcePolicy", map[string]any{"ResourceArn": n.pool, "Policy": good})
	}
}

// What a borrower may do with what is shared with it, and nobody else: by its full ARN,
// in the owner's account.
func TestSharedResources(t *testing.T) {
	n := newNeighbourhood(t)
	everything := func(arn string) { n.share(arn, borrower, "*") }
	calls := []struct {
		arn, operation string
		input          map[string]any
	}{
		{n.pool, "DescribePools", map[string]any{"PoolIds": []string{n.pool}}},
		{n.free, "DescribePhoneNumbers", map[string]any{"PhoneNumberIds": []string{n.free}}},
		{n.id, "DescribeSenderIds", map[string]any{"SenderIds": []any{map[string]any{"SenderId": n.id, "IsoCountryCode": "GB"}}}},
		{n.list, "DescribeOptOutLists", map[string]any{"OptOutListNames": []string{n.list}}},
		{n.pool, "ListPoolOriginationIdentities", map[string]any{"PoolId": n.pool}},
		{n.pool, "UpdatePool", map[string]any{"PoolId": n.pool, "SharedRoutesEnabled": true}},
		{n.free, "UpdatePhoneNumber", map[string]any{"PhoneNumberId": n.free, "InternationalSendingEnabled": true}},
		{n.id, "UpdateSenderId", map[string]any{"SenderId": n.id, "IsoCountryCode": "GB", "DeletionProtectionEnabled": true}},
		{n.pool, "PutKeyword", map[string]any{"OriginationIdentity": n.pool, "Keyword": "JOIN", "KeywordMessage": "hi"}},
		{n.pool, "DescribeKeywords", map[string]any{"OriginationIdentity": n.pool}},
		{n.pool, "DeleteKeyword", map[string]any{"OriginationIdentity": n.pool, "Keyword": "JOIN"}},
		{n.list, "PutOptedOutNumber", map[string]any{"OptOutListName": n.list, "OptedOutNumber": n.listed}},
		{n.list, "DescribeOptedOutNumbers", map[string]any{"OptOutListName": n.list}},
		{n.list, "DeleteOptedOutNumber", map[string]any{"OptOutListName": n.list, "OptedOutNumber": n.listed}},
		{n.list, "ListTagsForResource", map[string]any{"ResourceArn": n.list}},
		{n.pool, "SendTextMessage", map[string]any{"DestinationPhoneNumber": "+447700900123", "OriginationIdentity": n.pool, "MessageBody": "hi"}},
	}
	const never = "pool-99999999999999999999999999999999"
	for _, c := range calls {
		for _, key := range []string{"AKIABORROWER", "AKIASTRANGER"} {
			if r := n.as(key, c.operation, c.input); r.Exception != "AccessDeniedException" {
				t.Errorf("%s before it is shared: %v", c.operation, r.document)
			}
		}
	}
	for _, arn := range []string{n.pool, n.free, n.id, n.list} {
		everything(arn)
	}
	for _, c := range calls {
		n.ok("AKIABORROWER", c.operation, c.input)
		r := n.as("AKIASTRANGER", c.operation, c.input)
		if r.Exception != "AccessDeniedException" {
			t.Errorf("%s by a stranger: %v", c.operation, r.document)
		}
		// A user of the borrower needs its own account's leave too.
		if r := n.as("AKIAANN", c.operation, c.input); r.Exception != "AccessDeniedException" {
			t.Errorf("%s by a user: %v", c.operation, r.document)
		}
	}
	if n.sender.account.Account.ID != borrower || n.sender.request.Owner == nil || n.sender.request.Owner.Account.ID != customerAccount {
		t.Errorf("sent for %s: %+v", n.sender.account.Account.ID, n.sender.request)
	}
	got := n.ok("AKIABORROWER", "DescribePools", map[string]any{"PoolIds": []string{n.pool}})
	if arn := got["Pools"].([]any)[0].(map[string]any)["PoolArn"]; arn != n.pool {
		t.Errorf("the pool's ARN is %s", arn)
	}

	// What is its owner's alone, and what one request cannot do.
	for operation, c := range map[string]struct {
		input     map[string]any
		exception string
	}{
		"DeletePool":           {map[string]any{"PoolId": n.pool}, "AccessDeniedException"},
		"ReleasePhoneNumber":   {map[string]any{"PhoneNumberId": n.free}, "AccessDeniedException"},
		"ReleaseSenderId":      {map[string]any{"SenderId": n.id, "IsoCountryCode": "GB"}, "AccessDeniedException"},
		"DeleteOptOutList":     {map[string]any{"OptOutListName": n.list}, "AccessDeniedException"},
		"TagResource":          {map[string]any{"ResourceArn": n.pool, "Tags": []any{map[string]any{"Key": "a", "Value": "b"}}}, "AccessDeniedException"},
		"UntagResource":        {map[string]any{"ResourceArn": n.pool, "TagKeys": []string{"a"}}, "AccessDeniedException"},
		"PutResourcePolicy":    {map[string]any{"ResourceArn": n.pool, "Policy": sharePolicy(stranger, "*")}, "AccessDeniedException"},
		"GetResourcePolicy":    {map[string]any{"ResourceArn": n.pool}, "AccessDeniedException"},
		"DeleteResourcePolicy": {map[string]any{"ResourceArn": n.pool}, "AccessDeniedException"},
		"CreatePool":           {map[string]any{"OriginationIdentity": n.free, "IsoCountryCode": "GB", "MessageType": "TRANSACTIONAL"}, "AccessDeniedException"},
		"RequestPhoneNumber": {map[string]any{"IsoCountryCode": "US", "MessageType": "TRANSACTIONAL", "NumberCapabilities": []string{"SMS"}, "NumberType": "SIMULATOR", "PoolId": n.pool},
			"AccessDeniedException"},
		"DescribePools":                {map[string]any{"PoolIds": []string{n.pool, never}}, "ValidationException"},
		"UpdatePool":                   {map[string]any{"PoolId": n.pool, "OptOutListName": "Default"}, "ValidationException"},
		"UpdatePhoneNumber":            {map[string]any{"PhoneNumberId": n.free, "TwoWayChannelRole": "arn:aws:iam::444455556666:role/mine"}, "ValidationException"},
		"AssociateOriginationIdentity": {map[string]any{"PoolId": n.pool, "OriginationIdentity": "HELIO", "IsoCountryCode": "GB"}, "ValidationException"},
	} {
		if r := n.as("AKIABORROWER", operation, c.input); r.Exception != c.exception {
			t.Errorf("%s: %v", operation, r.document)
		}
	}
	// Where messages that come in go, and what can be deleted, is not for them to say.
	for member, value := range map[string]any{"TwoWayEnabled": true, "TwoWayChannelArn": "arn:aws:sns:us-east-1:444455556666:mine",
		"SelfManagedOptOutsEnabled": true, "DeletionProtectionEnabled": false} {
		for operation, id := range map[string]map[string]any{"UpdatePool": {"PoolId": n.pool}, "UpdatePhoneNumber": {"PhoneNumberId": n.free}} {
			id[member] = value
			if r := n.as("AKIABORROWER", operation, id); r.Exception != "ValidationException" || !strings.Contains(fmt.Sprint(r.document), member) {
				t.Errorf("%s with %s: %v", operation, member, r.document)
			}
		}
	}
	n.ok("AKIABORROWER", "AssociateOriginationIdentity", map[string]any{"PoolId": n.pool, "OriginationIdentity": n.id, "IsoCountryCode": "GB", "ClientToken": "t"})
	n.ok("AKIABORROWER", "UpdatePhoneNumber", map[string]any{"PhoneNumberId": n.free, "OptOutListName": n.list})
	if got := n.owner.phoneNumber(n.free[strings.LastIndex(n.free, "/")+1:]).OptOutList; got != "Quiet" {
		t.Errorf("the number has the list %s", got)
	}
	// A name alone is one of the caller's own account.
	if r := n.as("AKIABORROWER", "DescribeOptOutLists", map[string]any{"OptOutListNames": []string{"Quiet"}}); r.Exception != "ResourceNotFoundException" {
		t.Errorf("by its name: %v", r.document)
	}
}

// Owner SHARED lists what others let the caller describe, and pages through it.
func TestDescribeShared(t *testing.T) {
	n := newNeighbourhood(t)
	n.share(n.number, borrower, "DescribePhoneNumbers")
	n.share(n.free, borrower, "DescribePhoneNumbers")
	n.share(n.pool, borrower, "DescribePhoneNumbers", "SendTextMessage")
	n.share(n.list, borrower, "Describe*")
	n.share(n.id, "arn:aws:iam::"+borrower+":user/ann", "DescribeSenderIds")
	shared := func(key, operation, list string) int {
		t.Helper()
		return len(n.ok(key, operation, map[string]any{"Owner": "SHARED"})[list].([]any))
	}
	for _, c := range []struct {
		key, operation, list string
		want                 int
	}{
		{"AKIABORROWER", "DescribePhoneNumbers", "PhoneNumbers", 2}, {"AKIABORROWER", "DescribePools", "Pools", 0},
		{"AKIABORROWER", "DescribeOptOutLists", "OptOutLists", 1}, {"AKIABORROWER", "DescribeSenderIds", "SenderIds", 0},
		{"AKIASTRANGER", "DescribePhoneNumbers", "PhoneNumbers", 0}, {rootAccessKey, "DescribePhoneNumbers", "PhoneNumbers", 0},
	} {
		if got := shared(c.key, c.operation, c.list); got != c.want {
			t.Errorf("%s %s: %d, want %d", c.key, c.operation, got, c.want)
		}
	}
	if own := n.ok("AKIABORROWER", "DescribeOptOutLists", map[string]any{"Owner": "SELF"})["OptOutLists"].([]any); len(own) != 1 {
		t.Errorf("its own lists: %v", own)
	}
	first := n.ok("AKIABORROWER", "DescribePhoneNumbers", map[string]any{"Owner": "SHARED", "MaxResults": 1})
	second := n.ok("AKIABORROWER", "DescribePhoneNumbers", map[string]any{"Owner": "SHARED", "MaxResults": 1, "NextToken": first["NextToken"]})
	arns := []any{}
	for _, page := range []map[string]any{first, second} {
		arns = append(arns, page["PhoneNumbers"].([]any)[0].(map[string]any)["PhoneNumberArn"])
	}
	if want := []any{n.number, n.free}; !slices.Equal(arns, want) || second["NextToken"] != nil {
		t.Errorf("pages %v, %v", arns, second["NextToken"])
	}
	if r := n.as("AKIASTRANGER", "DescribePhoneNumbers", map[string]any{"Owner": "SHARED", "MaxResults": 1, "NextToken": first["NextToken"]}); r.Reason != "INVALID_NEXT_TOKEN" {
		t.Errorf("another's token: %v", r.document)
	}
}
