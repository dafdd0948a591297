//go:build deb

package deploy

import (
	"bufio"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"heliograph/test/rig"
)

// run runs a program that has to succeed and gives what it printed.
func run(t *testing.T, program string, args ...string) string {
	t.Helper()
	command := exec.Command(program, args...)
	command.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// owned checks who a path belongs to and who may do what with it.
func owned(t *testing.T, path, owner, group string, mode fs.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Error(err)
		return
	}
	stat := info.Sys().(*syscall.Stat_t)
	u, err := user.LookupId(strconv.Itoa(int(stat.Uid)))
	if err != nil {
		t.Error(err)
		return
	}
	g, err := user.LookupGroupId(strconv.Itoa(int(stat.Gid)))
	if err != nil {
		t.Error(err)
		return
	}
	if u.Username != owner || g.Name != group || info.Mode().Perm() != mode {
		t.Errorf("%s is %s of %s:%s, want %s of %s:%s", path, info.Mode().Perm(), u.Username, g.Name, mode, owner, group)
	}
}

// The package is built, installed, run as its user, installed again over itself,
// removed and purged. What was accepted outlives all of it.
func TestPackage(t *testing.T) {
	if out, err := exec.Command("dpkg", "-s", "heliograph").CombinedOutput(); err == nil {
		t.Fatalf("the package is installed here already; the test would remove it\n%s", out)
	}
	const data, config = "/var/lib/heliograph", "/etc/heliograph/heliograph.yaml"
	if _, err := os.Stat(data); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("%s is here already; the test would remove it", data)
	}
	if err := rig.WatchSources("../.."); err != nil {
		t.Fatal(err)
	}
	directory := t.TempDir()
	binary := filepath.Join(directory, "heliograph")
	build := exec.Command("go", "build", "-o", binary, "../../cmd/heliograph")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	run(t, "sh", "../../deploy/deb/build.sh", binary, "v9.8.7-6-gabcdef", directory)
	pack := filepath.Join(directory, "heliograph_9.8.7+6.gabcdef_"+strings.TrimSpace(run(t, "dpkg", "--print-architecture"))+".deb")

	t.Cleanup(func() {
		exec.Command("dpkg", "--purge", "heliograph").Run()
		exec.Command("deluser", "--quiet", "heliograph").Run()
		os.RemoveAll(data)
	})
	run(t, "dpkg", "--install", pack)
	if out := run(t, "dpkg", "--verify", "heliograph"); out != "" {
		t.Errorf("installed files differ from the package's: %s", out)
	}
	owned(t, "/usr/bin/heliograph", "root", "root", 0o755)
	owned(t, "/etc/heliograph", "root", "heliograph", 0o750)
	owned(t, config, "root", "heliograph", 0o640)
	owned(t, data, "heliograph", "heliograph", 0o700)

	serves(t)
	owned(t, data+"/credentials", "heliograph", "heliograph", 0o600)

	changed := "# changed by the operator\n" + read(t, config)
	if err := os.WriteFile(config, []byte(changed), 0o640); err != nil {
		t.Fatal(err)
	}
	run(t, "dpkg", "--install", pack)
	if read(t, config) != changed {
		t.Error("installing over itself changed the configuration")
	}
	owned(t, config, "root", "heliograph", 0o640)

	run(t, "dpkg", "--remove", "heliograph")
	if _, err := os.Stat("/usr/bin/heliograph"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the program is there after removal: %v", err)
	}
	if read(t, config) != changed {
		t.Error("removal took the configuration")
	}
	run(t, "dpkg", "--purge", "heliograph")
	if _, err := os.Stat(config); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the configuration is there after purging: %v", err)
	}
	owned(t, data+"/heliograph.db", "heliograph", "heliograph", 0o600)
}

// serves runs the installed program as the package's user, as the unit does, and
// has it answer.
func serves(t *testing.T) {
	t.Helper()
	var addresses [2]string
	for i := range addresses {
		var err error
		if addresses[i], err = rig.FreeAddress(); err != nil {
			t.Fatal(err)
		}
	}
	account, err := user.Lookup("heliograph")
	if err != nil {
		t.Fatal(err)
	}
	uid, _ := strconv.Atoi(account.Uid)
	gid, _ := strconv.Atoi(account.Gid)
	as := func(args ...string) *exec.Cmd {
		c := exec.Command("/usr/bin/heliograph", append(args, "--config", "/etc/heliograph/heliograph.yaml")...)
		c.Dir = account.HomeDir
		c.Env = []string{"HELIOGRAPH_API_LISTEN=" + addresses[0], "HELIOGRAPH_OPERATOR_LISTEN=" + addresses[1]}
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
		return c
	}
	server := as("serve")
	server.Stderr = t.Output()
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(time.Minute, func() { server.Process.Kill() })
	defer late.Stop()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != "heliograph: ready on http://"+addresses[0]+"\n" {
		t.Errorf("it said %q: %v", line, err)
	}
	if text, err := as("carriers", "list").CombinedOutput(); err != nil || !strings.Contains(string(text), "sim") {
		t.Errorf("carriers list: %v\n%s", err, text)
	}
	server.Process.Signal(syscall.SIGTERM)
	if err := server.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
}
