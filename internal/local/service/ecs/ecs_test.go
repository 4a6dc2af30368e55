package ecs

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"headroom/internal/local/clock"
	"headroom/internal/local/constraint"
	"headroom/internal/local/machine/postgresql"
	"headroom/internal/local/parts"
	"headroom/internal/local/resource"
)

func TestATaskRunsAndEndsByItself(t *testing.T) {
	w := newWorld(t)
	in := w.input("say=${STAGE} ${HEADROOM_JOB} ${AWS_REGION}", "read=rds-ca.pem", "exit=3")
	in.Overrides.ContainerOverrides[0].Environment = []types.KeyValuePair{{Name: aws.String("HEADROOM_JOB"), Value: aws.String(`{"do":"archive"}`)}}
	arn := w.run(t, in)
	ended := w.become(t, arn, "STOPPED")
	c := ended.Containers[0]
	if aws.ToInt32(c.ExitCode) != 3 || ended.StopCode != types.TaskStopCodeEssentialContainerExited ||
		aws.ToString(ended.StoppedReason) != "Essential container in task exited" || aws.ToString(ended.StartedBy) != "acme/k3v9x2m7qa" {
		t.Errorf("it ended as %+v", ended)
	}
	if ended.CreatedAt == nil || ended.StartedAt == nil || ended.StoppedAt == nil || ended.StoppedAt.Before(*ended.StartedAt) {
		t.Errorf("it was made at %v, started at %v, stopped at %v", ended.CreatedAt, ended.StartedAt, ended.StoppedAt)
	}
	want := []string{`dev {"do":"archive"} eu-west-1`, "authority <nil>", "the last line"}
	if got := w.said(t, arn); !slices.Equal(got, want) {
		t.Errorf("it said %q, want %q", got, want)
	}
	var statuses []string
	for i, h := range w.told(arn) {
		statuses = append(statuses, h.LastStatus)
		if h.Version != i+1 || !strings.HasSuffix(h.ClusterArn, ":cluster/headroom-dev") || h.Attachments[0].Type != "eni" || h.UpdatedAt == "" {
			t.Errorf("event %d is %+v", i+1, h)
		}
	}
	if want := []string{"PROVISIONING", "PENDING", "RUNNING", "DEPROVISIONING", "STOPPED"}; !slices.Equal(statuses, want) {
		t.Errorf("told of %v, want %v", statuses, want)
	}
	last := w.told(arn)[4]
	if last.StopCode != "EssentialContainerExited" || last.DesiredStatus != "STOPPED" || last.Containers[0].ExitCode == nil || *last.Containers[0].ExitCode != 3 {
		t.Errorf("the last event is %+v", last)
	}
	if left, _ := os.ReadDir(filepath.Join(w.fake.cfg.Dir, "tasks")); len(left) != 0 {
		t.Errorf("it left %v", left)
	}
}

func TestATaskHasItsRolesCredentialsAndAnAddressOfItsOwn(t *testing.T) {
	w := newWorld(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	arn := w.run(t, w.input("get=AWS_CONTAINER_CREDENTIALS_FULL_URI", "get=ECS_CONTAINER_METADATA_URI_V4", "get=ECS_CONTAINER_METADATA_URI_V4/task", "wait"))
	now := w.become(t, arn, "RUNNING")
	address := aws.ToString(now.Containers[0].NetworkInterfaces[0].PrivateIpv4Address)
	if !strings.HasPrefix(address, "127.93.") {
		t.Errorf("its address is %q", address)
	}
	other := w.become(t, w.run(t, w.input("dial="+listener.Addr().String()+","+address, "wait")), "RUNNING")
	if its := aws.ToString(other.Containers[0].NetworkInterfaces[0].PrivateIpv4Address); its == address {
		t.Errorf("both have the address %s", its)
	}
	_ = listener.(*net.TCPListener).SetDeadline(time.Now().Add(10 * time.Second))
	conn, err := listener.Accept()
	if err != nil || conn.RemoteAddr().(*net.TCPAddr).IP.String() != address {
		t.Errorf("connected from %v, %v", conn, err)
	}
	id := arn[strings.LastIndex(arn, "/")+1:]
	eventually(t, "it has said all", func() bool { return len(w.said(t, arn)) == 3 })
	said := strings.Join(w.said(t, arn), "\n")
	for _, part := range []string{`"RoleArn":"` + taskRole, `"IPv4Addresses":["` + address, `"TaskARN":"` + arn, `"Family":"` + family} {
		if !strings.Contains(said, part) {
			t.Errorf("it was not told %s: %s", part, said)
		}
	}
	found := false
	for key, principal := range w.keys {
		found = found || strings.Contains(said, key) && principal == "arn:aws:sts::123456789012:assumed-role/archivist/"+id
	}
	if !found {
		t.Errorf("its key is none of %v", w.keys)
	}
}

func TestATaskIsAskedToEndAndThenMadeTo(t *testing.T) {
	w := newWorld(t, fast)
	obeys, hangs := w.run(t, w.input("say=up", "wait")), w.run(t, w.input("say=up", "hang"))
	for arn, want := range map[string]int32{obeys: 0, hangs: 137} {
		eventually(t, "it is up", func() bool { return len(w.said(t, arn)) == 1 })
		for range 2 {
			_, err := w.client.StopTask(t.Context(), &sdk.StopTaskInput{Cluster: aws.String("headroom-dev"), Task: &arn, Reason: aws.String("undone")})
			if err != nil {
				t.Fatal(err)
			}
		}
		ended := w.become(t, arn, "STOPPED")
		if aws.ToInt32(ended.Containers[0].ExitCode) != want || ended.StopCode != types.TaskStopCodeUserInitiated || aws.ToString(ended.StoppedReason) != "undone" {
			t.Errorf("it ended as %+v", ended)
		}
	}
	if said := w.said(t, obeys); !slices.Equal(said, []string{"up", "asked to end"}) {
		t.Errorf("it said %q", said)
	}
	if _, err := w.client.StopTask(t.Context(), &sdk.StopTaskInput{Cluster: aws.String("headroom-dev"), Task: aws.String("nobody")}); code(err) != "InvalidParameterException" {
		t.Errorf("stop nobody: %v", err)
	}
}

func TestATaskThatIsStoppedBeforeItRunsNeverRuns(t *testing.T) {
	w := newWorld(t, func(cfg *Config) { cfg.Pull = time.Hour })
	arn := w.run(t, w.input("say=hello"))
	w.become(t, arn, "PENDING")
	if _, err := w.client.StopTask(t.Context(), &sdk.StopTaskInput{Cluster: aws.String("headroom-dev"), Task: &arn}); err != nil {
		t.Fatal(err)
	}
	if ended := w.become(t, arn, "STOPPED"); ended.Containers[0].ExitCode != nil || ended.StopCode != types.TaskStopCodeUserInitiated {
		t.Errorf("it ended as %+v", ended)
	}
	if said := w.said(t, arn); len(said) != 0 {
		t.Errorf("it said %q", said)
	}
}

func TestATaskIsKilledAndForgotten(t *testing.T) {
	w := newWorld(t, func(cfg *Config) { cfg.Clock = clock.New(20_000) }) // an hour is 180 ms
	arn := w.run(t, w.input("hang"))
	eventually(t, "it is killed", func() bool { return w.fake.Kill(arn) })
	eventually(t, "it is told", func() bool { return len(w.told(arn)) == 5 })
	if last := w.told(arn)[4].Containers[0]; *last.ExitCode != 137 || !strings.HasPrefix(last.Reason, "OutOfMemoryError") {
		t.Errorf("it ended as %+v", last)
	}
	eventually(t, "it is forgotten", func() bool { return w.task(t, arn) == nil })
}

func TestATokenMakesOneTask(t *testing.T) {
	w := newWorld(t)
	in := w.input("say=once")
	in.ClientToken = aws.String("acme.k3v9x2m7qa-archive-1")
	first := w.run(t, in)
	w.become(t, first, "STOPPED")
	if again := w.run(t, in); again != first {
		t.Errorf("again: %s, first %s", again, first)
	}
	other := w.input("say=twice")
	other.ClientToken = in.ClientToken
	if _, err := w.client.RunTask(t.Context(), other); code(err) != "ConflictException" || !strings.Contains(err.Error(), "clientToken is already in use") {
		t.Errorf("the token for something else: %v", err)
	}
	if said := w.said(t, first); !slices.Equal(said, []string{"once"}) {
		t.Errorf("it said %q", said)
	}
}

func TestATokenIsForgottenWithItsTask(t *testing.T) {
	w := newWorld(t, func(cfg *Config) { cfg.Clock = clock.New(20_000) }) // an hour is 180 ms
	in := w.input("say=once")
	in.ClientToken = aws.String("token")
	first := w.run(t, in)
	eventually(t, "it is forgotten", func() bool { return len(w.told(first)) == 5 && w.task(t, first) == nil })
	if again := w.run(t, in); again == first {
		t.Error("the token is known for ever")
	}
}

func TestATokenIsOfOneCluster(t *testing.T) {
	w := newWorld(t)
	other := resource.Resource{StackID: "stack", LogicalID: "Other", Type: typeCluster, Properties: map[string]any{"ClusterName": "other"}}
	if _, err := w.fake.Create(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	in := w.input("say=hello")
	in.ClientToken = aws.String("token")
	first := w.run(t, in)
	in.Cluster = aws.String("other")
	if second := w.run(t, in); second == first || !strings.Contains(second, ":task/other/") {
		t.Errorf("in another cluster: %s", second)
	}
}

func TestTagsAreShownToWhoAsksForThem(t *testing.T) {
	w := newWorld(t)
	in := w.input("wait")
	in.Tags = []types.Tag{{Key: aws.String("headroom:tenant"), Value: aws.String("acme")}}
	arn := w.run(t, in)
	w.become(t, arn, "RUNNING")
	for _, include := range [][]types.TaskField{nil, {types.TaskFieldTags}} {
		out, err := w.client.DescribeTasks(t.Context(), &sdk.DescribeTasksInput{Cluster: aws.String("headroom-dev"), Tasks: []string{arn}, Include: include})
		if err != nil || len(out.Tasks[0].Tags) != len(include) {
			t.Errorf("including %v: %+v, %v", include, out, err)
		}
	}
}

func TestATaskHasTheProgramsOfItsImage(t *testing.T) {
	bin, err := postgresql.Bin()
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, func(cfg *Config) { cfg.Path = []string{bin} })
	arn := w.run(t, w.input("run=pg_dump,--version", "run=pg_restore,--version"))
	w.become(t, arn, "STOPPED")
	if said := w.said(t, arn); len(said) != 2 || !strings.HasPrefix(said[0], "pg_dump (PostgreSQL)") || !strings.HasPrefix(said[1], "pg_restore (PostgreSQL)") {
		t.Errorf("it said %q", said)
	}
}

func TestATaskThatFillsItsDiskEnds(t *testing.T) {
	w := newWorld(t, func(cfg *Config) { cfg.Disk = 1 << 20 })
	fits, fills := w.run(t, w.input("fill=500000", "wait")), w.run(t, w.input("fill=2000000", "wait"))
	ended := w.become(t, fills, "STOPPED")
	if c := ended.Containers[0]; aws.ToInt32(c.ExitCode) != 137 || !strings.HasPrefix(aws.ToString(c.Reason), "no space left on device") {
		t.Errorf("it ended as %+v", ended)
	}
	if now := w.task(t, fits); aws.ToString(now.LastStatus) != "RUNNING" {
		t.Errorf("what fits is %+v", now)
	}
}

func TestATaskWithoutAPlaceIsAFailureOfASuccess(t *testing.T) {
	w := newWorld(t)
	w.fake.NoRoom(constraint.NoTaskCapacity)
	in := w.input("say=hello")
	in.ClientToken = aws.String("token")
	out, err := w.client.RunTask(t.Context(), in)
	if err != nil || len(out.Tasks) != 0 || len(out.Failures) != 1 || !strings.HasPrefix(aws.ToString(out.Failures[0].Reason), "Capacity is unavailable") {
		t.Fatalf("run: %+v, %v", out, err)
	}
	w.become(t, w.run(t, in), "STOPPED")
}

func TestATaskThatCantStartSaysWhy(t *testing.T) {
	tests := []struct {
		name   string
		denied string
		change func(map[string]any)
		says   string
	}{
		{"no image", "an image", nil, "CannotPullContainerError"},
		{"no log group", "", func(d map[string]any) { logOptions(d)["awslogs-group"] = "none" }, "ResourceInitializationError: failed to validate logger args"},
		{"an execution role that may not log", "logs:CreateLogStream", nil, "failed to create CloudWatch log stream: AccessDeniedException"},
		{"an execution role that may not pull", "ecr:BatchGetImage", nil, "unable to pull secrets or registry auth"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, func(cfg *Config) {
				if test.denied == "an image" {
					cfg.Program = func(container string) (string, error) { return "", fmt.Errorf("there is no program %s", container) }
				}
				cfg.Allowed = func(principal, action, _ string) error {
					if action == test.denied && strings.Contains(principal, "/execution/") {
						return fmt.Errorf("%s may not %s", principal, action)
					}
					return nil
				}
			})
			in, properties := w.input(), definitionOf(family)
			if test.change != nil {
				test.change(properties)
				made, err := w.fake.Create(t.Context(), resource.Resource{StackID: "stack", LogicalID: "Other", Type: typeDefinition, Properties: properties})
				if err != nil {
					t.Fatal(err)
				}
				in.TaskDefinition = &made.PhysicalID
			}
			ended := w.become(t, w.run(t, in), "STOPPED")
			if ended.StopCode != types.TaskStopCodeTaskFailedToStart || !strings.Contains(aws.ToString(ended.StoppedReason), test.says) || ended.Containers[0].ExitCode != nil {
				t.Errorf("it ended as %+v", ended)
			}
		})
	}
}

func logOptions(definition map[string]any) map[string]any {
	container := definition["ContainerDefinitions"].([]any)[0].(map[string]any)
	return container["LogConfiguration"].(map[string]any)["Options"].(map[string]any)
}

func TestDefinitionsThatFargateDoesNotRunAreRefused(t *testing.T) {
	w := newWorld(t)
	for name, change := range map[string]func(map[string]any){
		"another network": func(d map[string]any) { d["NetworkMode"] = "bridge" },
		"too much memory": func(d map[string]any) { d["Memory"] = "16384" },
		"odd memory":      func(d map[string]any) { d["Memory"] = "2500" },
		"no CPU":          func(d map[string]any) { delete(d, "Cpu") },
		"a large disk":    func(d map[string]any) { d["EphemeralStorage"] = map[string]any{"SizeInGiB": 201} },
		"no container":    func(d map[string]any) { d["ContainerDefinitions"] = []any{} },
		"no execution":    func(d map[string]any) { delete(d, "ExecutionRoleArn") },
		"no stream":       func(d map[string]any) { delete(logOptions(d), "awslogs-stream-prefix") },
		"no such volume":  func(d map[string]any) { d["Volumes"] = []any{map[string]any{"Name": "other"}} },
		"another's disk": func(d map[string]any) {
			d["Volumes"] = []any{map[string]any{"Name": "scratch", "EFSVolumeConfiguration": map[string]any{"FilesystemId": "fs-1"}}}
		},
	} {
		properties := definitionOf(family)
		change(properties)
		if _, err := w.fake.Create(t.Context(), resource.Resource{StackID: "stack", LogicalID: "Other", Type: typeDefinition, Properties: properties}); err == nil {
			t.Errorf("%s: it was made", name)
		}
	}
}

func TestAChangedDefinitionIsTheNextRevision(t *testing.T) {
	w := newWorld(t)
	define := func(properties map[string]any) string {
		t.Helper()
		made, err := w.fake.Create(t.Context(), resource.Resource{StackID: "stack", LogicalID: typeDefinition, Type: typeDefinition, Properties: properties})
		if err != nil {
			t.Fatal(err)
		}
		return made.PhysicalID
	}
	first := define(definitionOf(family))
	changed := definitionOf(family)
	changed["Memory"] = "4096"
	second := define(changed)
	if !strings.HasSuffix(first, ":task-definition/"+family+":1") || !strings.HasSuffix(second, ":2") || define(changed) != second {
		t.Errorf("revisions %s, %s", first, second)
	}
	if newest, roles := w.fake.Definition(family); newest != second || !slices.Equal(roles, []string{taskRole, executionRole}) {
		t.Errorf("the newest is %s, its roles %v", newest, roles)
	}
	if err := w.fake.Delete(t.Context(), resource.Resource{Type: typeDefinition, PhysicalID: second}); err != nil {
		t.Fatal(err)
	}
	if newest, _ := w.fake.Definition(family); newest != first {
		t.Errorf("the newest is %s", newest)
	}
	in := w.input()
	in.TaskDefinition = &second
	if _, err := w.client.RunTask(t.Context(), in); code(err) != "ClientException" || !strings.Contains(err.Error(), "inactive") {
		t.Errorf("run an inactive one: %v", err)
	}
}

func TestTheEndOfTheCloudEndsItsTasks(t *testing.T) {
	w := newWorld(t)
	arn := w.run(t, w.input("hang"))
	w.become(t, arn, "RUNNING")
	if got := parts.Running(); !slices.Equal(got, []string{"bootstrap"}) {
		t.Errorf("running %v", got)
	}
	if err := w.fake.Close(); err != nil {
		t.Fatal(err)
	}
	if got := parts.Running(); len(got) != 0 {
		t.Errorf("still running: %v", got)
	}
	if told := w.told(arn); told[len(told)-1].LastStatus != "RUNNING" {
		t.Errorf("told of %+v", told)
	}
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if is() {
			return
		}
	}
	t.Fatalf("not in time: %s", what)
}
