package local_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"headroom/internal/local"
)

// playCloud is a process that starts a cloud, has a function run on it, prints where the cloud keeps
// its files, and waits to be killed.
func playCloud(code string) {
	fail := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	ctx := context.Background()
	cloud, err := local.Start(ctx, optionsFor(code, io.Discard))
	fail(err)
	echoes := listen(cloud)
	outputs, err := cloud.Deploy(ctx, "testdata/assembly", nil)
	fail(err)
	url, body := outputs["QueueUrl"], "run"
	_, err = sqs.NewFromConfig(cloud.Config()).SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &url, MessageBody: &body})
	fail(err)
	for echoes.count(body) == 0 {
		time.Sleep(10 * time.Millisecond)
	}
	fmt.Println(cloud.Dir)
	select {}
}

func TestNothingOutlivesACrash(t *testing.T) {
	victim := exec.Command(os.Args[0])
	victim.Env = append(os.Environ(), "PLAY_CLOUD="+code)
	victim.Stderr = t.Output()
	output, err := victim.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	dir := strings.TrimSpace(line)
	orphans := children(victim.Process.Pid)
	if len(orphans) < 4 {
		t.Fatalf("children %v, want two parts, a function and a guard at least", orphans)
	}
	_ = victim.Process.Kill()
	_ = victim.Wait()

	eventually(t, "the directory is gone", func() bool { _, err := os.Stat(dir); return os.IsNotExist(err) })
	eventually(t, "all processes are gone", func() bool {
		for pid := range orphans {
			if status, err := os.ReadFile("/proc/" + pid + "/status"); err == nil && !strings.Contains(string(status), "State:\tZ") {
				return false
			}
		}
		return true
	})
}

// children are the command lines of a process's children, by their numbers.
func children(pid int) map[string]string {
	found := map[string]string{}
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, task := range tasks {
		pids, err := os.ReadFile(task)
		if err != nil {
			continue // the thread has ended
		}
		for child := range strings.FieldsSeq(string(pids)) {
			command, _ := os.ReadFile("/proc/" + child + "/cmdline")
			found[child] = strings.ReplaceAll(string(command), "\x00", " ")
		}
	}
	return found
}
