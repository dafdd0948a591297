package wire

import (
	"maps"
	"slices"
)

// Shape is a structure of the model.
type Shape interface {
	// UnmarshalWire reads the structure from d, which keeps the error.
	UnmarshalWire(d *Decoder)
	// AppendWire appends the structure as JSON to b.
	AppendWire(b []byte) []byte
}

// Input is the input of an operation.
type Input interface {
	Shape
	// Validate returns what breaks a constraint of the model, or nil.
	Validate() *Violation
}

// Operation is an operation of the API.
type Operation struct {
	Name      string
	Paginated bool         // its input has MaxResults and NextToken, its output NextToken
	NewInput  func() Input // makes an empty input
	NewOutput func() Shape // makes an empty output
	declared  []string     // the exceptions that the model declares for it, sorted
}

// Declares says whether the model declares exception, such as
// "ConflictException", for the operation.
func (o Operation) Declares(exception string) bool {
	return slices.Contains(o.declared, exception)
}

// Lookup returns the operation called name, such as "SendTextMessage".
func Lookup(name string) (Operation, bool) {
	o, ok := operations[name]
	return o, ok
}

// Names returns the names of all operations, sorted.
func Names() []string {
	return slices.Sorted(maps.Keys(operations))
}
