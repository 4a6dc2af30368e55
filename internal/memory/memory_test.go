package memory

import (
	"testing"

	"headroom/internal/pool/ledgertest"
)

func TestContract(t *testing.T) {
	ledgertest.Run(t, func(*testing.T) ledgertest.Ledger { return New(Options{}) })
}
