package iam

import (
	"encoding/base32"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"heliograph/internal/api/service"
	"heliograph/internal/iam"
	"heliograph/internal/identity/password"
	"heliograph/internal/identity/totp"
	"heliograph/internal/resources"
)

func TestPasswords(t *testing.T) {
	r := newRig(t)
	r.ok("CreateUser UserName=bob")
	r.ok("CreateLoginProfile UserName=bob Password=correct~horse~battery PasswordResetRequired=true")
	as := func(line string) (int, string) { return r.do(r.as(account, "bob"), line) }
	if status, body := as("ChangePassword OldPassword=wrong~horse~battery NewPassword=another~horse~battery"); status != http.StatusForbidden || !strings.Contains(body, "AccessDenied") {
		t.Errorf("%d %s", status, body)
	}
	if status, body := as("ChangePassword OldPassword=correct~horse~battery NewPassword=another~horse~battery"); status != http.StatusOK {
		t.Errorf("%d %s", status, body)
	}
	if body := r.ok("GetLoginProfile UserName=bob"); element(t, body, "PasswordResetRequired") != "false" {
		t.Error(body)
	}
	r.ok("UpdateLoginProfile UserName=bob PasswordResetRequired=true")
	r.ok("DeleteLoginProfile UserName=bob")
	r.refused("GetLoginProfile UserName=bob", 404, "NoSuchEntity")
}

// TestPasswordRates: an account sets few passwords, and who sets many finds others first.
func TestPasswordRates(t *testing.T) {
	r := newRig(t)
	r.ok("CreateUser UserName=bob")
	r.ok("CreateLoginProfile UserName=bob Password=correct~horse~battery")
	for range passwordsBurst - 1 {
		r.service.passwords.Allow(account, r.now)
	}
	r.refused("UpdateLoginProfile UserName=bob Password=another~horse~battery", 400, "Throttling")
	r.refused("CreateLoginProfile UserName=bob Password=another~horse~battery", 400, "Throttling")
	const change = "ChangePassword OldPassword=correct~horse~battery NewPassword=another~horse~battery"
	if status, body := r.do(r.as(account, "bob"), change); status != http.StatusBadRequest || !strings.Contains(body, "<Code>Throttling<") {
		t.Error(body)
	}
	r.ok("UpdateLoginProfile UserName=bob PasswordResetRequired=true") // which costs nothing
	if _, body := r.do(r.as(other, ""), "CreateLoginProfile UserName=bob Password=correct~horse~battery"); !strings.Contains(body, "<Code>NoSuchEntity<") {
		t.Errorf("another account: %s", body)
	}
	r.now = r.now.Add(time.Second)
	r.ok("UpdateLoginProfile UserName=bob Password=correct~horse~battery")

	r.now = r.now.Add(time.Minute)
	r.service.hasher = password.NewHasher(0, 0)
	r.refused("UpdateLoginProfile UserName=bob Password=another~horse~battery", 400, "Throttling")
	if status, body := r.do(r.as(account, "bob"), change); status != http.StatusBadRequest || !strings.Contains(body, "<Code>Throttling<") {
		t.Error(body)
	}
}

// TestOldPasswordRates: a session does not find out the password that it was made by.
func TestOldPasswordRates(t *testing.T) {
	r := newRig(t)
	for _, user := range []string{"bob", "eve"} {
		r.ok("CreateUser UserName=" + user)
		r.ok("CreateLoginProfile UserName=" + user + " Password=correct~horse~battery")
	}
	change := func(by, old string) string {
		_, body := r.do(r.as(account, by), "ChangePassword OldPassword="+old+" NewPassword=another~horse~battery")
		return body
	}
	if body := change("bob", "wrong"); !strings.Contains(body, "<Code>AccessDenied<") {
		t.Error(body)
	}
	id := r.dir.Account(account).Users.Get(resources.IAMKey("bob")).Value.ID
	for range triesBurst - 1 {
		r.service.tries.Allow(account+"/"+id, r.now)
	}
	for _, old := range []string{"wrong", "correct~horse~battery"} {
		if body := change("bob", old); !strings.Contains(body, "<Code>Throttling<") {
			t.Errorf("%s: %s", old, body)
		}
	}
	if body := change("eve", "correct~horse~battery"); strings.Contains(body, "<Error>") {
		t.Errorf("another user: %s", body)
	}
	r.now = r.now.Add(30 * time.Second)
	if body := change("bob", "correct~horse~battery"); strings.Contains(body, "<Error>") {
		t.Error(body)
	}
}

func TestDevices(t *testing.T) {
	r := newRig(t)
	r.ok("CreateUser UserName=bob")
	made := r.ok("CreateVirtualMFADevice VirtualMFADeviceName=phone Path=/bob/")
	serial := element(t, made, "SerialNumber")
	seed, err := base64.StdEncoding.DecodeString(element(t, made, "Base32StringSeed"))
	if err != nil || serial != arn+"mfa/bob/phone" {
		t.Fatal(serial, err)
	}
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(string(seed))
	if err != nil {
		t.Fatal(err)
	}
	codes := func(step int64) string {
		return fmt.Sprintf(" UserName=bob SerialNumber=%s AuthenticationCode1=%s AuthenticationCode2=%s", serial, totp.Code(secret, step), totp.Code(secret, step+1))
	}
	now := totp.Step(r.now)
	r.refused("CreateVirtualMFADevice VirtualMFADeviceName=phone Path=/bob/", 409, "EntityAlreadyExists")
	r.refused("EnableMFADevice"+codes(now-100), 403, "InvalidAuthenticationCode")
	r.ok("EnableMFADevice" + codes(now-1))
	r.refused("EnableMFADevice"+codes(now+1), 409, "EntityAlreadyExists")
	r.refused("ResyncMFADevice"+codes(now-1), 403, "InvalidAuthenticationCode") // codes that were taken
	r.ok("ResyncMFADevice" + codes(now+1))
	if u := r.dir.Account(account).Users.Get("bob").Value; len(u.MFA) != 1 || u.MFA[0].Step != now+2 || !u.MFA[0].Enabled.Equal(noon) {
		t.Errorf("%+v", u.MFA)
	}
	if body := r.ok("ListMFADevices UserName=bob"); element(t, body, "SerialNumber") != serial {
		t.Error(body)
	}
	if body := r.ok("ListVirtualMFADevices AssignmentStatus=Assigned"); element(t, body, "UserName") != "bob" {
		t.Error(body)
	}
	if body := r.ok("GetMFADevice SerialNumber=" + serial); element(t, body, "UserName") != "bob" {
		t.Error(body)
	}
	r.refused("DeleteVirtualMFADevice SerialNumber="+serial, 409, "DeleteConflict")
	r.refused("DeleteUser UserName=bob", 409, "DeleteConflict")
	r.ok("DeactivateMFADevice UserName=bob SerialNumber=" + serial)
	r.refused("EnableMFADevice"+codes(now), 403, "InvalidAuthenticationCode") // also from before
	r.ok("DeleteVirtualMFADevice SerialNumber=" + serial)
	r.ok("DeleteUser UserName=bob")
}

// A user who names no user asks about a device of its own.
func TestDeviceOfAnother(t *testing.T) {
	r := newRig(t)
	r.ok("CreateUser UserName=bob")
	r.ok("CreateUser UserName=eve")
	const serial = arn + "mfa/phone"
	if err := r.dir.Change(t.Context(), account, func(tx *resources.Tx) error {
		bob := tx.Users.Get(resources.IAMKey("bob")).Value
		bob.MFA = []iam.MFA{{Serial: serial}}
		tx.Users.Put(resources.IAMKey("bob"), bob)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	role := r.as(account, "")
	role.Identity = &iam.Identity{Principal: iam.Principal{Type: iam.AssumedRole, Account: account}}
	for _, c := range []struct {
		by   *service.Caller
		line string
		ok   bool
	}{
		{r.as(account, "bob"), "", true},
		{r.as(account, "eve"), "", false},
		{r.as(account, "eve"), " UserName=eve", false},
		{r.as(account, "eve"), " UserName=bob", true}, // which its policies have to allow
		{r.as(account, ""), "", true},                 // of all
		{role, "", true},
	} {
		status, body := r.do(c.by, "GetMFADevice SerialNumber="+serial+c.line)
		if (status == http.StatusOK) != c.ok || !c.ok && !strings.Contains(body, "<Code>NoSuchEntity<") {
			t.Errorf("%s%s: %s", c.by.Principal, c.line, body)
		}
	}
}
