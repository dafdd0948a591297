// Package optout has the rules of opt-out lists (guide chapter 11), and looks up whether
// a recipient is on one.
//
// A list's numbers are entries of the store: the key is the number's digits, and the
// mark says how the number got there, or that it was opted in again. Nothing of a list
// is in memory and nothing is read of it when the service starts. A send reads the one
// row that its list and its recipient's digits name, by the primary key of a table that
// all lists share: the path from the root of a B-tree to a leaf, which is a page or two
// longer for ten million rows than for ten. So a list of ten million costs a send what
// a list of ten does, a list's neighbours included. Checker reads the rows of many sends
// that come at the same time at once.
package optout
