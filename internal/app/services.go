package app

import (
	serving "heliograph/internal/api/service"
	"heliograph/internal/embedded/cloudwatchlogs"
	"heliograph/internal/embedded/firehose"
	"heliograph/internal/embedded/iam"
	"heliograph/internal/embedded/s3"
)

// services are those that are answered at the API's port besides its own: the bucket
// of deactivation reports, IAM, STS, CloudTrail, the sign-in,
// and where aws.endpoint_url names no others the embedded
// services of event destinations.
func (s *service) services() []serving.Service {
	all := []serving.Service{s3.New(s.cfg.Region, s.deactivations),
		iam.New(iam.Options{Directory: s.directory, Sealer: s.sealer, Partition: s.cfg.Partition(), Now: now}),
		s.cloudTrail(), s.tokens(), s.signIn()}
	if s.cfg.AWS.EndpointURL != "" {
		return all
	}
	return append(all,
		cloudwatchlogs.New(s.directory, s.lists, s.cfg.Partition(), s.cfg.Region),
		s.topics.service,
		firehose.NewService(s.streams),
	)
}
