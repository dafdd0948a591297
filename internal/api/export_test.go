package api

// OperationNames are the operations of the model that an API answers.
func (a *API) OperationNames() []string {
	var names []string
	for _, o := range a.operations() {
		names = append(names, o.name)
	}
	return names
}
