package events

// TenantRestored says what of a tenant went back to a time.
type TenantRestored struct {
	Version     string   `json:"version"`
	TenantID    string   `json:"tenantId"`
	Tier        string   `json:"tier"`
	RestoredTo  Time     `json:"restoredTo"`
	RestoredAt  Time     `json:"restoredAt"`
	Parts       []string `json:"parts"` // PartDatabase, PartShare or both
	Reason      string   `json:"reason"`
	RequestedBy string   `json:"requestedBy"`

	Database       string `json:"database"`       // what came back of it, in words; empty: it was not wanted, as all of the database
	RefusedSeconds int    `json:"refusedSeconds"` // for how long, at most, the database let nobody in
	UndoUntil      Time   `json:"undoUntil"`      // the database that was is kept until then; RestoredAt where nothing is kept

	Folder     string `json:"folder"` // of the share, in which the files lie; empty: they were not wanted
	Files      int64  `json:"files"`
	FilesBytes int64  `json:"filesBytes"`
	Lacking    string `json:"lacking"` // what the folder can't hold, in words
	Correlated
}

// What of a tenant goes back.
const (
	PartDatabase = "database"
	PartShare    = "share"
)

// DetailType is the detail-type of the event.
func (TenantRestored) DetailType() string { return "TenantRestored" }

// TenantRestoreUndone says that a tenant has the database again that it had before it was restored. Files that came back
// stay in their folder.
type TenantRestoreUndone struct {
	Version        string `json:"version"`
	TenantID       string `json:"tenantId"`
	Tier           string `json:"tier"`
	RestoredTo     Time   `json:"restoredTo"`
	UndoneAt       Time   `json:"undoneAt"`
	RefusedSeconds int    `json:"refusedSeconds"` // for how long, at most, the database let nobody in
	Reason         string `json:"reason"`
	RequestedBy    string `json:"requestedBy"`
	Correlated
}

// DetailType is the detail-type of the event.
func (TenantRestoreUndone) DetailType() string { return "TenantRestoreUndone" }
