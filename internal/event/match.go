package event

import "strings"

// Matches reports whether an event destination that asked for types gets an
// event of eventType. ALL matches every event, TEXT_ALL, VOICE_ALL and MEDIA_ALL
// those of their channel, any other type itself, letter by letter. TEXT_SENT may
// be asked for and matches nothing, since no such event is ever made.
func Matches(types []string, eventType string) bool {
	channel, _, found := strings.Cut(eventType, "_")
	for _, t := range types {
		if t == "ALL" || t == eventType {
			return true
		}
		if found && len(t) == len(channel)+len("_ALL") && strings.HasPrefix(t, channel) && strings.HasSuffix(t, "_ALL") {
			return true
		}
	}
	return false
}
