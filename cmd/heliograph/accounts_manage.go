package main

import (
	"fmt"
	"strconv"

	"heliograph/internal/admin"
)

type accountsCommand struct {
	Create createAccount `cmd:"" help:"Make an account, and print the access key of its root."`
	List   listAccounts  `cmd:"" help:"List the accounts."`
	Show   showAccountID `cmd:"" help:"Show an account: its tier, what it has and what it may spend."`
}

type createAccount struct {
	Account string `arg:"" optional:"" help:"Twelve digits. Default: any that are free."`
	Tier    string `enum:"sandbox,production" default:"sandbox" help:"sandbox or production."`
	Profile string `placeholder:"NAME" help:"Name of the profile that is printed. Default: the account."`
	JSON    bool   `name:"json" help:"Print one JSON document."`
}

// Run makes the account.
func (c createAccount) Run(s *session) error {
	server, err := s.client()
	if err != nil {
		return err
	}
	var out admin.CreateAccountOutput
	if err := server.call(s.ctx, "CreateAccount", admin.CreateAccountInput{Account: c.Account, Tier: c.Tier}, &out); err != nil {
		return err
	}
	if c.JSON {
		return printDocument(s.out, out)
	}
	return printKey(s, out.Key, c.Profile, server.region)
}

type listAccounts struct {
	JSON bool `name:"json" help:"Print one JSON object a line."`
}

// Run prints the accounts.
func (c listAccounts) Run(s *session) error {
	server, err := s.client()
	if err != nil {
		return err
	}
	var out admin.ListAccountsOutput
	if err := server.call(s.ctx, "ListAccounts", admin.ListAccountsInput{}, &out); err != nil {
		return err
	}
	if c.JSON {
		for _, a := range out.Accounts {
			if err := printLine(s.out, a); err != nil {
				return err
			}
		}
		return nil
	}
	t := newTable(s.out)
	t.row("ACCOUNT", "TIER", "USERS", "ROLES", "KEYS", "NUMBERS", "")
	for _, a := range out.Accounts {
		operator := " "
		if a.Operator {
			operator = "the operator's"
		}
		t.row(a.Account, a.Tier, strconv.Itoa(a.Users), strconv.Itoa(a.Roles), strconv.Itoa(a.Keys), strconv.Itoa(a.PhoneNumbers), operator)
	}
	return t.flush()
}

type showAccountID struct {
	Account string `arg:"" help:"The account."`
	JSON    bool   `name:"json" help:"Print one JSON document."`
}

// Run prints the account.
func (c showAccountID) Run(s *session) error {
	return printAccount(s, "ShowAccount", admin.ShowAccountInput{Account: c.Account}, c.JSON)
}

// printKey prints an access key as the file of shared credentials has it.
func printKey(s *session, k admin.NewKey, profile, region string) error {
	if profile == "" {
		profile = k.Account
		if k.User != "" {
			profile = k.User
		}
	}
	_, err := fmt.Fprintf(s.out, "[%s]\naws_access_key_id = %s\naws_secret_access_key = %s\nregion = %s\n", profile, k.AccessKeyID, k.SecretAccessKey, region)
	return err
}
