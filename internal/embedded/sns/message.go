package sns

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"heliograph/internal/embedded/sns/filter"
	"heliograph/internal/store"
)

// maxMessage bounds a message with its attributes, in bytes (Amazon SNS API reference,
// Publish).
const maxMessage = 262_144

// message is what is published.
type message struct {
	text       string
	subject    string
	structured bool // text is a JSON object with a text for each protocol
	attributes map[string]filter.Attribute
}

// structureMark stands among an event's attributes where the text is structured. No
// message attribute can have this name.
const structureMark = "$structure"

// parseMessage reads the parameters of a message from a request; get finds one.
func parseMessage(get func(string) string, attributes []map[string]string) (message, error) {
	m := message{text: get("Message"), subject: get("Subject")}
	var err error
	if m.attributes, err = parseAttributes(attributes); err != nil {
		return message{}, err
	}
	switch structure := get("MessageStructure"); structure {
	case "":
	case "json":
		m.structured = true
	default:
		return message{}, invalid("MessageStructure", strconv.Quote(clip(structure))+" is not json")
	}
	switch {
	case m.text == "":
		return message{}, invalid("Message", "Empty message")
	case m.size() > maxMessage:
		return message{}, invalid("Message", fmt.Sprintf("Message too long: with its attributes it has %d bytes, %d are allowed", m.size(), maxMessage))
	}
	if m.structured {
		if _, err := texts(m.text); err != nil {
			return message{}, err
		}
	}
	return m, checkSubject(m.subject)
}

// size is what counts against maxMessage.
func (m *message) size() int {
	n := len(m.text)
	for name, a := range m.attributes {
		n += len(name) + len(a.Type) + len(a.Value)
	}
	return n
}

// texts reads a structured message: a text for each protocol, and default for those
// that have none.
func texts(structured string) (map[string]string, error) {
	var of map[string]any
	if json.Unmarshal([]byte(structured), &of) != nil || of == nil {
		return nil, invalid("Message Structure", "JSON message body failed to parse")
	}
	all := make(map[string]string, len(of))
	for protocol, value := range of {
		if text, ok := value.(string); ok {
			all[protocol] = text
		}
	}
	if _, ok := all["default"]; !ok {
		return nil, invalid("Message Structure", "No default entry in JSON message body")
	}
	return all, nil
}

// textFor is the text that subscribers by a protocol get.
func (m *message) textFor(protocol string) string {
	if m.structured {
		if all, err := texts(m.text); err == nil {
			if text, ok := all[protocol]; ok {
				return text
			}
			return all["default"]
		}
	}
	return m.text
}

// checkSubject: ASCII that begins with a letter, a digit or punctuation, without
// control characters, less than 100 characters.
func checkSubject(subject string) error {
	if len(subject) >= 100 {
		return invalid("Subject", "it has 100 characters or more")
	}
	for i := range len(subject) {
		if c := subject[i]; c < ' ' || c > '~' || i == 0 && c == ' ' {
			return invalid("Subject", "it has to be ASCII text that begins with a letter, digit or punctuation, without line breaks and control characters")
		}
	}
	return nil
}

// attributeForm is the form of a message attribute's name.
var attributeForm = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`)

// parseAttributes reads the members of MessageAttributes.entry.
func parseAttributes(entries []map[string]string) (map[string]filter.Attribute, error) {
	all := make(map[string]filter.Attribute, len(entries))
	for _, e := range entries {
		name := e["Name"]
		if len(name) > 256 || !attributeForm.MatchString(name) {
			return nil, invalid("MessageAttributes", strconv.Quote(clip(name))+" is no name: letters, digits, underscores, hyphens and single periods within are allowed")
		}
		if _, twice := all[name]; twice {
			return nil, invalid("MessageAttributes", clip(name)+" is there twice")
		}
		a, err := parseAttribute(e)
		if err != nil {
			return nil, invalid("MessageAttributes", "The message attribute "+clip(name)+" "+err.Error())
		}
		all[name] = a
	}
	return all, nil
}

func parseAttribute(e map[string]string) (filter.Attribute, error) {
	a := filter.Attribute{Type: e["Value.DataType"], Value: e["Value.StringValue"]}
	switch a.Type {
	case "String":
	case "Number":
		if !numberForm.MatchString(a.Value) {
			return a, fmt.Errorf("is no number: %s", strconv.Quote(clip(a.Value)))
		}
	case "String.Array":
		var list []any
		if json.Unmarshal([]byte(a.Value), &list) != nil || list == nil {
			return a, fmt.Errorf("is no JSON list")
		}
		for _, each := range list {
			switch each.(type) {
			case []any, map[string]any:
				return a, fmt.Errorf("has a list or an object within its list")
			}
		}
	case "Binary":
		a.Value = e["Value.BinaryValue"]
		if _, err := base64.StdEncoding.DecodeString(a.Value); err != nil {
			return a, fmt.Errorf("is not in base 64")
		}
	case "":
		return a, fmt.Errorf("has no data type")
	default:
		return a, fmt.Errorf("has the data type %s, which is none of String, String.Array, Number and Binary", strconv.Quote(clip(a.Type)))
	}
	if a.Value == "" {
		return a, fmt.Errorf("has no value")
	}
	return a, nil
}

// numberForm is that of JSON, which filter policies compare.
var numberForm = regexp.MustCompile(`^-?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?$`)

// content is the message as an event of the log has it.
func (m *message) content() *store.EventContent {
	c := &store.EventContent{Body: []byte(m.text), Subject: m.subject}
	if len(m.attributes) > 0 || m.structured {
		c.Attributes = make(map[string]string, len(m.attributes)+1)
	}
	for name, a := range m.attributes {
		c.Attributes[name] = attributeDocument(a)
	}
	if m.structured {
		c.Attributes[structureMark] = attributeDocument(filter.Attribute{Type: "String", Value: "json"})
	}
	return c
}

func attributeDocument(a filter.Attribute) string {
	text, _ := json.Marshal(a) // two texts always encode
	return string(text)
}

// published is the message of an event: its content, or where it has none of its own
// the JSON of a message's event.
func published(body []byte, c *store.EventContent) message {
	m := message{text: strings.ToValidUTF8(string(body), string(utf8.RuneError))}
	if c == nil {
		return m
	}
	m.subject = c.Subject
	m.attributes = make(map[string]filter.Attribute, len(c.Attributes))
	for name, document := range c.Attributes {
		if name == structureMark {
			m.structured = true
			continue
		}
		var a filter.Attribute
		if json.Unmarshal([]byte(document), &a) == nil {
			m.attributes[name] = a
		}
	}
	return m
}
