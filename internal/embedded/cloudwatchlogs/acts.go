package cloudwatchlogs

import (
	"strings"

	"heliograph/internal/api/service"
)

// What operations act on (Service Authorization Reference, "Actions, resources, and
// condition keys for Amazon CloudWatch Logs"): a log group, whose ARN ends in
// :log-stream: as CloudWatch Logs has it when it decides, so that a policy about
// log-group:NAME:* applies; one of its streams; or where tags are meant the group alone.

// streams is between a log group's ARN and the name of a stream.
const streams = ":log-stream:"

type groupNamed struct {
	Name       string `json:"logGroupName"`
	Identifier string `json:"logGroupIdentifier"`
}

type streamNamed struct {
	groupNamed
	Stream string `json:"logStreamName"`
}

// on is an act on a log group, by its name or else by an identifier.
func (s *Service) on(c *service.Caller, name, identifier, suffix string) service.Act {
	if name == "" {
		name = strings.TrimSuffix(identifier, ":*")
		if strings.HasPrefix(name, "arn:") {
			own, ok := strings.CutPrefix(name, s.groupARN(c.AccountID, ""))
			if !ok {
				return service.Act{Resources: []string{identifier}}
			}
			name = own
		}
	}
	act := service.Act{Resources: []string{s.groupARN(c.AccountID, name) + suffix}}
	if item := c.Account.LogGroups.Get(name); item != nil {
		act.ResourceTags = item.Tags
	}
	return act
}

func (s *Service) onGroup(c *service.Caller, in *groupNamed) service.Act {
	return s.on(c, in.Name, in.Identifier, streams)
}

func (s *Service) onStream(c *service.Caller, in *streamNamed) service.Act {
	return s.on(c, in.Name, in.Identifier, streams+in.Stream)
}

func (s *Service) onNewGroup(c *service.Caller, in *tagLogGroupInput) service.Act {
	act := s.on(c, in.Name, "", streams)
	act.RequestTags = in.Tags
	return act
}

func (s *Service) onGroupTagKeys(c *service.Caller, in *untagLogGroupInput) service.Act {
	act := s.on(c, in.Name, "", streams)
	act.TagKeys = in.Keys
	return act
}

func (s *Service) onTags(c *service.Caller, in *tagResourceInput) service.Act {
	act := s.on(c, "", in.ARN, "")
	act.RequestTags = in.Tags
	return act
}

func (s *Service) onTagKeys(c *service.Caller, in *untagResourceInput) service.Act {
	act := s.on(c, "", in.ARN, "")
	act.TagKeys = in.Keys
	return act
}
