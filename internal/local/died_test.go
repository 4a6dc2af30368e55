package local_test

import (
	"context"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"headroom/internal/local"
)

// lines counts what is logged.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) read() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// kill kills this process's child whose command line has a word in it.
func kill(t *testing.T, word string) {
	t.Helper()
	for pid, command := range children(os.Getpid()) {
		number, err := strconv.Atoi(pid)
		if err != nil || !strings.Contains(command, word) {
			continue
		}
		if err := syscall.Kill(number, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Fatalf("no child is %s", word)
}

func TestDeathOfAPartIsTheCloudsEnd(t *testing.T) {
	for word, service := range map[string]string{"dynoxide": "DynamoDB", "fauxqs": "SQS"} {
		t.Run(service, func(t *testing.T) {
			o, log := options(t), &lines{}
			o.Log = slog.New(slog.NewTextHandler(log, nil))
			cloud := start(t, o)
			outputs := deploy(t, cloud, nil)
			ctx, release := cloud.While(t.Context())
			defer release()
			if cloud.Err() != nil || ctx.Err() != nil {
				t.Fatalf("dead before its time: %v", cloud.Err())
			}
			kill(t, word)
			select {
			case <-cloud.Done():
			case <-time.After(20 * time.Second):
				t.Fatal("nobody noticed")
			}
			if err := cloud.Err(); err == nil || !strings.Contains(err.Error(), service) || !strings.Contains(err.Error(), "killed") {
				t.Errorf("error %v", err)
			}
			<-ctx.Done()
			if cause := context.Cause(ctx); cause != cloud.Err() {
				t.Errorf("the cause is %v", cause)
			}
			// Nothing is acknowledged any more, and the log does not fill with what follows from it.
			client := sqs.NewFromConfig(cloud.Config(), func(o *sqs.Options) { o.Retryer = retry.AddWithMaxAttempts(aws.NopRetryer{}, 1) })
			if _, err := client.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: aws.String(outputs["QueueUrl"]), MessageBody: aws.String("lost")}); err == nil {
				t.Error("a message was acknowledged")
			}
			said := log.read()
			time.Sleep(1500 * time.Millisecond) // a queue that can't be polled is polled again every second
			if more := strings.TrimPrefix(log.read(), said); more != "" {
				t.Errorf("logged after its death:\n%s", more)
			}
		})
	}
}

func TestCloudThatIsClosedHasNotDied(t *testing.T) {
	cloud, err := local.Start(t.Context(), options(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := cloud.Close(); err != nil {
		t.Error(err)
	}
	if err := cloud.Err(); err != nil {
		t.Errorf("it has: %v", err)
	}
}

func TestFullDiskIsSaidAtOnce(t *testing.T) {
	o := options(t)
	o.Databases = 1 << 20
	_, err := local.Start(t.Context(), o)
	if err == nil || !strings.Contains(err.Error(), os.TempDir()) || !strings.Contains(err.Error(), "MB") {
		t.Errorf("error %v", err)
	}
}
