package main

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"heliograph/internal/encode"
)

type previewCommand struct {
	Text string `arg:"" help:"Text of the message; - reads it from standard input, without its last line end."`
	JSON bool   `name:"json" help:"Print one JSON document."`
}

type preview struct {
	Encoding   string        `json:"encoding"`
	Characters int           `json:"characters"`
	Units      int           `json:"units"` // septets, or UTF-16 units
	PartCount  int           `json:"part_count"`
	Parts      []previewPart `json:"parts"`
}

type previewPart struct {
	Number int    `json:"number"`
	Text   string `json:"text"`
	Units  int    `json:"units"`
}

// maxText bounds what is read from standard input; it is far above any message.
const maxText = 1 << 20

// Run cuts the text as sending does.
func (c previewCommand) Run(s *session) error {
	text := c.Text
	if text == "-" {
		all, err := io.ReadAll(io.LimitReader(s.in, maxText))
		if err != nil {
			return err
		}
		text = strings.TrimSuffix(string(all), "\n")
	}
	if !utf8.ValidString(text) {
		return errors.New("the text is not UTF-8")
	}
	m, err := encode.Split(text)
	if err != nil {
		return err
	}
	p := preview{Encoding: string(m.Encoding), Characters: m.Characters, Units: m.Units, PartCount: len(m.Parts)}
	for i, part := range m.Parts {
		p.Parts = append(p.Parts, previewPart{Number: i + 1, Text: part.Text, Units: part.Units})
	}
	if c.JSON {
		return printDocument(s.out, p)
	}
	return p.print(s.out, m.Encoding)
}

func (p preview) print(w io.Writer, e encode.Encoding) error {
	unit := "septets"
	if e == encode.Unicode {
		unit = "UTF-16 units"
	}
	t := newTable(w)
	t.row("encoding", p.Encoding)
	t.row("characters", strconv.Itoa(p.Characters))
	t.row(unit, strconv.Itoa(p.Units))
	t.row("parts", strconv.Itoa(p.PartCount))
	if err := t.flush(); err != nil {
		return err
	}
	for _, part := range p.Parts {
		if _, err := fmt.Fprintf(w, "part %d of %d (%d %s): %q\n", part.Number, p.PartCount, part.Units, unit, part.Text); err != nil {
			return err
		}
	}
	return nil
}
