//go:build harness && !strace

package crash

// straced says whether rounds may use strace.
const straced = false

func (e *epoch) killAtSystemCall() { e.t.Fatal("built without the tag strace") }
