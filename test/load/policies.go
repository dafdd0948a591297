package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"heliograph/test/rig"
)

// Those who send.
const (
	asRoot = "the root of the account"
	asUser = "a user with ten policies"
)

// policies puts the same loads on a server by its account's root, who needs no policy,
// and by a user with ten attached policies of which the last one allows to send, in
// alternating runs.
func (o options) policies() error {
	all, end, err := engines(o.database)
	if err != nil {
		return err
	}
	defer end()
	for _, e := range all {
		for _, l := range o.loads(2000) {
			if l.name == "end-to-end" {
				continue
			}
			results := map[string][]result{}
			for round := range o.rounds {
				order := []string{asRoot, asUser}
				if round%2 == 1 {
					slices.Reverse(order)
				}
				for _, who := range order {
					r, err := l.run(o.sentBy(e, who))
					if err != nil {
						return fmt.Errorf("%s by %s on %s: %w", l.name, who, e.name, err)
					}
					results[who] = append(results[who], r)
				}
			}
			root, user := median(results[asRoot]), median(results[asUser])
			root.print(asRoot+" on "+e.name, l)
			user.print(asUser+" on "+e.name, l)
			printRatios(l, asUser, asRoot, user, root)
		}
	}
	return nil
}

// sentBy starts a server whose clients sign with the key of one of them.
func (o options) sentBy(e engine, who string) starter {
	return func(dir, sink string, receipts bool) (gateway, error) {
		s, err := startServer(o.settings, e, dir, sink, receipts)
		if err != nil || who == asRoot {
			return s, err
		}
		key, err := s.limitedUser()
		if err != nil {
			s.kill()
			return nil, err
		}
		return signedBy{s, key}, nil
	}
}

// signedBy is a server whose clients have a key of their own.
type signedBy struct {
	*server
	key rig.Key
}

func (s signedBy) dial(events bool) (client, error) {
	c, err := s.key.Dial(s.Address)
	if err != nil {
		return nil, err
	}
	one := apiClient{Client: c}
	if events {
		one.suffix = setSuffix
	}
	return one, nil
}

// attached is how many policies the user has.
const attached = 10

// limitedUser makes a user with attached policies, as programs of a larger account have
// them, and a key.
func (s *server) limitedUser() (key rig.Key, err error) {
	if err := s.iam(nil, "CreateUser", "UserName", "sender"); err != nil {
		return key, err
	}
	for i := range attached {
		var made struct {
			ARN string `xml:"CreatePolicyResult>Policy>Arn"`
		}
		if err := s.iam(&made, "CreatePolicy", "PolicyName", fmt.Sprintf("policy-%d", i), "PolicyDocument", policyDocument(i)); err != nil {
			return key, err
		}
		if err := s.iam(nil, "AttachUserPolicy", "UserName", "sender", "PolicyArn", made.ARN); err != nil {
			return key, err
		}
	}
	var made struct {
		ID     string `xml:"CreateAccessKeyResult>AccessKey>AccessKeyId"`
		Secret string `xml:"CreateAccessKeyResult>AccessKey>SecretAccessKey"`
	}
	err = s.iam(&made, "CreateAccessKey", "UserName", "sender")
	return rig.Key{ID: made.ID, Secret: made.Secret}, err
}

// policyDocument is the policy with a number: reading, a refusal with conditions, and in
// the last one the permission to send.
func policyDocument(number int) string {
	send := "Describe"
	if number == attached-1 {
		send = "Send"
	}
	return fmt.Sprintf(`{"Version": "2012-10-17", "Statement": [
		{"Sid": "Read", "Effect": "Allow", "Action": ["sms-voice:DescribePools", "sms-voice:DescribePhoneNumbers", "sms-voice:List*"], "Resource": "*"},
		{"Sid": "Lists", "Effect": "Allow", "Action": "sms-voice:PutOptedOutNumber", "Resource": "arn:aws:sms-voice:us-east-1:111122223333:opt-out-list/team-%d-*"},
		{"Sid": "Never", "Effect": "Deny", "Action": "sms-voice:Delete*", "Resource": "*", "Condition": {"StringNotEquals": {"aws:PrincipalTag/team": "team-%d"}}},
		{"Sid": "Send", "Effect": "Allow", "Action": "sms-voice:%s*", "Resource": "arn:aws:sms-voice:us-east-1:111122223333:phone-number/*",
		 "Condition": {"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "127.0.0.0/8"]}, "DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}}]}`, number, number, send)
}

// iam makes a call of IAM as root, with parameters by name, and reads its answer.
func (s *server) iam(answer any, action string, parameters ...string) error {
	root, err := s.Key()
	if err != nil {
		return err
	}
	form := url.Values{"Action": {action}, "Version": {"2010-05-08"}}
	for i := 0; i < len(parameters); i += 2 {
		form.Set(parameters[i], parameters[i+1])
	}
	body := []byte(form.Encode())
	request, err := http.NewRequest(http.MethodPost, "http://"+s.Address+"/", bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(context.Background(), aws.Credentials{AccessKeyID: root.ID, SecretAccessKey: root.Secret}, request,
		hex.EncodeToString(sum[:]), "iam", rig.Region, time.Now()); err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s %s %w", action, response.Status, text, err)
	}
	if answer == nil {
		return nil
	}
	return xml.Unmarshal(text, answer)
}
