package main

import "fmt"

// databaseParameters are the settings of a database host. Many of them bound what one tenant can do to its
// neighbours; docs/decisions/noisy-neighbours.md says what they can't. Only what RDS lets a parameter group
// set may stand here: it refuses the group otherwise, and with it every host.
func databaseParameters(sizes DatabaseHosts) map[string]string {
	return map[string]string{
		"rds.force_ssl":       "1",
		"password_encryption": "scram-sha-256",
		"max_connections":     fmt.Sprint(sizes.MaxConnections),
		// All tenants share one table of locks, of this many for each connection, at about 400 bytes. By default
		// it has 64, and one transaction that touches some ten thousand objects keeps the neighbours from working.
		"max_locks_per_transaction": "256",
		// A connection takes a place of max_connections before anybody knows whose it is. Who does not log in
		// gives it back after so many seconds; by default, after a minute.
		"authentication_timeout": "10",
		// An instance that died leaves its connections: they end after two minutes, not six (idle and interval
		// are in seconds).
		"tcp_keepalives_idle":     "60",
		"tcp_keepalives_interval": "10",
		"tcp_keepalives_count":    "6",
		// What a session may spill to disk, in KiB: with all connections that it may have, a tenant spills half
		// of the storage. Tenants can't override this one.
		"temp_file_limit": fmt.Sprint(sizes.StorageGiB << 20 / 2 / tenantSessions),
		// A session that forgot its transaction would hold up the vacuum of all tenants.
		"idle_in_transaction_session_timeout": "600000",
		// Statements are not logged: those that set passwords would be, too.
		"log_statement":              "none",
		"log_min_duration_statement": "-1",
		"log_min_error_statement":    "panic",
		// Nor is what an error is about: "Key (email)=(…) already exists" is a tenant's data.
		"log_error_verbosity": "terse",
		// Who came, who waits for a lock, and who spills more than 100 MiB: each line names the role.
		"log_connections":    "1",
		"log_disconnections": "1",
		"log_lock_waits":     "1",
		"log_temp_files":     fmt.Sprint(100 << 10),
	}
}

// tenantSessions is how many connections a tenant may have (pool.TenantConnections).
const tenantSessions = 20
