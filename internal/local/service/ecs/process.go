package ecs

import (
	"crypto/rand"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"headroom/internal/local/clock"
	"headroom/internal/local/parts"
)

// start runs the program of a task's image as its container. An error says, in ECS's words, why it can't; clean,
// once it has ended, removes what was written for it.
func (e *ECS) start(t *task) (_ *parts.Process, clean func(), _ error) {
	clean = func() {}
	if err := e.mayPull(t); err != nil {
		return nil, clean, err
	}
	if err := e.mayLog(t); err != nil {
		return nil, clean, err
	}
	container := t.definition.container()
	image := container.Image
	source, err := e.cfg.Program(container.Name)
	if err != nil {
		return nil, clean, fmt.Errorf("CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref %s: %w", image, err)
	}
	home := filepath.Join(e.cfg.Dir, "tasks", t.id)
	output := &lines{sink: e, family: t.definition.family, group: t.option("awslogs-group"), stream: t.stream()}
	clean = func() {
		output.flush()
		_ = os.RemoveAll(home)
	}
	root, err := parts.Unpack(home, "image", source, e.cfg.Overlay)
	if err != nil {
		return nil, clean, fmt.Errorf("CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref %s: %w", image, err)
	}
	scratch, err := e.workFolder(t)
	if err != nil {
		return nil, clean, fmt.Errorf("CannotCreateContainerError: %w", err)
	}
	clean = func() {
		output.flush()
		_ = os.RemoveAll(home)
		_ = os.RemoveAll(scratch)
	}
	t.keyID = "ASIA" + rand.Text()[:16]
	if t.taskRole != "" {
		e.cfg.Keys.Issue(t.keyID, e.session(t.taskRole, t.id))
	}

	cmd := exec.Command(filepath.Join(root, bootstrap), t.command...)
	cmd.Dir = root
	cmd.Env = e.environment(t, scratch)
	cmd.Stdout, cmd.Stderr = output, output

	e.mu.Lock() // Close must not miss it
	defer e.mu.Unlock()
	if e.life.Err() != nil {
		return nil, clean, e.life.Err()
	}
	process, err := parts.Start(cmd)
	if err != nil {
		return nil, clean, fmt.Errorf("CannotStartContainerError: %w", err)
	}
	t.process = process
	e.work.Go(func() { e.bound(t, process, scratch) })
	return process, clean, nil
}

// environment is all that a task finds in its environment: its own, what ECS puts there, and the clock if there is
// another one than the machine's.
func (e *ECS) environment(t *task, scratch string) []string {
	base := "http://" + e.listener.Addr().String()
	vars := map[string]string{
		"PATH":   strings.Join(append(e.cfg.Path, "/usr/local/bin", "/usr/bin", "/bin"), ":"),
		"HOME":   scratch, // not the developer's, whose AWS profiles are there
		"TMPDIR": scratch,
		"TZ":     "UTC",
	}
	maps.Copy(vars, t.environment)
	maps.Copy(vars, map[string]string{
		"AWS_REGION":                    e.cfg.Region,
		"AWS_DEFAULT_REGION":            e.cfg.Region,
		"AWS_ENDPOINT_URL":              e.cfg.Endpoint,
		"AWS_EXECUTION_ENV":             "AWS_ECS_FARGATE",
		"ECS_CONTAINER_METADATA_URI_V4": base + "/v4/" + t.id,
	})
	if t.taskRole != "" {
		// On Fargate it is the relative one, of an address that every task has for itself.
		vars["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = base + "/v2/credentials/" + t.id
	}
	if e.cfg.Clock.Speed() != 1 {
		vars[clock.Variable] = e.cfg.Clock.String()
	}
	environment := make([]string, 0, len(vars))
	for name, value := range vars {
		environment = append(environment, name+"="+value)
	}
	return environment
}

// session is who a task is when it has a role.
func (e *ECS) session(role, taskID string) string {
	return fmt.Sprintf("arn:aws:sts::%s:assumed-role/%s/%s", e.cfg.Account, role[strings.LastIndex(role, "/")+1:], taskID)
}

// mayPull checks that the execution role may pull an image of ECR.
func (e *ECS) mayPull(t *task) error {
	registry, rest, _ := strings.Cut(t.definition.container().Image, "/")
	if !strings.Contains(registry, ".dkr.ecr.") {
		return nil
	}
	repository, _, _ := strings.Cut(rest, ":")
	resource := fmt.Sprintf("arn:aws:ecr:%s:%s:repository/%s", e.cfg.Region, e.cfg.Account, repository)
	who := e.session(t.executionRole, t.id)
	for _, need := range []struct{ action, resource string }{
		{"ecr:GetAuthorizationToken", "*"},
		{"ecr:BatchCheckLayerAvailability", resource},
		{"ecr:GetDownloadUrlForLayer", resource},
		{"ecr:BatchGetImage", resource},
	} {
		if err := e.cfg.Allowed(who, need.action, need.resource); err != nil {
			return fmt.Errorf("ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: "+
				"unable to retrieve ecr registry auth: service call has been retried 1 time(s): AccessDeniedException: %w", err)
		}
	}
	return nil
}

// mayLog checks that the execution role may write the log of a task, to a group that is there.
func (e *ECS) mayLog(t *task) error {
	const failed = "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: failed to create CloudWatch log stream: "
	group := t.option("awslogs-group")
	resource := fmt.Sprintf("arn:aws:logs:%s:%s:log-group:%s:log-stream:%s", e.cfg.Region, e.cfg.Account, group, t.stream())
	for _, action := range []string{"logs:CreateLogStream", "logs:PutLogEvents"} {
		if err := e.cfg.Allowed(e.session(t.executionRole, t.id), action, resource); err != nil {
			return fmt.Errorf(failed+"AccessDeniedException: %w", err)
		}
	}
	if !e.cfg.Logs.Exists(group) {
		return fmt.Errorf(failed+"ResourceNotFoundException: The specified log group does not exist: %s", group)
	}
	return nil
}

func (t *task) option(name string) string {
	return string(t.definition.container().LogConfiguration.Options[name])
}

// stream is the log stream of a task: <prefix>/<container>/<task>.
func (t *task) stream() string {
	return t.option("awslogs-stream-prefix") + "/" + t.definition.container().Name + "/" + t.id
}
