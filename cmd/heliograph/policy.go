package main

import (
	"fmt"
	"io"
	"os"
	"strconv"

	"heliograph/internal/admin"
	"heliograph/internal/iam"
)

type policyCommand struct {
	Explain explainPolicy `cmd:"" help:"Say whether somebody may do something, and which statement decides."`
	Check   checkPolicy   `cmd:"" help:"Check that a file is a policy. The server is not asked."`
}

type explainPolicy struct {
	Principal string            `required:"" placeholder:"ARN" help:"Who: the ARN of an account's root, a user, a role or a session of a role."`
	Action    string            `required:"" placeholder:"ACTION" help:"What, for instance sms-voice:SendTextMessage."`
	Resource  string            `placeholder:"ARN" help:"On what. Default: on nothing in particular."`
	Context   map[string]string `placeholder:"KEY=VALUE" mapsep:"none" help:"A condition key of the request, for instance aws:SourceIp=192.0.2.1; may be there several times."`
	JSON      bool              `name:"json" help:"Print one JSON document."`
}

// Run prints the decision.
func (c explainPolicy) Run(s *session) error {
	server, err := s.client()
	if err != nil {
		return err
	}
	var out admin.ExplainPolicyOutput
	in := admin.ExplainPolicyInput{Principal: c.Principal, Action: c.Action, Resource: c.Resource, Context: c.Context}
	if err := server.call(s.ctx, "ExplainPolicy", in, &out); err != nil {
		return err
	}
	if c.JSON {
		return printDocument(s.out, out)
	}
	decision := "denied: " + out.Reason
	if out.Allowed {
		decision = "allowed: " + out.Source
	}
	fmt.Fprintln(s.out, decision)
	if out.Message != "" {
		fmt.Fprintln(s.out, out.Message)
	}
	if len(out.Matches) == 0 {
		_, err := fmt.Fprintln(s.out, "No statement matches.")
		return err
	}
	fmt.Fprintln(s.out)
	t := newTable(s.out)
	t.row("EFFECT", "SOURCE", "POLICY", "STATEMENT", "SID", "LINE", " ")
	for _, m := range out.Matches {
		decides := " "
		if m.Decides {
			decides = "decides"
		}
		t.row(m.Effect, m.Source, m.Policy, strconv.Itoa(m.Statement), m.Sid, strconv.Itoa(m.Line), decides)
	}
	return t.flush()
}

type checkPolicy struct {
	File string `arg:"" help:"File with the policy; - is the standard input."`
	Kind string `enum:"identity,resource,trust" default:"identity" help:"What the policy is for: identity (a user, group or role, a boundary, a session), resource, or trust (who may take on a role)."`
}

// Run checks the policy.
func (c checkPolicy) Run(s *session) error {
	in := s.in
	if c.File != "-" {
		file, err := os.Open(c.File)
		if err != nil {
			return err
		}
		defer file.Close()
		in = file
	}
	text, err := io.ReadAll(io.LimitReader(in, iam.MaxDocument+1))
	if err != nil {
		return err
	}
	kinds := map[string]iam.Kind{"identity": iam.IdentityPolicy, "resource": iam.ResourcePolicy, "trust": iam.TrustPolicy}
	policy, err := iam.Parse(string(text), kinds[c.Kind])
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	_, err = fmt.Fprintf(s.out, "%s is a policy. Statements: %d.\n", c.File, len(policy.Statements()))
	return err
}
