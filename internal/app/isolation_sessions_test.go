package app

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"heliograph/internal/iam"
	"heliograph/internal/identity/password"
	"heliograph/internal/resources"
)

const rightPassword = "correct horse battery"

// login gives a user a password and a device for one-time passwords.
func (s *stage) login(account, user string) (serial string) {
	s.t.Helper()
	hash, err := password.NewHasher(1, 1).Hash(s.t.Context(), rightPassword)
	if err != nil {
		s.t.Fatal(err)
	}
	serial = "arn:aws:iam::" + account + ":mfa/" + user
	s.change(account, func(tx *resources.Tx) {
		u := tx.Users.Get(resources.IAMKey(user)).Value
		u.Login = &iam.Login{Hash: hash, Created: time.Now()}
		u.MFA = []iam.MFA{{Serial: serial, Enabled: time.Now(),
			Secret: s.service.sealer.Seal(nil, []byte(strings.Repeat("s", 20)), []byte(iam.MFASecret(serial)))}}
		tx.Users.Put(resources.IAMKey(user), u)
	})
	return serial
}

// administrator makes a user who may do everything.
func (s *stage) administrator(account string) aws.Credentials {
	s.t.Helper()
	const name = "administrator"
	id, secret := "AKIAPERSON"+account[:8], strings.Repeat("p", 40)
	s.change(account, func(tx *resources.Tx) {
		tx.Users.Put(name, iam.User{ID: "AIDAADMINISTRATOR" + account[:3], Name: name, Path: "/", Grants: iam.Grants{
			Inline: map[string]string{"all": `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`}}})
		tx.AccessKeys.Put(id, iam.AccessKey{ID: id, User: name, Secret: s.service.sealer.Seal(nil, []byte(secret), []byte(iam.AccessKeySecret(id)))})
	})
	return aws.Credentials{AccessKeyID: id, SecretAccessKey: secret}
}

// sessions asks those who give sessions, and the bucket that all accounts read.
func (s *stage) sessions(accounts [2]string) {
	s.t.Helper()
	sts := func(operation, member string, more map[string]string) func(string, map[string]string) ask {
		return func(value string, _ map[string]string) ask {
			all := map[string]string{member: value}
			for name, v := range more {
				all[name] = v
			}
			return query("sts", operation, all)
		}
	}
	// Roots assume no role: administrators ask.
	defer func(roots [2]aws.Credentials) { s.attackers = roots }(s.attackers)
	for i, account := range accounts {
		s.attackers[i] = s.administrator(account)
	}
	serials := [2]string{s.secrets["serial"][0], s.secrets["serial"][1]}
	s.same("sts:AssumeRole", s.secrets["role ARN"], sts("AssumeRole", "RoleArn", map[string]string{"RoleSessionName": "me"}))
	s.same("sts:AssumeRole with a policy", s.secrets["policy ARN"], sts("AssumeRole", "PolicyArns.member.1.arn",
		map[string]string{"RoleArn": "arn:aws:iam::" + victim + ":role/none", "RoleSessionName": "me"}))
	s.same("sts:AssumeRole with a device", serials, sts("AssumeRole", "SerialNumber",
		map[string]string{"RoleArn": "arn:aws:iam::" + victim + ":role/none", "RoleSessionName": "me", "TokenCode": "123456"}))
	s.same("sts:GetSessionToken with a device", serials, sts("GetSessionToken", "SerialNumber", map[string]string{"TokenCode": "123456"}))
	s.same("sts:GetAccessKeyInfo of a user", s.secrets["access key"], sts("GetAccessKeyInfo", "AccessKeyId", nil))
	s.same("sts:GetAccessKeyInfo of a root", [2]string{s.victim.AccessKeyID, "AKIANEVERWASATHING01"}, sts("GetAccessKeyInfo", "AccessKeyId", nil))
	s.same("sts:AssumeRoleWithWebIdentity", s.secrets["role ARN"], func(arn string, _ map[string]string) ask {
		a := query("sts", "AssumeRoleWithWebIdentity", map[string]string{"RoleArn": arn, "RoleSessionName": "me", "WebIdentityToken": "e30.e30.AAAA"})
		a.unsigned = true
		return a
	})
	signIn := func(account, user, password string) ask {
		body, err := json.Marshal(map[string]string{"account": account, "user": user, "password": password})
		if err != nil {
			s.t.Fatal(err)
		}
		return ask{method: http.MethodPost, path: "/signin", contentType: "application/json", body: string(body), unsigned: true}
	}
	for _, guess := range []string{"a wrong password", rightPassword} { // the right one lacks the device's code
		s.same("signin by name", s.secrets["user"], func(user string, _ map[string]string) ask { return signIn(victim, user, guess) })
		s.same("signin by account", [2]string{victim, nobody}, func(account string, _ map[string]string) ask {
			return signIn(account, s.secrets["user"][0], guess)
		})
	}
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		s.same("s3 "+method, s.secrets["stream"], func(name string, _ map[string]string) ask {
			return ask{service: "s3", method: method, path: "/" + name + "/" + name}
		})
	}
}

// trailed is a request to the built-in CloudTrail.
func trailed(operation string, in any) ask {
	body, _ := json.Marshal(in) // texts and numbers
	return ask{service: "cloudtrail", target: "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101." + operation, contentType: "application/x-amz-json-1.1", body: string(body)}
}

// lookups asks for records of the victim's calls, before the attackers' own ones name
// anything of the victim's.
func (s *stage) lookups() {
	s.t.Helper()
	var page struct {
		Events []struct {
			EventId, CloudTrailEvent string
		}
		NextToken string
	}
	read := func(by int, in any) (answer string) {
		s.t.Helper()
		who := s.victim
		if by >= 0 {
			who = s.attackers[by]
		}
		status, answer := s.send(who, trailed("LookupEvents", in))
		if status != http.StatusOK {
			s.t.Fatalf("LookupEvents: %d %s", status, answer)
		}
		page.Events, page.NextToken = nil, ""
		if err := json.Unmarshal([]byte(strings.TrimSpace(answer)), &page); err != nil {
			s.t.Fatal(err)
		}
		return answer
	}
	for deadline := time.Now().Add(20 * time.Second); len(page.Events) < 2; time.Sleep(50 * time.Millisecond) {
		if read(-1, in{"MaxResults": 2}); time.Now().After(deadline) {
			s.t.Fatal("the victim's records cannot be looked up")
		}
	}
	token := page.NextToken
	asked := map[string][2]string{"EventId": {page.Events[0].EventId, "01234567-89ab-4cde-8f01-23456789abcd"}, "AccessKeyId": {s.victim.AccessKeyID, "AKIANEVERWASATHING01"},
		"Username": s.secrets["user"], "ResourceName": s.secrets["role ARN"]}
	for key, values := range asked {
		s.same("LookupEvents by "+key, values, func(value string, _ map[string]string) ask {
			return trailed("LookupEvents", in{"LookupAttributes": []any{in{"AttributeKey": key, "AttributeValue": value}}})
		})
	}
	for by := range s.attackers {
		for _, input := range []in{{}, {"NextToken": token}} {
			if answer := read(by, input); strings.Contains(answer, victim) {
				s.t.Errorf("an attacker is shown a record of the victim's: %s", answer)
			}
		}
	}
	arn := [2]string{"arn:aws:cloudtrail:us-east-1:" + victim + ":trail/heliograph", "arn:aws:cloudtrail:us-east-1:" + nobody + ":trail/heliograph"}
	s.same("DescribeTrails", arn, func(value string, _ map[string]string) ask {
		return trailed("DescribeTrails", in{"trailNameList": []string{value}})
	})
	s.same("GetTrailStatus", arn, func(value string, _ map[string]string) ask { return trailed("GetTrailStatus", in{"Name": value}) })
}
