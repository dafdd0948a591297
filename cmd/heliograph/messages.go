package main

import (
	"fmt"
	"strconv"

	"heliograph/internal/admin"
)

type messagesCommand struct {
	Show showMessage  `cmd:"" help:"Print a message's whole story."`
	List listMessages `cmd:"" help:"List the newest messages of an account."`
}

type listMessages struct {
	Account string `placeholder:"ID" help:"Account whose messages are listed. Default: the first account."`
	Limit   int    `default:"20" help:"How many, the newest first."`
	JSON    bool   `name:"json" help:"Print one JSON object a line."`
}

// pageMessages is how many messages are asked for at once.
const pageMessages = 100

// Run prints the messages page by page.
func (c listMessages) Run(s *session) error {
	if c.Limit < 1 {
		return fmt.Errorf("--limit is %d; a number above 0 is needed", c.Limit)
	}
	server, err := s.client()
	if err != nil {
		return err
	}
	t := newTable(s.out)
	if !c.JSON {
		t.row("MESSAGE ID", "ACCEPTED", "STATUS", "FROM", "TO", "PARTS", "CARRIER", "CONFIGURATION SET")
	}
	in := admin.ListMessagesInput{Account: c.Account}
	for left := c.Limit; left > 0; {
		in.Limit = min(left, pageMessages)
		var page admin.ListMessagesOutput
		if err := server.call(s.ctx, "ListMessages", in, &page); err != nil {
			return err
		}
		for _, m := range page.Messages {
			if c.JSON {
				if err := printLine(s.out, m); err != nil {
					return err
				}
				continue
			}
			t.row(m.MessageID, clock(m.AcceptedAt), m.Status, m.Origination, m.Destination, strconv.Itoa(m.Parts), m.Carrier, m.ConfigurationSet)
		}
		left -= len(page.Messages)
		if in.Before = page.Next; in.Before == "" {
			break
		}
	}
	return t.flush()
}

type showMessage struct {
	ID   string `arg:"" help:"MessageId that SendTextMessage answered."`
	JSON bool   `name:"json" help:"Print one JSON document."`
}

// Run prints the story.
func (c showMessage) Run(s *session) error {
	server, err := s.client()
	if err != nil {
		return err
	}
	var story admin.Story
	if err := server.call(s.ctx, "ShowMessage", admin.ShowMessageInput{MessageID: c.ID}, &story); err != nil {
		return err
	}
	if c.JSON {
		return printDocument(s.out, story)
	}
	return printStory(s.out, story)
}
