// Command heliograph is the service and its operator's tools.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"heliograph/internal/config"
)

// cli is every command. A group of commands has a file of its own.
type cli struct {
	Config string `placeholder:"FILE" help:"Configuration file. Default: heliograph.yaml in this directory, if there is one."`

	Serve         serveCommand         `cmd:"" help:"Run the service until it is interrupted."`
	Preview       previewCommand       `cmd:"" help:"Show how a text is encoded and cut into message parts."`
	Events        eventsCommand        `cmd:"" help:"Print the events that the embedded log holds, as JSON lines."`
	Messages      messagesCommand      `cmd:"" help:"Look into messages."`
	Numbers       numbersCommand       `cmd:"" help:"Manage the inventory of phone numbers."`
	Account       accountCommand       `cmd:"" help:"Look after an account."`
	Keys          keysCommand          `cmd:"" help:"Look after keys."`
	Accounts      accountsCommand      `cmd:"" help:"Make and list accounts."`
	Policy        policyCommand        `cmd:"" help:"Check policies, and say what they allow and why."`
	Limits        limitsCommand        `cmd:"" help:"Look after an account's quotas and spend limits."`
	Carriers      carriersCommand      `cmd:"" help:"Look after carriers."`
	Simulate      simulateCommand      `cmd:"" help:"Play a handset at the simulator."`
	Deactivations deactivationsCommand `cmd:"" help:"Manage the reports of phone numbers that are out of service."`
	Subscriptions subscriptionsCommand `cmd:"" help:"Look after subscriptions of built-in topics."`
	Usage         usageCommand         `cmd:"" help:"Report what accounts used and what it cost."`
	Prices        pricesCommand        `cmd:"" help:"Manage the prices of message parts."`
	Reconcile     reconcileCommand     `cmd:"" help:"Prove that everything that was accepted is accounted for, and name what is not."`
	Audit         auditCommand         `cmd:"" help:"Look into the record of who did what."`
	Nodes         nodesCommand         `cmd:"" help:"List the nodes that share the database and what each of them sees to."`
	Migrate       migrateCommand       `cmd:"" help:"Move everything from the embedded database into PostgreSQL, or back."`
	Version       versionCommand       `cmd:"" help:"Print the version."`
}

// session is what a command works with.
type session struct {
	ctx      context.Context // ends at the first interrupt
	in       io.Reader
	out, err io.Writer
	env      func(string) (string, bool)
	file     string // --config
}

// config loads the configuration that the command was given.
func (s *session) config() (config.Config, error) { return config.Load(s.file, s.env) }

// Exit codes.
const (
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(run(os.Args[1:], &session{ctx: ctx, in: os.Stdin, out: os.Stdout, err: os.Stderr, env: os.LookupEnv}))
}

// run parses the arguments and runs a command. It returns the exit code.
func run(args []string, s *session) int {
	var c cli
	parser, err := kong.New(&c, kong.Name("heliograph"), kong.Writers(s.out, s.err), kong.UsageOnError(),
		kong.Description("Text messages for applications, over the Amazon Pinpoint SMS and Voice v2 API."))
	if err != nil {
		fmt.Fprintln(s.err, "heliograph:", err)
		return exitFailed
	}
	command, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintln(s.err, "heliograph:", err)
		fmt.Fprintln(s.err, "heliograph --help lists the commands and flags")
		return exitUsage
	}
	s.file = c.Config
	if err := command.Run(s); err != nil {
		code := exitFailed
		if coded := (*exitError)(nil); errors.As(err, &coded) {
			code = coded.code
		}
		if errors.Is(err, context.Canceled) && s.ctx.Err() != nil {
			return code // interrupted, which the user knows
		}
		fmt.Fprintln(s.err, "heliograph:", err)
		return code
	}
	return 0
}
