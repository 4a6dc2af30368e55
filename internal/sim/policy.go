package sim

import (
	_ "embed"
	"fmt"

	"headroom/internal/pool"
)

// DefaultPolicy is the document that is simulated when none is given: hosts of prod's sizes, a pool that never ends.
//
//go:embed policy.json
var DefaultPolicy []byte

// bounds are what hosts can bear in a simulation: whatever can be meant.
var bounds = pool.Bounds{DatabaseSlots: 100}

// ReadPolicy reads a policy document, as the parameter of a stage holds it.
func ReadPolicy(document []byte) (pool.Document, error) {
	return pool.ParseDocument(document, bounds)
}

// TierOf is the tier that is simulated: the one that is asked for, or the only one there is.
func TierOf(ps pool.Policies, asked pool.Tier) (pool.Tier, error) {
	tiers := ps.Tiers()
	switch {
	case asked != "" && !ps.Serves(asked):
		return "", fmt.Errorf("tier %q is in no pool; there are %v", asked, tiers)
	case asked != "":
		return asked, nil
	case len(tiers) > 1:
		return "", fmt.Errorf("which tier of %v?", tiers)
	}
	return tiers[0], nil
}
