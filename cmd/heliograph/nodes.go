package main

import (
	"strconv"
	"strings"
	"time"

	"heliograph/internal/admin"
)

type nodesCommand struct {
	JSON bool `name:"json" help:"Print one JSON document."`
}

// Run prints the nodes and what each sees to.
func (c nodesCommand) Run(s *session) error {
	server, err := s.client()
	if err != nil {
		return err
	}
	var out admin.ListNodesOutput
	if err := server.call(s.ctx, "ListNodes", admin.ListNodesInput{}, &out); err != nil {
		return err
	}
	if c.JSON {
		return printDocument(s.out, out)
	}
	t := newTable(s.out)
	t.row("SLOT", "NODE", "STATE", "LEASE", "SHARDS", "EVENT LOGS", "SWEEPS")
	for _, n := range out.Nodes {
		logs := make([]string, len(n.Streams))
		for i, slot := range n.Streams {
			logs[i] = strconv.Itoa(slot)
		}
		sweeps := ""
		if n.Sweeps {
			sweeps = "yes"
		}
		lease := ""
		if n.LeaseLeftMS > 0 && len(out.Nodes) > 1 { // a node that is alone has it for good
			lease = (time.Duration(n.LeaseLeftMS) * time.Millisecond).Round(100 * time.Millisecond).String()
		}
		t.row(strconv.Itoa(n.Slot), n.Name, n.State, lease, strings.Join(n.Shards, " "), strings.Join(logs, " "), sweeps)
	}
	if len(out.Free) > 0 {
		t.row("", "", "nobody", "", strings.Join(out.Free, " "), "", "")
	}
	return t.flush()
}
