package events

// What an ArchivistJob is to do.
const (
	// JobArchive writes a tenant's files and its database into one archive.
	JobArchive = "archive"
	// JobVerify reads an archive back, and compares it with its sources.
	JobVerify = "verify"
	// JobProbe looks into a share that is no tenant's: it was made anew, or its gateway was mended.
	JobProbe = "probe"
	// JobRestoreFiles copies what a share's bucket held at a time into a folder beside what it holds now. Its report has
	// the number of files in Entries, and their size in Bytes.
	JobRestoreFiles = "restoreFiles"
	// JobRestoreDatabase copies a database from an instance that was restored to a time into a stand-in, and compares both.
	// Row security that binds a table's owner does so in the stand-in too, once they were compared.
	JobRestoreDatabase = "restoreDatabase"
)

// TypeArchivistJob is the type of ArchivistJob.
const TypeArchivistJob = "ArchivistJob"

// ArchivistJob is what a task of the archivist does, or of the prober. It is no message: who runs the task gives it to it.
// Nothing of it is secret.
type ArchivistJob struct {
	Version  string       `json:"version"`
	Type     string       `json:"type"`
	Job      string       `json:"job"`                // JobArchive, JobVerify, JobProbe, JobRestoreFiles or JobRestoreDatabase
	Of       string       `json:"of"`                 // OfDeparture, OfClearance, OfRepair or OfRestoration: whose job it is, and who hears of it
	ID       string       `json:"id"`                 // likewise
	Attempt  int          `json:"attempt"`            // counts from 1
	TenantID string       `json:"tenantId,omitempty"` // empty: it is of none
	Bucket   string       `json:"bucket,omitempty"`   // of the share's objects; empty: the tenant had no share
	Mark     string       `json:"mark,omitempty"`     // that the bucket bears
	Database *JobDatabase `json:"database,omitempty"` // to be dumped, or that was
	Archive  *ArchiveRef  `json:"archive,omitempty"`  // to be written (bucket and keys), or to be verified
	Share    *JobShare    `json:"share,omitempty"`    // to be looked into
	At       Time         `json:"at,omitzero"`        // whose versions come back, of JobRestoreFiles: those that were current then
	Folder   string       `json:"folder,omitempty"`   // into which they come, such as "restored-20261126T101500Z/"
	StandIn  *JobDatabase `json:"standIn,omitempty"`  // that Database is copied into, by its own role: Username and Tenant are that
	Correlated
}

// JobDatabase is a database, and how a role that reaches nothing else logs in to it.
type JobDatabase struct {
	Host      string `json:"host"`
	Port      int    `json:"port"`
	Name      string `json:"name"`
	Username  string `json:"username"`
	SecretARN string `json:"secretArn"`  // of a secret that is the role's Credentials
	Tenant    string `json:"tenantRole"` // the tenant's own role, whose the database's objects are
	Mark      string `json:"mark"`       // that the database bears
}

// JobShare is a share, as NFS clients see it.
type JobShare struct {
	Host string `json:"host"` // address of the gateway's machine
	Path string `json:"path"`
}

// TypeTaskReport is the type of TaskReport.
const TypeTaskReport = "TaskReport"

// TaskReport is how far a task of the archivist is, or of the prober, or what it came to. From the task to the own queue of
// the function that runs it: decommission, hostrepair or restore.
type TaskReport struct {
	Version string      `json:"version"`
	Type    string      `json:"type"`
	Job     string      `json:"job"`
	Of      string      `json:"of"`
	ID      string      `json:"id"`
	Attempt int         `json:"attempt"`
	Bytes   int64       `json:"bytes"`             // of the tenant's data that were read so far
	Total   int64       `json:"total"`             // that there are, as far as is known; 0: unknown
	Entries int64       `json:"entries"`           // files, and the dump, that were read so far
	Address string      `json:"address,omitempty"` // of the task, which a share is to be opened to
	Done    bool        `json:"done"`              // it has ended: Failure, Archive, Proof or Found say how
	Failure string      `json:"failure,omitempty"` // why it came to nothing: another attempt may fare better
	Archive *ArchiveRef `json:"archive,omitempty"` // that was written
	Proof   string      `json:"proof,omitempty"`   // what was compared, in words
	Found   []string    `json:"found,omitempty"`   // what is not as it must be, some of it: then there is no proof
	Correlated
}
