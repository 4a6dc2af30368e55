package pool

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strconv"
)

// ErrOtherDatabase means that a tenant's credentials are stored, but for another database or account
// than the one that they are wanted for.
var ErrOtherDatabase = errors.New("the tenant's secret is for another database")

// ErrLogin means that a database host does not take the password of its master user: it was rotated since
// its secret was read.
var ErrLogin = errors.New("the master's password is another one by now")

// What a slot's database may be, so that a verb refuses it. Each is for good: no try again helps.
var (
	// ErrNoDatabase means that the instance has no such slot: it was never made, or it was dropped.
	ErrNoDatabase = errors.New("no such slot")

	// ErrForeignDatabase means that a database of the slot's name does not bear the slot's mark.
	ErrForeignDatabase = errors.New("it bears another mark")

	// ErrDatabaseOpen means that the slot's account may log in, or has sessions.
	ErrDatabaseOpen = errors.New("its tenant is not kept out")
)

// MarkedSlot is a database slot by its name, and the mark (Host.SlotMark) by which a verb makes sure, before it
// touches the slot's database, that it is of this tenant's generation.
type MarkedSlot struct{ Name, Mark string }

// TenantConnections is how many connections a tenant's role may have at once. All slots of an instance together must
// leave some of its max_connections to Headroom itself.
const TenantConnections = 20

// DatabaseName is the name of the database of the slot called slot.
func DatabaseName(slot string) string { return "d_" + slot }

// RoleName is the name of the account of the slot called slot.
func RoleName(slot string) string { return "t_" + slot }

// CopierName is the name of the account that reads the slot called slot while it is copied.
func CopierName(slot string) string { return "c_" + slot }

// Login is how to log in to a database host. The password of its master user is rotated every week,
// so it is read when it is needed and not kept. Printing and logging leave it out.
type Login struct {
	Host     string // a DNS name or an address; the server's certificate must be good for it
	Port     int
	Username string
	Password string
}

// String is the login without the password.
func (l Login) String() string {
	return "postgres://" + l.Username + ":REDACTED@" + net.JoinHostPort(l.Host, strconv.Itoa(l.Port))
}

// Format prints String for every verb, so that %#v or %d reveal no more.
func (l Login) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, l.String()) }

// LogValue is the login without the password.
func (l Login) LogValue() slog.Value { return slog.StringValue(l.String()) }

// DatabaseUse is what a database of an instance uses at a moment.
type DatabaseUse struct {
	Active      int   // queries that run
	Connections int   // of clients
	Bytes       int64 // on disk
}
