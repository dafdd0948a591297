package app

import (
	serving "heliograph/internal/api/service"
)

// services are the embedded ones, which are answered where aws.endpoint_url names no
// others.
func (s *service) services() []serving.Service {
	if s.cfg.AWS.EndpointURL != "" {
		return nil
	}
	return []serving.Service{}
}
