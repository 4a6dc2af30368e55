package dynamo

import (
	"time"

	"headroom/internal/pool"
)

// lossItem is the stored form of a gateway that was given up, in its host's record.
type lossItem struct {
	Gateway string       `dynamodbav:"gateway"`
	At      time.Time    `dynamodbav:"at"`
	Amount  string       `dynamodbav:"amount"`
	Shares  []lossOfItem `dynamodbav:"shares"`
}

type lossOfItem struct {
	Index      int           `dynamodbav:"index"`
	Generation int           `dynamodbav:"generation"`
	Tenant     pool.TenantID `dynamodbav:"tenant"`
	Files      string        `dynamodbav:"files,omitempty"`
}

func encodeLosses(losses []pool.Loss) (items []lossItem) {
	for _, l := range losses {
		i := lossItem{Gateway: l.Gateway, At: l.At, Amount: l.Amount}
		for _, of := range l.Shares {
			i.Shares = append(i.Shares, lossOfItem(of))
		}
		items = append(items, i)
	}
	return items
}

func decodeLosses(items []lossItem) (losses []pool.Loss) {
	for _, i := range items {
		l := pool.Loss{Gateway: i.Gateway, At: i.At, Amount: i.Amount}
		for _, of := range i.Shares {
			l.Shares = append(l.Shares, pool.LossOf(of))
		}
		losses = append(losses, l)
	}
	return losses
}

// missingItem is the stored form of what may be missing of a tenant's files.
type missingItem struct {
	Gateway string    `dynamodbav:"gateway"`
	At      time.Time `dynamodbav:"at"`
	What    string    `dynamodbav:"what"`
}

func encodeMissing(missing []pool.Missing) (items []missingItem) {
	for _, m := range missing {
		items = append(items, missingItem(m))
	}
	return items
}

func decodeMissing(items []missingItem) (missing []pool.Missing) {
	for _, i := range items {
		missing = append(missing, pool.Missing(i))
	}
	return missing
}
