package pool

import "time"

// Audit is a line of the record of what people asked of Headroom, and of what Headroom destroyed. Lines are added, and
// never changed or taken away.
type Audit struct {
	At      time.Time
	Message string // ID of the message that asked; of what was destroyed, the ID of the record by which it was
	Who     string // asked for it, as SQS knows the sender; Headroom itself: empty
	Named   string // who asks, by the message; that is anybody's to say
	What    string // such as "HostRequest release" or "destroyed database"
	Of      string // the host, tenant, departure or thing that it is about
	With    string // what else the message says of it, such as "add 10.40.1.8"
	Why     string
}
