package sns

import (
	"encoding/xml"
	"maps"
	"slices"

	"heliograph/internal/api/service"
)

// namespace is that of the answers' XML.
const namespace = "http://sns.amazonaws.com/doc/" + version + "/"

// response is the document of an answer: ACTIONResponse around ACTIONResult, which
// actions that answer nothing do not have.
type response struct {
	XMLName  xml.Name
	XMLNS    string `xml:"xmlns,attr"`
	Result   *result
	Metadata struct {
		RequestID string `xml:"RequestId"`
	} `xml:"ResponseMetadata"`
}

type result struct {
	XMLName xml.Name
	Members []any
}

// answer renders what an action answers.
func answer(action, requestID string, members []any) service.Answer {
	r := response{XMLName: xml.Name{Local: action + "Response"}, XMLNS: namespace}
	r.Metadata.RequestID = requestID
	if members != nil {
		r.Result = &result{XMLName: xml.Name{Local: action + "Result"}, Members: members}
	}
	return document(0, r)
}

// text is an element with a text.
type text struct {
	XMLName xml.Name
	Value   string `xml:",chardata"`
}

func element(name, value string) text { return text{xml.Name{Local: name}, value} }

// collection is an element with members: <member> in lists, <entry> in dictionaries.
type collection struct {
	XMLName xml.Name
	Members []any
}

// structure is a member of a list.
type structure struct {
	XMLName xml.Name `xml:"member"`
	Fields  []any
}

func list(name string, members []any) collection {
	return collection{xml.Name{Local: name}, members}
}

// dictionary renders texts by name, in the order of the names.
func dictionary(name string, of map[string]string) collection {
	type entry struct {
		XMLName xml.Name `xml:"entry"`
		Key     string   `xml:"key"`
		Value   string   `xml:"value"`
	}
	c := collection{XMLName: xml.Name{Local: name}}
	for _, key := range slices.Sorted(maps.Keys(of)) {
		c.Members = append(c.Members, entry{Key: key, Value: of[key]})
	}
	return c
}

// page ends a list of which there is more.
func page(members []any, next string) []any {
	if next != "" {
		members = append(members, element("NextToken", next))
	}
	return members
}
