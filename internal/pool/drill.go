package pool

import "fmt"

// Drill is a move of a gateway to a new machine that was tried, and held: from machines of one image to those of
// another, by its ID. What AWS documents of such moves ends at older generations of the appliance.
type Drill struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// drillsMost bounds what is recorded: one for each image that hosts are on, to the newest.
const drillsMost = 50

// checkDrills returns what is wrong with drills, every reason.
func checkDrills(drills []Drill) []error {
	var errs []error
	if len(drills) > drillsMost {
		errs = append(errs, fmt.Errorf("drills: there are %d, and no more than %d are kept", len(drills), drillsMost))
	}
	seen := map[Drill]bool{}
	for _, d := range drills {
		for _, image := range []string{d.From, d.To} {
			if !IsImageID(image) {
				errs = append(errs, fmt.Errorf("drills: %q is no ID of an image", image))
			}
		}
		if seen[d] {
			errs = append(errs, fmt.Errorf("drills: that from %s to %s is there twice", d.From, d.To))
		}
		seen[d] = true
	}
	return errs
}
