package endtoend

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"headroom/events"
)

// shortestPassword is the least that a password must have, for a search for it to mean anything.
const shortestPassword = 16

// keepsSecrets wants every password there is to be nowhere but in Secrets Manager: in no log, no
// event, no item of the table, and no call to any other service, which holds all messages too.
func (s *system) keepsSecrets(tb testing.TB, b books) {
	tb.Helper()
	passwords := map[string]string{}
	for _, e := range heard[events.StorageReady](s.watch) {
		passwords["of tenant "+e.TenantID] = s.secret(tb, e.Database.SecretARN).Password
	}
	for id, h := range b.hosts {
		if h.Access.MasterSecret != "" {
			passwords["of the master user of "+string(id)] = s.secret(tb, h.Access.MasterSecret).Password
		}
	}
	places := s.everythingSaid(tb)
	places["the table"] = strings.Join(b.raw, "\n")
	for id := range b.tenants { // which is no secret: so the search does find what is there
		for _, where := range []string{"the functions' logs", "the events", "a call", "the table"} {
			if !strings.Contains(places[where], string(id)) {
				tb.Errorf("tenant %s is not in %s", id, where)
			}
		}
	}
	for whose, password := range passwords {
		if len(password) < shortestPassword {
			tb.Errorf("the password %s has %d characters", whose, len(password))
			continue
		}
		inJSON, err := json.Marshal(password)
		must(tb, err)
		for where, text := range places {
			if strings.Contains(text, password) || strings.Contains(text, strings.Trim(string(inJSON), `"`)) {
				tb.Errorf("the password %s is in %s", whose, where)
			}
		}
	}
}

// everythingSaid is all that a system has written or sent where no password belongs.
func (s *system) everythingSaid(tb testing.TB) map[string]string {
	tb.Helper()
	places := map[string]string{}
	logs, err := filepath.Glob(filepath.Join(s.Dir, "logs", "*"))
	must(tb, err)
	for _, log := range logs {
		text, err := os.ReadFile(log)
		must(tb, err)
		places["the log "+filepath.Base(log)] = string(text)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var lines, published, called strings.Builder
	for _, line := range s.lines {
		lines.WriteString(line.Text + "\n")
	}
	for _, e := range s.published {
		published.Write(append(e.Detail, '\n'))
	}
	for _, c := range s.calls {
		if c.service != "secretsmanager" {
			called.WriteString(c.body + "\n")
		}
	}
	places["the functions' logs"], places["the events"], places["a call"] = lines.String(), published.String(), called.String()
	return places
}
