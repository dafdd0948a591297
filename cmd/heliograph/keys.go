package main

import (
	"cmp"

	"heliograph/internal/admin"
)

// keysCommand is about keys.
type keysCommand struct {
	Create     createKey         `cmd:"" help:"Make an access key, and print it with its secret, which is shown this once."`
	List       listKeys          `cmd:"" help:"List access keys."`
	Disable    disableKey        `cmd:"" help:"Let an access key sign nothing until it is enabled again."`
	Enable     enableKey         `cmd:"" help:"Enable an access key that is disabled."`
	Delete     deleteKey         `cmd:"" help:"Delete an access key."`
	RotateData rotateDataCommand `cmd:"" name:"rotate-data" help:"Make a new key for data at rest, and wrap all of them with the master key that is configured."`
}

type createKey struct {
	Account string `placeholder:"ID" help:"Account. Default: the first account."`
	User    string `placeholder:"NAME" help:"User. Default: the account's root."`
	Profile string `placeholder:"NAME" help:"Name of the profile that is printed. Default: the user or the account."`
	JSON    bool   `name:"json" help:"Print one JSON document."`
}

// Run makes the key.
func (c createKey) Run(s *session) error {
	server, err := s.client()
	if err != nil {
		return err
	}
	var k admin.NewKey
	if err := server.call(s.ctx, "CreateKey", admin.CreateKeyInput{Account: c.Account, User: c.User}, &k); err != nil {
		return err
	}
	if c.JSON {
		return printDocument(s.out, k)
	}
	return printKey(s, k, c.Profile, server.region)
}

type listKeys struct {
	Account string `placeholder:"ID" help:"Only keys of this account."`
	User    string `placeholder:"NAME" help:"Only keys of users with this name."`
	JSON    bool   `name:"json" help:"Print one JSON object a line."`
}

// Run prints the keys.
func (c listKeys) Run(s *session) error {
	server, err := s.client()
	if err != nil {
		return err
	}
	var out admin.ListKeysOutput
	if err := server.call(s.ctx, "ListKeys", admin.ListKeysInput{Account: c.Account, User: c.User}, &out); err != nil {
		return err
	}
	return printKeys(s, out.Keys, c.JSON)
}

func printKeys(s *session, keys []admin.ListedKey, asJSON bool) error {
	if asJSON {
		for _, k := range keys {
			if err := printLine(s.out, k); err != nil {
				return err
			}
		}
		return nil
	}
	t := newTable(s.out)
	t.row("KEY", "ACCOUNT", "OF", "STATE", "CREATED")
	for _, k := range keys {
		state := "active"
		if !k.Active {
			state = "disabled"
		}
		t.row(k.AccessKeyID, k.Account, cmp.Or(k.User, "root"), state, clock(k.Created))
	}
	return t.flush()
}

type disableKey struct {
	Key string `arg:"" help:"Access key ID."`
}

// Run disables the key.
func (c disableKey) Run(s *session) error {
	return changeKey(s, "SetKeyState", admin.SetKeyStateInput{AccessKeyID: c.Key})
}

type enableKey struct {
	Key string `arg:"" help:"Access key ID."`
}

// Run enables the key.
func (c enableKey) Run(s *session) error {
	return changeKey(s, "SetKeyState", admin.SetKeyStateInput{AccessKeyID: c.Key, Active: true})
}

type deleteKey struct {
	Key string `arg:"" help:"Access key ID."`
}

// Run deletes the key.
func (c deleteKey) Run(s *session) error {
	return changeKey(s, "DeleteKey", admin.DeleteKeyInput{AccessKeyID: c.Key})
}

func changeKey(s *session, operation string, in any) error {
	server, err := s.client()
	if err != nil {
		return err
	}
	var out admin.KeyOutput
	if err := server.call(s.ctx, operation, in, &out); err != nil {
		return err
	}
	return printKeys(s, []admin.ListedKey{out.Key}, false)
}
