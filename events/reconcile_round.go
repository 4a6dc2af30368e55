package events

// TypeReconcileRound is the type of ReconcileRound.
const TypeReconcileRound = "ReconcileRound"

// ReconcileRound asks that AWS is held against the ledger. Reconcile's own queue, from a schedule.
type ReconcileRound struct {
	Version string `json:"version"`
	Type    string `json:"type"`
	Correlated
}

// NewReconcileRound asks for a round.
func NewReconcileRound() ReconcileRound {
	return ReconcileRound{Version: Version, Type: TypeReconcileRound}
}
