package archivist

import (
	"errors"
	"fmt"

	"github.com/caarlos0/env/v11"

	"headroom/events"
)

// Environment is what the task reads from its environment.
type Environment struct {
	Job         string `env:"HEADROOM_JOB,required,notEmpty"`          // an events.ArchivistJob, as JSON
	Reports     string `env:"REPORT_QUEUE_URL,required,notEmpty"`      // of the own messages of the function whose job it is
	Key         string `env:"ARCHIVE_KEY_ARN"`                         // of the KMS key that encrypts archives; empty: there are none to be made
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
	if err == nil && job.Job == events.JobArchive && e.Key == "" {
		err = errors.New("read the environment: ARCHIVE_KEY_ARN is needed for an archive")
	}
	return e, job, err
}

// ProberEnvironment is what the prober reads from its environment.
type ProberEnvironment struct {
	Job      string `env:"HEADROOM_JOB,required,notEmpty"`     // an events.ArchivistJob, as JSON
	Reports  string `env:"REPORT_QUEUE_URL,required,notEmpty"` // of hostrepair's own messages
	Metadata string `env:"ECS_CONTAINER_METADATA_URI_V4,required,notEmpty"`
}

// ReadProberEnvironment reads and checks the environment, and the job in it.
func ReadProberEnvironment() (ProberEnvironment, events.ArchivistJob, error) {
	e, err := env.ParseAs[ProberEnvironment]()
	if err != nil {
		return e, events.ArchivistJob{}, fmt.Errorf("read the environment: %w", err)
	}
	job, err := ReadJob(e.Job)
	if err == nil && job.Job != events.JobProbe {
		err = fmt.Errorf("%w: job %q is not the prober's", ErrJob, job.Job)
	}
	return e, job, err
}
