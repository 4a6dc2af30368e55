package archivist

import (
	"fmt"

	"github.com/caarlos0/env/v11"

	"headroom/events"
)

// Environment is what the task reads from its environment.
type Environment struct {
	Job         string `env:"HEADROOM_JOB,required,notEmpty"`          // an events.ArchivistJob, as JSON
	Reports     string `env:"REPORT_QUEUE_URL,required,notEmpty"`      // of decommission's own messages
	Key         string `env:"ARCHIVE_KEY_ARN,required,notEmpty"`       // of the KMS key that encrypts archives
	Role        string `env:"JOB_ROLE_ARN"`                            // a session of which does the job; empty: the task's own does
	Authorities string `env:"RDS_AUTHORITIES" envDefault:"rds-ca.pem"` // a file: who may sign a database host's certificate
	Programs    string `env:"POSTGRESQL_PROGRAMS"`                     // a folder, "{major}" standing for the version; empty: where Debian has them
	RestoreMost int64  `env:"RESTORE_MOST_GIB" envDefault:"180"`       // how large a database is restored at most, if the disk has the room
	Metadata    string `env:"ECS_CONTAINER_METADATA_URI_V4,required,notEmpty"`
}

// ReadEnvironment reads and checks the environment, and the job in it.
func ReadEnvironment() (Environment, events.ArchivistJob, error) {
	e, err := env.ParseAs[Environment]()
	if err != nil {
		return e, events.ArchivistJob{}, fmt.Errorf("read the environment: %w", err)
	}
	job, err := ReadJob(e.Job)
	return e, job, err
}
