package admin

import (
	"heliograph/internal/api"
	"heliograph/internal/reconcile"
)

// Reconciliation is the operation that carries out one step of a walk through the
// store. A step takes about a second, so that a walk of any length is many requests
// and holds up nothing.
func Reconciliation(account string, w *reconcile.Walker) api.Operation {
	return operation(&operations{Options{Account: account}}, "Reconcile", w.Do)
}
