package s3

import (
	"slices"
	"strings"
	"time"

	"heliograph/internal/deactivation"
)

// The keys of reports (guide chapter 4): sms-deact-reports/us/2023-09-28-deact-report.csv
// and sms-deact-reports/us/latest-deact-report.csv, the country in capitals or not.
const (
	folder     = "sms-deact-reports/"
	latestName = "latest-deact-report.csv"
	dayName    = "-deact-report.csv"
)

// find is the report that a key names.
func (s *Service) find(key string) (deactivation.Report, bool) {
	country, name, ok := strings.Cut(strings.TrimPrefix(key, folder), "/")
	if !ok || !strings.HasPrefix(key, folder) || strings.ToUpper(country) != country && strings.ToLower(country) != country {
		return deactivation.Report{}, false
	}
	country = strings.ToUpper(country)
	if name == latestName {
		return s.reports.Latest(country)
	}
	day, ok := strings.CutSuffix(name, dayName)
	if _, err := time.Parse(time.DateOnly, day); !ok || err != nil {
		return deactivation.Report{}, false
	}
	return s.reports.Get(country, day)
}

// object is a key and what it names.
type object struct {
	key    string
	report deactivation.Report
}

// objects are all that begin with a prefix, by key. Countries are in small letters,
// unless the prefix has them in capitals.
func (s *Service) objects(prefix string) []object {
	capitals := false
	if country, ok := strings.CutPrefix(prefix, folder); ok && country != "" {
		country, _, _ = strings.Cut(country, "/")
		capitals = country == strings.ToUpper(country)
	}
	var all []object
	latest := map[string]deactivation.Report{}
	add := func(country, name string, r deactivation.Report) {
		if !capitals {
			country = strings.ToLower(country)
		}
		if key := folder + country + "/" + name; strings.HasPrefix(key, prefix) {
			all = append(all, object{key, r})
		}
	}
	for _, r := range s.reports.All() {
		add(r.Country, r.Day+dayName, r)
		latest[r.Country] = r // they come by day
	}
	for country, r := range latest {
		add(country, latestName, r)
	}
	slices.SortFunc(all, func(a, b object) int { return strings.Compare(a.key, b.key) })
	return all
}
