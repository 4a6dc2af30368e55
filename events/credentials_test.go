package events

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestCredentialsKeepTheirPasswordOutOfSight(t *testing.T) {
	const password = "Open0Sesame"
	credentials := Credentials{Engine: "postgres", Host: "db", Port: 5432, DBName: "d", Username: "t", Password: password}
	nested := struct{ C Credentials }{credentials}

	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("made", "credentials", credentials)
	slog.New(slog.NewTextHandler(&log, nil)).Info("made", "credentials", credentials, "pointer", &credentials)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
		fmt.Fprintf(&log, verb+verb+verb, credentials, &credentials, nested)
	}
	if strings.Contains(log.String(), password) || strings.Contains(log.String(), fmt.Sprintf("%x", password)) {
		t.Errorf("the password shows: %s", log.String())
	}

	encoded, err := json.Marshal(credentials)
	if err != nil || !strings.Contains(string(encoded), password) {
		t.Errorf("the secret's value lacks the password: %v", err)
	}
}
