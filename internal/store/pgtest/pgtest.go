// Package pgtest starts throw-away PostgreSQL servers, and PgBouncers before
// them, for tests. It needs Debian's packages postgresql and pgbouncer; the
// newest PostgreSQL that is installed is taken.
//
// A server listens on a Unix socket only and runs as an unprivileged user where
// the test is run by root. It ends with the test, also where the test is killed.
package pgtest

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Options choose how a Cluster runs.
type Options struct {
	// Fsync has commits wait for the disk, as in production. Without it a test is
	// faster, and only the server's death is survived, not the machine's.
	Fsync bool
	// Settings are lines of postgresql.conf, for instance "max_connections = 20".
	Settings []string
}

// Cluster is a PostgreSQL server with a data directory of its own.
type Cluster struct {
	t       testing.TB
	bin     string
	data    string
	sockets string
	owner   *syscall.Credential // nil: the test's own
	server  *process
	count   atomic.Int64 // of databases made
}

const (
	superuser = "postgres"
	port      = "5432" // of the socket's name
	patience  = 30 * time.Second
)

// Start makes a cluster and starts its server.
func Start(t testing.TB, o Options) *Cluster {
	t.Helper()
	c := &Cluster{t: t, bin: programs(t), data: filepath.Join(shared(t), "data"), sockets: socketDirectory(t), owner: unprivileged(t)}
	c.give(filepath.Dir(c.data))
	c.give(c.sockets)
	c.run("initdb", "-D", c.data, "-U", superuser, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions")
	lines := append([]string{"listen_addresses = ''", "unix_socket_directories = '" + c.sockets + "'", "port = " + port,
		"timezone = 'UTC'", "max_wal_size = '2GB'"}, o.Settings...)
	if !o.Fsync {
		lines = append(lines, "fsync = off", "full_page_writes = off")
	}
	conf, err := os.OpenFile(filepath.Join(c.data, "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = conf.WriteString(strings.Join(lines, "\n") + "\n")
	if closed := conf.Close(); err != nil || closed != nil {
		t.Fatal(err, closed)
	}
	c.Start()
	t.Cleanup(c.Kill)
	return c
}

// Start starts the server again after Stop or Kill and waits until it answers.
func (c *Cluster) Start() {
	c.t.Helper()
	c.server = start(c.t, c.owner, filepath.Join(c.bin, "postgres"), "-D", c.data)
	c.waitFor(c.URL(superuser), c.server)
}

// Stop ends the server in order: its clients are cut off, what they committed is
// kept (a fast shutdown).
func (c *Cluster) Stop() {
	c.t.Helper()
	c.server.end(syscall.SIGINT)
}

// Kill ends the server as a crash does: all its processes at once.
func (c *Cluster) Kill() {
	if c.server != nil {
		c.server.end(syscall.SIGQUIT)
	}
}

// CPU is the time that the server has used so far.
func (c *Cluster) CPU() time.Duration { return c.server.cpu(c.t) }

// Name is the name of the database in a URL of this package.
func Name(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return strings.TrimPrefix(u.Path, "/")
}

// URL is where a database is reached.
func (c *Cluster) URL(database string) string { return socketURL(c.sockets, database) }

// Address is the network and the address of the server's socket, for a proxy.
func (c *Cluster) Address() (network, address string) {
	return "unix", filepath.Join(c.sockets, ".s.PGSQL."+port)
}

// Database makes an empty database and gives its URL.
func (c *Cluster) Database() string {
	c.t.Helper()
	return c.create("template1")
}

// Copy makes a copy of the database at url, which nobody may be connected to.
func (c *Cluster) Copy(url string) string {
	c.t.Helper()
	return c.create(Name(url))
}

func (c *Cluster) create(template string) string {
	c.t.Helper()
	name := fmt.Sprintf("test%d", c.count.Add(1))
	c.Exec(c.URL(superuser), "CREATE DATABASE "+name+" TEMPLATE "+template)
	return c.URL(name)
}

// Exec runs a statement on a connection of its own.
func (c *Cluster) Exec(url, sql string) {
	c.t.Helper()
	if err := Exec(context.Background(), url, sql); err != nil {
		c.t.Fatal(err)
	}
}

// Exec runs a statement on a connection of its own, by the simple protocol.
func Exec(ctx context.Context, url, sql string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.PgConn().Exec(ctx, sql).ReadAll()
	return err
}

func socketURL(directory, database string) string {
	return "postgres://" + superuser + "@/" + database + "?" + url.Values{"host": {directory}, "port": {port}}.Encode()
}

// run runs one of PostgreSQL's programs to its end.
func (c *Cluster) run(name string, args ...string) {
	c.t.Helper()
	cmd := exec.Command(filepath.Join(c.bin, name), args...)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c.owner}
	if out, err := cmd.CombinedOutput(); err != nil {
		c.t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

func (c *Cluster) waitFor(url string, p *process) {
	c.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		err := Exec(context.Background(), url, "SELECT 1")
		if err == nil {
			return
		}
		if time.Now().After(deadline) || p.ended() {
			c.t.Fatalf("%s does not answer: %v\n%s", p.name, err, p.output())
		}
	}
}

// give makes the server's user the owner of a directory.
func (c *Cluster) give(directory string) {
	c.t.Helper()
	if c.owner == nil {
		return
	}
	if err := os.Chown(directory, int(c.owner.Uid), int(c.owner.Gid)); err != nil {
		c.t.Fatal(err)
	}
}

// shared is a directory of the test's own that every user can pass through.
func shared(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for d := dir; d != filepath.Clean(os.TempDir()) && d != "/"; d = filepath.Dir(d) {
		info, err := os.Stat(d)
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); mode&0o011 != 0o011 {
			if err := os.Chmod(d, mode|0o011); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

// socketDirectory is short: a socket's name may have 107 bytes, and that of a
// test's directory has more.
func socketDirectory(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "pg")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// programs is the directory of the newest PostgreSQL's programs.
func programs(t testing.TB) string {
	t.Helper()
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if err != nil || len(found) == 0 {
		t.Fatal("no PostgreSQL server in /usr/lib/postgresql: install Debian's package postgresql")
	}
	version := func(path string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
		return n
	}
	return filepath.Dir(slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) }))
}

// unprivileged is a user that PostgreSQL agrees to run as.
func unprivileged(t testing.TB) *syscall.Credential {
	t.Helper()
	if os.Getuid() != 0 {
		return nil
	}
	for _, name := range []string{superuser, "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, _ := strconv.ParseUint(u.Uid, 10, 32)
		gid, _ := strconv.ParseUint(u.Gid, 10, 32)
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	t.Fatal("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")
	return nil
}
