package announce

import (
	"context"
	"fmt"

	"headroom/internal/pool/inventory"
)

// differencesNamed is how many differences a notice names.
const differencesNamed = 20

// InventoryDiffers tells a person of all that AWS has otherwise than the ledger says and that was not told yet: in one
// message of what wants one now, and in one of what has time. There is no event of it.
func (a *Announcer) InventoryDiffers(ctx context.Context, news []inventory.Finding) error {
	var grave, others []inventory.Finding
	for _, f := range news {
		if f.Severity == inventory.Page {
			grave = append(grave, f)
		} else {
			others = append(others, f)
		}
	}
	if err := a.differs(ctx, grave, true); err != nil {
		return err
	}
	return a.differs(ctx, others, false)
}

func (a *Announcer) differs(ctx context.Context, found []inventory.Finding, grave bool) error {
	if len(found) == 0 {
		return nil
	}
	lines := []string{
		"AWS has other things than the ledger says. Each was found more than once, over half an hour at least. Nothing was changed, and",
		"nothing will be: a person decides.",
		"",
	}
	if grave {
		lines = append(lines, "By these, tenants can't reach what is theirs, or somebody may who should not:", "")
	}
	for i, f := range found {
		switch {
		case i < differencesNamed:
			lines = append(lines, fmt.Sprintf("- %s (%s, %s)", f.What, f.Verdict, f.Severity), "  "+f.Do)
		case i == differencesNamed:
			lines = append(lines, fmt.Sprintf("- and %d more: headroom doctor names all", len(found)-differencesNamed))
		}
	}
	subject, section := fmt.Sprintf("AWS differs from the ledger: %d things", len(found)), "inventory-differs"
	if len(found) == 1 {
		subject = "AWS differs from the ledger: " + found[0].What
	}
	if grave {
		section = "inventory-grave"
	}
	return a.tell(ctx, note{
		what: "InventoryDiffers", page: grave, reason: found[0].What, section: section, next: "headroom doctor", subject: subject, lines: lines,
	})
}
