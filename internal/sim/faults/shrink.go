package faults

// Shrink looks for a smaller plan that comes to the same problem: in less time, without kinds that it does not need, and
// with as few of the others as do. It makes so many runs at most.
func Shrink(p Plan, found *Problem, runs int) Plan {
	same := func(q Plan) (Outcome, bool) {
		runs--
		o := Run(q)
		return o, o.Problem != nil && o.Problem.Rule == found.Rule
	}
	last, ok := same(p)
	if !ok {
		return p // which is no use: the same plan should come to the same
	}
	try := func(q Plan) bool {
		if runs <= 0 {
			return false
		}
		o, ok := same(q)
		if ok {
			p, last = q, o
		}
		return ok
	}
	for _, k := range kinds {
		if last.Happened[k] > 0 {
			try(p.limited(k, 0))
		}
	}
	for range 6 {
		shorter := p
		shorter.Days /= 2
		if !try(shorter) {
			break
		}
	}
	for _, k := range kinds {
		for n := last.Happened[k]; n > 1; n /= 2 {
			if !try(p.limited(k, n/2)) {
				break
			}
		}
	}
	return p
}
