package iam

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode"

	"heliograph/internal/api/service"
	"heliograph/internal/iam"
)

// Errors of IAM's operations, as the IAM API reference names them.

func exception(code string, status int, format string, args ...any) error {
	return &service.Exception{Code: code, Status: status, Message: fmt.Sprintf(format, args...)}
}

func noSuchEntity(format string, args ...any) error {
	return exception("NoSuchEntity", http.StatusNotFound, format, args...)
}

func alreadyExists(format string, args ...any) error {
	return exception("EntityAlreadyExists", http.StatusConflict, format, args...)
}

func deleteConflict(format string, args ...any) error {
	return exception("DeleteConflict", http.StatusConflict, format, args...)
}

func limitExceeded(what string, most int) error {
	return exception("LimitExceeded", http.StatusConflict, "Cannot exceed quota for %s: %d", what, most)
}

func throttled(format string, args ...any) error {
	return exception("Throttling", http.StatusBadRequest, "Rate exceeded: "+format, args...)
}

func invalidInput(format string, args ...any) error {
	return exception("InvalidInput", http.StatusBadRequest, format, args...)
}

// parse refuses a document that is not a policy.
func parse(document string, kind iam.Kind) (*iam.Policy, error) {
	policy, err := iam.Parse(document, kind)
	return policy, malformed(err)
}

// malformed is the answer to what a document has wrong; other errors stay as they are.
func malformed(err error) error {
	if wrong, ok := errors.AsType[*iam.SyntaxError](err); ok {
		return exception("MalformedPolicyDocument", http.StatusBadRequest, "%s", wrong.Error())
	}
	return err
}

// characters counts those of a document that count: all but white space ("IAM and AWS
// STS quotas" in the IAM user guide).
func characters(document string) (n int) {
	for _, c := range document {
		if !unicode.IsSpace(c) {
			n++
		}
	}
	return n
}

// Rules of names and paths (IAM API reference, each operation's parameters).

func checkName(parameter, name string, most int) error {
	if name == "" || len(name) > most || strings.ContainsFunc(name, func(c rune) bool { return !wordly(c) && !strings.ContainsRune("+=,.@-", c) }) {
		return service.Invalid("The parameter %s is %q; 1 to %d letters, digits and characters of +=,.@-_ are allowed.", parameter, shorten(name), most)
	}
	return nil
}

func wordly(c rune) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_'
}

// checkPath takes a path, "" for the root of all.
func checkPath(parameter, path string) (string, error) {
	if path == "" {
		path = "/"
	}
	if len(path) > 512 || path[0] != '/' || path[len(path)-1] != '/' || path == "//" ||
		strings.ContainsFunc(path, func(c rune) bool { return c < '!' || c > '~' }) {
		return "", service.Invalid("The parameter %s is %q; a slash, or up to 512 printable ASCII characters that begin and end with one, are allowed.", parameter, shorten(path))
	}
	return path, nil
}

// checkNew holds the name, path and tags of something new against the rules, and gives the
// path and the tags as they are kept.
func checkNew(parameter, name string, most int, path string, given []service.Tag) (where string, tags map[string]string, err error) {
	if err := checkName(parameter, name, most); err != nil {
		return "", nil, err
	}
	if where, err = checkPath("Path", path); err != nil {
		return "", nil, err
	}
	tags, err = checkTags(given)
	return where, tags, err
}

func shorten(s string) string {
	if len(s) > 80 {
		return strings.ToValidUTF8(s[:80], "") + "..."
	}
	return s
}
