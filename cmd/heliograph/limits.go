package main

import (
	"strconv"

	"heliograph/internal/admin"
)

type limitsCommand struct {
	Show  showLimits `cmd:"" help:"Show an account's quotas and spend limits."`
	Set   setLimit   `cmd:"" help:"Raise or lower one of an account's limits, whatever the configuration says."`
	Reset resetLimit `cmd:"" help:"Give one of an account's limits back to the configuration."`
}

type showLimits struct {
	Account string `placeholder:"ID" help:"Account. Default: the first account."`
	JSON    bool   `name:"json" help:"Print one JSON object a line."`
}

// Run prints the limits.
func (c showLimits) Run(s *session) error {
	server, err := s.client()
	if err != nil {
		return err
	}
	var out admin.ShowLimitsOutput
	if err := server.call(s.ctx, "ShowLimits", admin.ShowLimitsInput{Account: c.Account}, &out); err != nil {
		return err
	}
	return printLimits(s, out.Limits, c.JSON)
}

type setLimit struct {
	Name    string `arg:"" help:"Name of the limit, as limits show prints it."`
	Value   string `arg:"" help:"A whole number; unlimited is one for the limits of money, which are in USD."`
	Account string `placeholder:"ID" help:"Account. Default: the first account."`
	JSON    bool   `name:"json" help:"Print one JSON object."`
}

// Run sets the limit.
func (c setLimit) Run(s *session) error {
	return changeLimit(s, "SetLimit", admin.SetLimitInput{Account: c.Account, Name: c.Name, Value: c.Value}, c.JSON)
}

type resetLimit struct {
	Name    string `arg:"" help:"Name of the limit, as limits show prints it."`
	Account string `placeholder:"ID" help:"Account. Default: the first account."`
	JSON    bool   `name:"json" help:"Print one JSON object."`
}

// Run resets the limit.
func (c resetLimit) Run(s *session) error {
	return changeLimit(s, "ResetLimit", admin.ResetLimitInput{Account: c.Account, Name: c.Name}, c.JSON)
}

func changeLimit(s *session, operation string, in any, asJSON bool) error {
	server, err := s.client()
	if err != nil {
		return err
	}
	var limit admin.LimitState
	if err := server.call(s.ctx, operation, in, &limit); err != nil {
		return err
	}
	return printLimits(s, []admin.LimitState{limit}, asJSON)
}

func printLimits(s *session, limits []admin.LimitState, asJSON bool) error {
	t := newTable(s.out)
	if !asJSON {
		t.row("LIMIT", "VALUE", "USED", "CONFIGURED")
	}
	for _, l := range limits {
		if asJSON {
			if err := printLine(s.out, l); err != nil {
				return err
			}
			continue
		}
		used := ""
		if l.Used != nil {
			used = strconv.Itoa(*l.Used)
		}
		t.row(l.Name, l.Value, used, l.Configured)
	}
	return t.flush()
}
