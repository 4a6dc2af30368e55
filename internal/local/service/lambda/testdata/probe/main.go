// Command probe is a function that does what the messages it receives tell it to.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	lambdaevents "github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

func main() {
	if os.Getenv("BROKEN") != "" {
		fmt.Println("cannot start")
		os.Exit(1)
	}
	lambda.Start(handle)
}

func handle(ctx context.Context, event lambdaevents.SQSEvent) (any, error) {
	response := lambdaevents.SQSEventResponse{}
	for _, record := range event.Records {
		word, _, _ := strings.Cut(record.Body, " ")
		report(ctx, record, len(event.Records))
		switch word {
		case "fail":
			response.BatchItemFailures = append(response.BatchItemFailures, lambdaevents.SQSBatchItemFailure{ItemIdentifier: record.MessageId})
		case "once": // fails at its first receive
			if record.Attributes["ApproximateReceiveCount"] == "1" {
				response.BatchItemFailures = append(response.BatchItemFailures, lambdaevents.SQSBatchItemFailure{ItemIdentifier: record.MessageId})
			}
		case "stranger":
			return lambdaevents.SQSEventResponse{BatchItemFailures: []lambdaevents.SQSBatchItemFailure{{ItemIdentifier: "nobody"}}}, nil
		case "nothing":
			return nil, nil
		case "error":
			return nil, errors.New("the probe was told to fail")
		case "panic":
			panic("the probe was told to panic")
		case "exit":
			os.Exit(3)
		case "slow":
			time.Sleep(300 * time.Millisecond)
		case "stuck":
			time.Sleep(time.Minute)
		case "grow":
			grow()
		case "call":
			if err := call(ctx, 3); err != nil {
				return nil, err
			}
		}
	}
	return response, nil
}

// report writes what the probe saw to its log.
func report(ctx context.Context, record lambdaevents.SQSMessage, batch int) {
	deadline, _ := ctx.Deadline()
	authority, _ := os.ReadFile(os.Getenv("LAMBDA_TASK_ROOT") + "/rds-ca.pem")
	line, _ := json.Marshal(map[string]any{
		"level": "INFO", "body": record.Body, "batch": batch, "pid": os.Getpid(), "left": time.Until(deadline).Seconds(),
		"stage": os.Getenv("STAGE"), "authority": string(authority), "leak": os.Getenv("LEAK"),
		"region": os.Getenv("AWS_REGION"), "memory": os.Getenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"),
	})
	fmt.Println(string(line))
}

// grow uses 200 MiB until it is killed.
func grow() {
	hoard := make([]byte, 200<<20)
	for i := range hoard {
		hoard[i] = 1
	}
	time.Sleep(time.Minute)
}

// call makes a number of AWS calls, one after the other.
func call(ctx context.Context, times int) error {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	client := sqs.NewFromConfig(cfg)
	for range times {
		if _, err := client.ListQueues(ctx, nil); err != nil {
			return fmt.Errorf("list queues: %w", err)
		}
	}
	return nil
}
