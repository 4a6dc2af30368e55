package auditcopy

import (
	"fmt"

	"github.com/caarlos0/env/v11"
)

// Environment is what the function reads from its environment.
type Environment struct {
	Stage      string `env:"STAGE,required,notEmpty"`
	TableName  string `env:"TABLE_NAME,required,notEmpty"`
	Archives   string `env:"ARCHIVE_BUCKET,required,notEmpty"`
	ArchiveKey string `env:"ARCHIVE_KEY_ARN,required,notEmpty"`
}

// ReadEnvironment reads and checks the environment.
func ReadEnvironment() (Environment, error) {
	e, err := env.ParseAs[Environment]()
	if err != nil {
		return e, fmt.Errorf("read the environment: %w", err)
	}
	return e, nil
}
