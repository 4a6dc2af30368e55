package postgres

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"strconv"
)

// Instance says how to log in to an RDS instance as its master user. The password is rotated every
// week, so it is read when it is needed and not kept. Printing and logging leave it out.
type Instance struct {
	Host     string // a DNS name or an address; the server's certificate must be good for it
	Port     int
	Username string
	Password string
}

// String is the instance without the password.
func (i Instance) String() string {
	return "postgres://" + i.Username + ":REDACTED@" + net.JoinHostPort(i.Host, strconv.Itoa(i.Port))
}

// Format prints String for every verb, so that %#v or %d reveal no more.
func (i Instance) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, i.String()) }

// LogValue is the instance without the password.
func (i Instance) LogValue() slog.Value { return slog.StringValue(i.String()) }
