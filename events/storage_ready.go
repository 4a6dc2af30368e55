package events

// StorageReady says that a tenant's database and share are ready, and where
// they are. It carries no password: that is in the secret.
type StorageReady struct {
	Version     string   `json:"version"`
	TenantID    string   `json:"tenantId"`
	Tier        string   `json:"tier"`
	RequestedAt Time     `json:"requestedAt"` // when Headroom first heard of the tenant
	ReadyAt     Time     `json:"readyAt"`
	Database    Database `json:"database"`
	Share       Share    `json:"share"`
	Correlated
}

// DetailType is the detail-type of the event.
func (StorageReady) DetailType() string { return "StorageReady" }

// Database says how to reach a tenant's database.
type Database struct {
	Engine    string `json:"engine"` // such as postgres
	Host      string `json:"host"`
	Port      int    `json:"port"`
	Name      string `json:"name"`
	Username  string `json:"username"`
	SecretARN string `json:"secretArn"` // of the secret that holds Credentials
}

// Share says how to mount a tenant's share.
type Share struct {
	Host    string `json:"host"`
	Path    string `json:"path"`
	Options string `json:"options"` // for mount -o
}
