package main

import (
	"strconv"

	"heliograph/internal/admin"
)

type accountCommand struct {
	Show showAccount `cmd:"" help:"Show an account: its tier, what it has and what it may spend."`
	Tier tierCommand `cmd:"" help:"Move an account out of the sandbox, or back."`
}

type showAccount struct {
	Account string `placeholder:"ID" help:"Account. Default: the first account."`
	JSON    bool   `name:"json" help:"Print one JSON document."`
}

// Run prints the account.
func (c showAccount) Run(s *session) error {
	return printAccount(s, "ShowAccount", admin.ShowAccountInput{Account: c.Account}, c.JSON)
}

type tierCommand struct {
	Tier    string `arg:"" enum:"sandbox,production" help:"sandbox or production."`
	Account string `placeholder:"ID" help:"Account. Default: the first account."`
	JSON    bool   `name:"json" help:"Print one JSON document."`
}

// Run moves the account.
func (c tierCommand) Run(s *session) error {
	return printAccount(s, "SetAccountTier", admin.SetAccountTierInput{Account: c.Account, Tier: c.Tier}, c.JSON)
}

func printAccount(s *session, operation string, in any, asJSON bool) error {
	server, err := s.client()
	if err != nil {
		return err
	}
	var a admin.AccountState
	if err := server.call(s.ctx, operation, in, &a); err != nil {
		return err
	}
	if asJSON {
		return printDocument(s.out, a)
	}
	t := newTable(s.out)
	t.row("account", a.Account)
	tier := a.Tier
	if a.ConfiguredTier != a.Tier {
		tier += " (the configuration asked for " + a.ConfiguredTier + ")"
	}
	t.row("tier", tier)
	t.row("verified destination numbers", strconv.Itoa(a.Destinations)+", and "+strconv.Itoa(a.Pending)+" pending")
	t.row("phone numbers", strconv.Itoa(a.PhoneNumbers))
	t.row("sender IDs", strconv.Itoa(a.SenderIDs))
	t.row("pools", strconv.Itoa(a.Pools))
	t.row("text messages, USD a month", a.TextSpend)
	t.row("voice messages, USD a month", a.VoiceSpend)
	return t.flush()
}
