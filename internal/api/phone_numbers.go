package api

func (a *API) phoneNumberOperations() []operation { return nil }
