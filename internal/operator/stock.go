package operator

import (
	"context"

	"headroom/internal/pool"
	"headroom/internal/pool/inventory"
	"headroom/internal/stocktake"
)

// sorts are the sorts of things in AWS, in the order in which they are told.
var sorts = []inventory.Sort{
	inventory.Stacks, inventory.Instances, inventory.Machines, inventory.Volumes, inventory.Gateways, inventory.Shares,
	inventory.Groups, inventory.Buckets, inventory.Secrets, inventory.Alarms,
}

// takeStock holds AWS against the ledger, and adds what it found to a diagnosis.
func (o *Operator) takeStock(ctx context.Context, d *Diagnosis) error {
	protected, err := o.Output("DatabasesProtected")
	if err != nil {
		return err
	}
	taker := stocktake.Taker{
		Stage: o.Stage, Nobody: pool.Nobody, Protected: protected == "true", Looker: o.Inventory, Ledger: o.Ledger, Now: o.Now,
	}
	stock, err := taker.Take(ctx)
	if err != nil {
		return err
	}
	for _, sort := range sorts {
		look := Look{At: string(sort) + " in AWS"}
		for _, f := range stock.Findings {
			if f.Sort != sort {
				continue
			}
			need := Need{What: f.What, Do: f.Do, Severity: string(f.Severity), Verdict: string(f.Verdict)}
			if f.Severity == inventory.Note {
				d.Notes = append(d.Notes, need)
				continue
			}
			if f.Verdict == inventory.Unlooked {
				look.Blind = f.What
			}
			look.Found++
			d.Needs = append(d.Needs, need)
		}
		d.Looked = append(d.Looked, look)
	}
	return nil
}
