package pgtest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Bouncer starts a PgBouncer in transaction mode before the cluster and gives
// the URL at which a database of the cluster is reached through it. Settings are
// lines of its configuration.
func (c *Cluster) Bouncer(settings ...string) func(database string) string {
	c.t.Helper()
	const program = "/usr/sbin/pgbouncer"
	if _, err := os.Stat(program); err != nil {
		c.t.Fatalf("install Debian's package pgbouncer: %v", err)
	}
	dir := shared(c.t)
	sockets := socketDirectory(c.t)
	c.give(sockets)
	conf := filepath.Join(dir, "pgbouncer.ini")
	text := fmt.Sprintf("[databases]\n* = host=%s port=%s user=%s\n[pgbouncer]\nlisten_addr =\nlisten_port = %s\nunix_socket_dir = %s\n"+
		"auth_type = any\npool_mode = transaction\n%s\n", c.sockets, port, superuser, port, sockets, strings.Join(settings, "\n"))
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
		c.t.Fatal(err)
	}
	p := start(c.t, c.owner, program, conf)
	c.t.Cleanup(func() { p.end(syscall.SIGQUIT) })
	c.waitFor(socketURL(sockets, superuser), p)
	return func(database string) string { return socketURL(sockets, database) }
}
