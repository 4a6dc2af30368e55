package events

import (
	"fmt"
	"io"
	"log/slog"
)

// Credentials is the value of a tenant's secret. The key names are those that
// RDS uses in its own secrets. Only encoding it as JSON reveals the password:
// printing and logging leave it out.
type Credentials struct {
	Engine   string `json:"engine"`
	Host     string `json:"host"`
	Port     int    `json:"port"`
	DBName   string `json:"dbname"`
	Username string `json:"username"`
	Password string `json:"password"`
}

// String is the credentials without the password.
func (c Credentials) String() string {
	return fmt.Sprintf("%s://%s:REDACTED@%s:%d/%s", c.Engine, c.Username, c.Host, c.Port, c.DBName)
}

// Format prints String for every verb, so that %#v or %d reveal no more.
func (c Credentials) Format(state fmt.State, _ rune) {
	_, _ = io.WriteString(state, c.String())
}

// LogValue is the credentials without the password.
func (c Credentials) LogValue() slog.Value { return slog.StringValue(c.String()) }
