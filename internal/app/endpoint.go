package app

import (
	"fmt"
	"os"

	"heliograph/internal/iam"
)

// endpointPolicy reads the policy that requests are held to, nil where there is none.
func (s *service) endpointPolicy() (*iam.Attached, error) {
	file := s.cfg.API.EndpointPolicy
	if file == "" {
		return nil, nil
	}
	document, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("api.endpoint_policy: %w", err)
	}
	policy, err := iam.Parse(string(document), iam.ResourcePolicy)
	if err != nil {
		return nil, fmt.Errorf("api.endpoint_policy: %s: %w", file, err)
	}
	return &iam.Attached{Name: file, Policy: policy}, nil
}
