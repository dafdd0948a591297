package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"heliograph/test/rig"
)

// kannel is Debian's: bearerbox, which holds the SMPP connection and the queue,
// and smsbox, which answers HTTP.
type kannel struct {
	bearerbox, smsbox *exec.Cmd
	address           string // of smsbox's HTTP
	dir               string

	reports  *http.Server // that smsbox tells of receipts, nil for none
	url      string       // of it
	reported atomic.Int64
}

// kannelConfig leaves Kannel its defaults but for what would slow it down: its
// logs, the 10 submits that it leaves unanswered, and the 100 messages that
// bearerbox takes from smsbox at once.
const kannelConfig = `group = core
admin-port = %d
admin-password = load
smsbox-port = %d
log-level = 4
log-file = %s
dlr-storage = internal
smsbox-max-pending = 1000
%s
group = smsc
smsc = smpp
smsc-id = sink
host = 127.0.0.1
port = %s
transceiver-mode = true
smsc-username = load
smsc-password = load
system-type = ""
interface-version = 34
max-pending-submits = %d
source-addr-ton = 1
source-addr-npi = 1
dest-addr-ton = 1
dest-addr-npi = 1

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = %d
log-level = 4
log-file = %s

group = sendsms-user
username = load
password = load
max-messages = 1
`

// stores are bearerbox's: in memory, one file that is written anew at times, and
// a file for each message. None of them calls fsync.
var stores = map[string]string{
	"memory": "",
	"file":   "store-type = file\nstore-location = %s\n",
	"spool":  "store-type = spool\nstore-location = %s\n",
}

// startKannel runs both boxes over one of the stores, in a directory of their
// own, and waits until they answer. With reports, smsbox calls a URL for each
// receipt.
func startKannel(dir, store, sink string, submits int, reports bool) (*kannel, error) {
	for _, program := range []string{"bearerbox", "smsbox"} {
		if _, err := exec.LookPath(program); err != nil {
			return nil, fmt.Errorf("%w (Debian's package kannel has it)", err)
		}
	}
	ports := make([]int, 3)
	for i := range ports {
		l, err := rig.Listen()
		if err != nil {
			return nil, err
		}
		defer l.Close()
		ports[i] = l.Addr().(*net.TCPAddr).Port
		l.Close()
	}
	location := stores[store]
	if location != "" {
		path := filepath.Join(dir, "store")
		if store == "spool" {
			if err := os.Mkdir(path, 0o700); err != nil {
				return nil, err
			}
		}
		location = fmt.Sprintf(location, path)
	}
	_, port, err := net.SplitHostPort(sink)
	if err != nil {
		return nil, err
	}
	config := filepath.Join(dir, "kannel.conf")
	text := fmt.Sprintf(kannelConfig, ports[0], ports[1], filepath.Join(dir, "bearerbox.log"), location, port, submits, ports[2], filepath.Join(dir, "smsbox.log"))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return nil, err
	}
	k := &kannel{dir: dir, address: fmt.Sprintf("127.0.0.1:%d", ports[2])}
	if reports {
		if err := k.takeReports(); err != nil {
			return nil, err
		}
	}
	k.bearerbox = exec.Command("bearerbox", config)
	if err := k.bearerbox.Start(); err != nil {
		return nil, err
	}
	if err := await(fmt.Sprintf("127.0.0.1:%d", ports[1])); err != nil {
		k.kill()
		return nil, k.explain(err)
	}
	k.smsbox = exec.Command("smsbox", config)
	if err := k.smsbox.Start(); err != nil {
		k.kill()
		return nil, err
	}
	if err := await(k.address); err != nil {
		k.kill()
		return nil, k.explain(err)
	}
	return k, nil
}

// await waits until somebody listens.
func await(address string) error {
	var err error
	for range 100 {
		var c net.Conn
		if c, err = net.Dial("tcp", address); err == nil {
			return c.Close()
		}
		time.Sleep(100 * time.Millisecond)
	}
	return err
}

// explain adds what the boxes logged.
func (k *kannel) explain(err error) error {
	for _, name := range []string{"bearerbox.log", "smsbox.log"} {
		text, _ := os.ReadFile(filepath.Join(k.dir, name))
		if len(text) > 0 {
			err = fmt.Errorf("%w\n%s: %s", err, name, strings.TrimSpace(string(text)))
		}
	}
	return err
}

func (k *kannel) dial(events bool) (client, error) {
	query := "username=load&password=load"
	if events {
		query += "&dlr-mask=3" // of delivery and of failure
		if k.reports != nil {
			query += "&dlr-url=" + url.QueryEscape(k.url)
		}
	}
	p, err := dialPlain(k.address)
	return sendsmsClient{p, query}, err
}

func (k *kannel) usage() (sum rig.Usage) {
	for _, c := range []*exec.Cmd{k.bearerbox, k.smsbox} {
		u := rig.UsageOf(c.Process.Pid)
		sum.CPU += u.CPU
		sum.Peak += u.Peak
		sum.Written += u.Written
	}
	return sum
}

// takeReports starts the server that receipts are reported to.
func (k *kannel) takeReports() error {
	l, err := rig.Listen()
	if err != nil {
		return err
	}
	k.url = "http://" + l.Addr().String() + "/"
	k.reports = &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { k.reported.Add(1) })}
	go k.reports.Serve(l)
	return nil
}

func (k *kannel) told(messages int64) bool { return k.reports == nil || k.reported.Load() >= messages }

// stop does not wait for Kannel's own end, which may take minutes.
func (k *kannel) stop() error {
	k.kill()
	return nil
}

func (k *kannel) kill() {
	if k.reports != nil {
		defer k.reports.Close()
	}
	for _, c := range []*exec.Cmd{k.smsbox, k.bearerbox} {
		if c != nil && c.Process != nil {
			c.Process.Kill()
			c.Wait()
		}
	}
}

// version is that of the package.
func kannelVersion(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "bearerbox", "--version").Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return "unknown"
	}
	line, _, _ := strings.Cut(string(out), "\n")
	return strings.TrimSpace(line)
}
