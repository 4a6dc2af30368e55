package dynamo

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"

	"headroom/internal/pool"
)

// shelfItem is a shelf's stored form. Its names are short because every claim pays for them. Each offer on
// a list is a list of one, because an update can join two lists into a hold and cannot compose one of two
// strings. Offers are as encodeOffer writes them.
type shelfItem struct {
	key
	Version   int64                      `dynamodbav:"v"`
	Databases [][]string                 `dynamodbav:"db"`
	Shares    [][]string                 `dynamodbav:"sh"`
	Hosts     map[string]accessItem      `dynamodbav:"h"`           // by shortHost
	Held      map[pool.TenantID][]string `dynamodbav:"hd"`          // database and share
	Settled   int64                      `dynamodbav:"s,omitempty"` // Unix seconds
	Refills   int64                      `dynamodbav:"rn,omitempty"`
	Refill    *refillItem                `dynamodbav:"r,omitempty"`
	Withdrawn []string                   `dynamodbav:"w,omitempty"` // as encodeListed writes them
	Tail      int64                      `dynamodbav:"t,omitempty"`
	Queue     int64                      `dynamodbav:"q,omitempty"`
	Signups   int64                      `dynamodbav:"n,omitempty"`
}

// refillItem is a refill under way, in its stored form.
type refillItem struct {
	Number int64    `dynamodbav:"n"`
	At     int64    `dynamodbav:"a"` // Unix seconds
	Offers []string `dynamodbav:"o"` // as encodeListed writes them
}

// shortHost is a host's ID in the shelf of its tier: "d3" for database-standard-3.
func shortHost(id pool.HostID) (string, error) {
	k, seq, err := id.Parse()
	if err != nil {
		return "", err
	}
	return string(k.Kind[0]) + strconv.Itoa(seq), nil
}

// longHost reads what shortHost writes.
func longHost(tier pool.Tier, short string) (pool.HostID, error) {
	for _, k := range pool.Kinds {
		if digits, ok := strings.CutPrefix(short, string(k[0])); ok {
			seq, err := strconv.Atoi(digits)
			if err != nil {
				return "", fmt.Errorf("host %q is not d<seq> or s<seq>: %w", short, err)
			}
			return pool.Key{Kind: k, Tier: tier}.Host(seq), nil
		}
	}
	return "", fmt.Errorf("host %q is not d<seq> or s<seq>", short)
}

func encodeRefill(r pool.Refill) *refillItem {
	return &refillItem{Number: r.Number, At: unix(r.At), Offers: encodeListed(r.Offers)}
}

func encodeShelf(s pool.Shelf) (item, error) {
	i := shelfItem{
		key: shelfKey(s.Tier), Version: s.Version,
		Databases: encodeOffers(s.Databases), Shares: encodeOffers(s.Shares), Hosts: map[string]accessItem{},
		Held: map[pool.TenantID][]string{}, Settled: unix(s.Settled), Withdrawn: encodeListed(s.Withdrawn), Refills: s.Refills, Tail: s.Tail, Queue: s.Queue, Signups: s.Signups,
	}
	for id, access := range s.Hosts {
		short, err := shortHost(id)
		if err != nil {
			return nil, err
		}
		i.Hosts[short] = accessItem(access)
	}
	for id, hold := range s.Held {
		i.Held[id] = encodeHold(hold)
	}
	if s.Refill != nil {
		i.Refill = encodeRefill(*s.Refill)
	}
	return encode(i)
}

func decodeShelf(tier pool.Tier, stored item) (pool.Shelf, error) {
	var i shelfItem
	if err := attributevalue.UnmarshalMap(stored, &i); err != nil {
		return pool.Shelf{}, fmt.Errorf("decode the shelf of tier %s: %w", tier, err)
	}
	s, err := i.shelf(tier)
	if err != nil {
		return pool.Shelf{}, fmt.Errorf("decode the shelf of tier %s: %w", tier, err)
	}
	return s, nil
}

func (i shelfItem) shelf(tier pool.Tier) (pool.Shelf, error) {
	s := pool.NewShelf(tier)
	s.Version, s.Refills = i.Version, i.Refills
	s.Tail, s.Queue, s.Signups, s.Settled = i.Tail, i.Queue, i.Signups, seconds(i.Settled)
	var err error
	if s.Databases, err = decodeOffers(i.Databases); err != nil {
		return s, err
	}
	if s.Shares, err = decodeOffers(i.Shares); err != nil {
		return s, err
	}
	for short, access := range i.Hosts {
		id, err := longHost(tier, short)
		if err != nil {
			return s, err
		}
		s.Hosts[id] = pool.Access(access)
	}
	for id, stored := range i.Held {
		if s.Held[id], err = decodeHold(stored); err != nil {
			return s, fmt.Errorf("hold of tenant %s: %w", id, err)
		}
	}
	if i.Refill != nil {
		s.Refill = &pool.Refill{Number: i.Refill.Number, At: seconds(i.Refill.At)}
		if s.Refill.Offers, err = decodeListed(i.Refill.Offers); err != nil {
			return s, err
		}
	}
	s.Withdrawn, err = decodeListed(i.Withdrawn)
	return s, err
}
