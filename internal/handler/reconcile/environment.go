package reconcile

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/caarlos0/env/v11"

	"headroom/internal/pool"
)

// Environment is what the function reads from its environment.
type Environment struct {
	Stage       string `env:"STAGE,required,notEmpty"`
	TableName   string `env:"TABLE_NAME,required,notEmpty"`
	BusName     string `env:"BUS_NAME,required,notEmpty"`
	NotifyTopic string `env:"NOTIFY_TOPIC_ARN,required,notEmpty"`
	Runbooks    string `env:"RUNBOOKS_URL,required,notEmpty"` // address of docs/runbooks.md
	Protected   bool   `env:"DATABASES_PROTECTED,required"`   // whether database hosts are to be protected from deletion
	QuotasText  string `env:"QUOTAS,required,notEmpty"`       // JSON list of service quotas and what hosts take of them
}

// ErrQuotas means that quotas are no JSON list of quotas that pool knows, each once.
var ErrQuotas = errors.New("QUOTAS is not a JSON list of quotas")

// ReadEnvironment reads and checks the environment.
func ReadEnvironment() (Environment, error) {
	e, err := env.ParseAs[Environment]()
	if err != nil {
		return e, fmt.Errorf("read the environment: %w", err)
	}
	_, err = e.Quotas()
	return e, err
}

// Quotas are the service quotas that hosts take from. Most is what a quota is where AWS names none.
func (e Environment) Quotas() ([]pool.Quota, error) {
	var quotas []pool.Quota
	if err := json.Unmarshal([]byte(e.QuotasText), &quotas); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrQuotas, err)
	}
	seen := map[string]bool{}
	for _, q := range quotas {
		if !slices.Contains(pool.QuotaNames, q.Name) || seen[q.Name] || min(q.Most, q.Database, q.Share) < 0 {
			return nil, fmt.Errorf("%w: %+v", ErrQuotas, q)
		}
		seen[q.Name] = true
	}
	return quotas, nil
}
