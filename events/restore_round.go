package events

// TypeRestoreRound is the type of RestoreRound.
const TypeRestoreRound = "RestoreRound"

// RestoreRound asks whether temporary instances were left that nothing needs. Restore's own queue, from a schedule.
type RestoreRound struct {
	Version string `json:"version"`
	Type    string `json:"type"`
	Correlated
}

// NewRestoreRound asks for a round.
func NewRestoreRound() RestoreRound { return RestoreRound{Version: Version, Type: TypeRestoreRound} }
