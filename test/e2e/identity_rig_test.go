//go:build python

package e2e

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// caller uses the AWS CLI on a server with credentials of its own.
type caller struct {
	*server
	name   string
	keys   []string // environment
	region string
}

// asRoot is the first account's.
func (s *server) asRoot() *caller {
	return &caller{s, "root", []string{"AWS_SHARED_CREDENTIALS_FILE=" + s.credentials()}, region}
}

// profile is who holds the key in a file of the working directory, in a profile of the
// same name.
func (s *server) profile(name string) *caller {
	return &caller{s, name, []string{"AWS_SHARED_CREDENTIALS_FILE=" + filepath.Join(s.dir, name), "AWS_PROFILE=" + name}, region}
}

// in is the caller in another region.
func (c *caller) in(region string) *caller {
	other := *c
	other.region = region
	return &other
}

// holder is who holds an access key.
func (s *server) holder(name, id, secret, token string) *caller {
	keys := []string{"AWS_SHARED_CREDENTIALS_FILE=/dev/null", "AWS_ACCESS_KEY_ID=" + id, "AWS_SECRET_ACCESS_KEY=" + secret}
	if token != "" {
		keys = append(keys, "AWS_SESSION_TOKEN="+token)
	}
	return &caller{s, name, keys, region}
}

// tryAWS runs an aws command and gives its answer, or what it complains of.
func (c *caller) tryAWS(args ...string) (answer map[string]any, complaint string) {
	c.t.Helper()
	command := exec.Command("aws", append([]string{"--endpoint-url", c.url, "--output", "json"}, args...)...)
	command.Dir = c.dir
	command.Env = append(append(c.env, "AWS_DEFAULT_REGION="+c.region, "AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=", "AWS_MAX_ATTEMPTS=1"), c.keys...)
	var out, errOut bytes.Buffer
	command.Stdout, command.Stderr = &out, &errOut
	if err := command.Run(); err != nil {
		return nil, strings.TrimSpace(errOut.String()) + " (" + err.Error() + ")"
	}
	if len(bytes.TrimSpace(out.Bytes())) > 0 {
		if err := json.Unmarshal(out.Bytes(), &answer); err != nil {
			c.t.Fatalf("aws %s: %v in\n%s", strings.Join(args, " "), err, out.String())
		}
	}
	return answer, ""
}

// may runs a command that has to succeed.
func (c *caller) may(args ...string) map[string]any {
	c.t.Helper()
	answer, complaint := c.tryAWS(args...)
	if complaint != "" {
		c.t.Fatalf("%s: aws %s: %s", c.name, strings.Join(args, " "), complaint)
	}
	return answer
}

// mayNot runs a command that has to be refused with all of these words.
func (c *caller) mayNot(words []string, args ...string) {
	c.t.Helper()
	_, complaint := c.tryAWS(args...)
	if complaint == "" {
		c.t.Errorf("%s: aws %s was answered", c.name, strings.Join(args, " "))
		return
	}
	for _, word := range words {
		if !strings.Contains(complaint, word) {
			c.t.Errorf("%s: aws %s: %s\ndoes not say %q", c.name, strings.Join(args, " "), complaint, word)
		}
	}
}

// operation is a command of the service.
func operation(args ...string) []string { return append([]string{"pinpoint-sms-voice-v2"}, args...) }

// user makes a user with a key and an inline policy, "" for none.
func (c *caller) user(name, policy string) *caller {
	c.t.Helper()
	c.may("iam", "create-user", "--user-name", name)
	if policy != "" {
		c.may("iam", "put-user-policy", "--user-name", name, "--policy-name", "own", "--policy-document", policy)
	}
	key := c.may("iam", "create-access-key", "--user-name", name)["AccessKey"].(map[string]any)
	return c.holder(name, key["AccessKeyId"].(string), key["SecretAccessKey"].(string), "")
}

// role makes a role with a trust policy and an inline policy.
func (c *caller) role(name, trust, policy string) (arn string) {
	c.t.Helper()
	made := c.may("iam", "create-role", "--role-name", name, "--assume-role-policy-document", trust)["Role"].(map[string]any)
	if policy != "" {
		c.may("iam", "put-role-policy", "--role-name", name, "--policy-name", "own", "--policy-document", policy)
	}
	return made["Arn"].(string)
}

// assume takes a role on.
func (c *caller) assume(arn string, more ...string) *caller {
	c.t.Helper()
	answer := c.may(append([]string{"sts", "assume-role", "--role-arn", arn, "--role-session-name", "test"}, more...)...)
	k := answer["Credentials"].(map[string]any)
	return c.holder(arn, k["AccessKeyId"].(string), k["SecretAccessKey"].(string), k["SessionToken"].(string))
}

// member is a text of an answer, through documents.
func member(answer map[string]any, path ...string) string {
	for _, name := range path[:len(path)-1] {
		answer, _ = answer[name].(map[string]any)
	}
	value, _ := answer[path[len(path)-1]].(string)
	return value
}

// log is what the server wrote to standard error.
func (s *server) log() string {
	s.t.Helper()
	all, err := os.ReadFile(filepath.Join(s.dir, "stderr.log"))
	if err != nil {
		s.t.Fatal(err)
	}
	return string(all)
}
