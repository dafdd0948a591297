package sigv4

import (
	"encoding/hex"
	"net/http"
	"strings"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	terminator = "aws4_request"
)

// auth is what an Authorization header says.
type auth struct {
	accessKeyID string
	date        string // the credential scope: YYYYMMDD
	region      string
	service     string
	terminator  string
	signed      string // names of headers, in lower case, separated by semicolons
	signature   string // 64 hexadecimal digits in lower case
}

// signs says whether the header name, in lower case, is signed.
func (a auth) signs(name string) bool {
	for n := range strings.SplitSeq(a.signed, ";") {
		if n == name {
			return true
		}
	}
	return false
}

// authorization reads the Authorization header.
func authorization(h http.Header) (auth, error) {
	values := h["Authorization"]
	switch {
	case len(values) == 0 || values[0] == "":
		return auth{}, refuse(MissingAuthenticationToken, "the request is not signed: it has no Authorization header")
	case len(values) > 1:
		return auth{}, refuse(IncompleteSignature, "the request has more than one Authorization header")
	}
	return parseAuthorization(values[0])
}

// parseAuthorization reads the value of an Authorization header:
//
//	AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/SERVICE/aws4_request, SignedHeaders=a;b, Signature=HEX
//
// The parameters may come in any order, with or without space around the commas.
func parseAuthorization(value string) (auth, error) {
	rest, ok := strings.CutPrefix(value, algorithm)
	if !ok || rest == "" || rest[0] != ' ' && rest[0] != '\t' {
		return auth{}, refuse(IncompleteSignature, "the Authorization header has to begin with "+algorithm+" and a space")
	}
	var a auth
	var credential string
	for part := range strings.SplitSeq(rest, ",") {
		name, text, ok := strings.Cut(strings.TrimSpace(part), "=")
		if !ok {
			return auth{}, refuse(IncompleteSignature, "a parameter of the Authorization header is not in the form Name=Value")
		}
		var to *string
		switch name {
		case "Credential":
			to = &credential
		case "SignedHeaders":
			to = &a.signed
		case "Signature":
			to = &a.signature
		default:
			return auth{}, refuse(IncompleteSignature, "the Authorization header has the parameter "+quoted(name)+"; Credential, SignedHeaders and Signature are allowed")
		}
		if *to != "" {
			return auth{}, refuse(IncompleteSignature, "the Authorization header has the parameter "+name+" twice")
		}
		*to = text
	}
	for _, p := range [...]struct{ name, value string }{
		{"Credential", credential}, {"SignedHeaders", a.signed}, {"Signature", a.signature},
	} {
		if p.value == "" {
			return auth{}, refuse(IncompleteSignature, "the Authorization header needs the parameter "+p.name)
		}
	}
	if !a.scope(credential) {
		return auth{}, refuse(IncompleteSignature, "the Credential has to be in the form KEY/DATE/REGION/SERVICE/"+terminator)
	}
	if !isSignature(a.signature) {
		return auth{}, refuse(IncompleteSignature, "the Signature has to be 64 hexadecimal digits in lower case")
	}
	return a, nil
}

// scope takes the five parts of a credential, none of which may be empty.
func (a *auth) scope(credential string) bool {
	for _, to := range [...]*string{&a.accessKeyID, &a.date, &a.region, &a.service} {
		var ok bool
		if *to, credential, ok = strings.Cut(credential, "/"); !ok || *to == "" {
			return false
		}
	}
	a.terminator = credential
	return credential != "" && !strings.Contains(credential, "/")
}

func isSignature(s string) bool {
	if len(s) != 64 {
		return false
	}
	var sum [32]byte
	if _, err := hex.Decode(sum[:], []byte(s)); err != nil {
		return false
	}
	return s == strings.ToLower(s)
}
