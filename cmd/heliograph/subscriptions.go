package main

import (
	"strconv"
	"strings"

	"heliograph/internal/admin"
)

type subscriptionsCommand struct {
	List        listSubscriptions `cmd:"" help:"List the subscriptions of built-in topics, with how many dead letters each has."`
	DeadLetters listDeadLetters   `cmd:"" help:"Print the messages that a subscription's endpoint refused for good."`
}

type listSubscriptions struct {
	Account string `placeholder:"ID" help:"Account. Default: the first account."`
	JSON    bool   `name:"json" help:"Print one JSON object a line."`
}

// Run prints the subscriptions.
func (c listSubscriptions) Run(s *session) error {
	server, err := s.client()
	if err != nil {
		return err
	}
	var out admin.ListSubscriptionsOutput
	if err := server.call(s.ctx, "ListSubscriptions", admin.ListSubscriptionsInput{Account: c.Account}, &out); err != nil {
		return err
	}
	t := newTable(s.out)
	if !c.JSON {
		t.row("ID", "TOPIC", "PROTOCOL", "ENDPOINT", "STATE", "DEAD LETTERS")
	}
	for _, v := range out.Subscriptions {
		if c.JSON {
			if err := printLine(s.out, v); err != nil {
				return err
			}
			continue
		}
		letters := strconv.Itoa(v.DeadLetters)
		if v.More {
			letters += " or more"
		}
		t.row(v.ID, v.Topic, v.Protocol, v.Endpoint, v.State, letters)
	}
	return t.flush()
}

type listDeadLetters struct {
	Subscription string `arg:"" help:"ID or ARN of the subscription."`
	Account      string `placeholder:"ID" help:"Account. Default: the first account."`
	JSON         bool   `name:"json" help:"Print one JSON object a line, with the messages."`
}

// Run prints all of them, page by page.
func (c listDeadLetters) Run(s *session) error {
	server, err := s.client()
	if err != nil {
		return err
	}
	in := admin.ListDeadLettersInput{Account: c.Account, ID: c.Subscription[strings.LastIndexByte(c.Subscription, ':')+1:]}
	t := newTable(s.out)
	if !c.JSON {
		t.row("REFUSED", "PUBLISHED", "MESSAGE ID", "REASON")
	}
	for {
		var out admin.ListDeadLettersOutput
		if err := server.call(s.ctx, "ListDeadLetters", in, &out); err != nil {
			return err
		}
		for _, d := range out.DeadLetters {
			if c.JSON {
				if err := printLine(s.out, d); err != nil {
					return err
				}
				continue
			}
			t.row(clock(d.Refused), clock(d.Published), d.MessageID, d.Reason)
		}
		if in.After = out.Next; in.After == nil {
			return t.flush()
		}
	}
}
