package dynamo

import (
	"fmt"
	"strconv"
	"strings"

	"headroom/internal/pool"
)

// sharePrefix begins the ID of every share.
const sharePrefix = "share-"

// encodeOffer writes an offer as "<host>.<index>[.<generation>]:<name>[:<share>]", without the generation
// where it is the first, and the share's ID without its prefix: short, for it is stored many times over.
func encodeOffer(o pool.Offer) string {
	s := fmt.Sprintf("%d.%d", o.Host, o.Index)
	if o.Generation != 1 {
		s += fmt.Sprintf(".%d", o.Generation)
	}
	s += ":" + o.Name
	if o.Share != "" {
		s += ":" + strings.TrimPrefix(o.Share, sharePrefix)
	}
	return s
}

// decodeOffer reads what encodeOffer writes.
func decodeOffer(s string) (pool.Offer, error) {
	bad := fmt.Errorf("offer %q is not <host>.<index>[.<generation>]:<name>[:<share>]", s)
	parts := strings.Split(s, ":")
	numbers := strings.Split(parts[0], ".")
	if len(parts) < 2 || len(parts) > 3 || len(numbers) < 2 || len(numbers) > 3 {
		return pool.Offer{}, bad
	}
	o := pool.Offer{Generation: 1, Name: parts[1]}
	for i, to := range []*int{&o.Host, &o.Index, &o.Generation}[:len(numbers)] {
		n, err := strconv.Atoi(numbers[i])
		if err != nil {
			return pool.Offer{}, bad
		}
		*to = n
	}
	if len(parts) == 3 {
		o.Share = sharePrefix + parts[2]
	}
	return o, nil
}

// encodeOffers writes the offers of a shelf's list.
func encodeOffers(offers []pool.Offer) [][]string {
	stored := make([][]string, 0, len(offers)) // never nil: an empty list, not a null
	for _, o := range offers {
		stored = append(stored, []string{encodeOffer(o)})
	}
	return stored
}

func decodeOffers(stored [][]string) ([]pool.Offer, error) {
	var offers []pool.Offer
	for _, s := range stored {
		if len(s) != 1 {
			return nil, fmt.Errorf("%q is not one offer", s)
		}
		o, err := decodeOffer(s[0])
		if err != nil {
			return nil, err
		}
		offers = append(offers, o)
	}
	return offers, nil
}

// encodeHold writes a hold as a claim makes it: the database, then the share.
func encodeHold(h pool.Hold) []string {
	return []string{encodeOffer(h.Database), encodeOffer(h.Share)}
}

func decodeHold(stored []string) (h pool.Hold, err error) {
	if len(stored) != 2 {
		return h, fmt.Errorf("%q is not a database and a share", stored)
	}
	if h.Database, err = decodeOffer(stored[0]); err != nil {
		return h, err
	}
	h.Share, err = decodeOffer(stored[1])
	return h, err
}

// movesTo ends what is listed for a tenant that moves there. No tenant's name ends so.
const movesTo = ">"

// encodeListed writes offers of either kind, each as "<kind>:<offer>", and "<kind>:<offer>=<tenant>" where a tenant
// held it.
func encodeListed(listed []pool.Listed) []string {
	var stored []string
	for _, l := range listed {
		s := string(l.Kind) + ":" + encodeOffer(l.Offer)
		if l.Tenant != "" {
			s += "=" + string(l.Tenant)
		}
		if l.Moves {
			s += movesTo
		}
		stored = append(stored, s)
	}
	return stored
}

func decodeListed(stored []string) ([]pool.Listed, error) {
	var listed []pool.Listed
	for _, s := range stored {
		kind, rest, _ := strings.Cut(s, ":")
		offer, tenant, _ := strings.Cut(rest, "=")
		tenant, moves := strings.CutSuffix(tenant, movesTo)
		o, err := decodeOffer(offer)
		if err != nil {
			return nil, err
		}
		listed = append(listed, pool.Listed{Kind: pool.Kind(kind), Offer: o, Tenant: pool.TenantID(tenant), Moves: moves})
	}
	return listed, nil
}
