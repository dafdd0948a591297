package api

func (a *API) senderIDOperations() []operation { return nil }
