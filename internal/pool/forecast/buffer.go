package forecast

// MostBuffer bounds a buffer, whatever is forecast.
const MostBuffer = 1_000_000

// rounded is by how much a share that is summed up from many chances may be off. Between lead times that lie far apart
// the share hardly grows for hundreds of slots: where it lies right at the target, rounding would choose among them.
const rounded = 1e-9

// Buffer is how many slots must be free or on their way, so that a share serve (0.5 to 0.999) of signups is served at
// once: r + 1, where an order is made when the position falls to r, and brings it up by hosts of batch slots. Over
// time the position is anything from r+1 to r+batch alike often, and a signup is served at once if fewer have come
// before it in a lead time than the position was: the (r, nQ) policy (A. F. Veinott, "The optimal inventory policy
// for batch ordering", Operations Research 13, 1965). A tenant needs both kinds, so that each may fail half as
// often.
func Buffer(a Arrivals, l Leads, batch int, serve float64) int {
	target := 1 - (1-serve)/2
	batch = max(1, batch)
	var walks [Quantiles]counts
	for i, lead := range l.quantiles {
		walks[i] = a.counts(lead)
	}
	// atMost(y) is how likely no more than y come in a lead time.
	atMost := func(y int) float64 {
		sum := 0.0
		for i := range walks {
			sum += walks[i].atMost(y)
		}
		return sum / Quantiles
	}
	// The window holds atMost of r … r+batch−1, of which the first is 0 at r = −1.
	window, sum := make([]float64, batch), 0.0
	for y := range batch - 1 {
		window[y+1] = atMost(y)
		sum += window[y+1]
	}
	for r := -1; r+1 < MostBuffer; r++ {
		if sum >= (target-rounded)*float64(batch) {
			return r + 1
		}
		oldest := (r + 1) % batch
		next := atMost(r + batch)
		sum += next - window[oldest]
		window[oldest] = next
	}
	return MostBuffer
}
