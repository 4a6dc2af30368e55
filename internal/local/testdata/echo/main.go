// Command echo is a function that logs each message it receives and puts it on a bus, a slow one after a moment.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strings"
	"time"

	lambdaevents "github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
)

func main() {
	cfg, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	bus := eventbridge.NewFromConfig(cfg)
	lambda.Start(func(ctx context.Context, event lambdaevents.SQSEvent) (lambdaevents.SQSEventResponse, error) {
		var response lambdaevents.SQSEventResponse
		for _, record := range event.Records {
			if err := echo(ctx, bus, record.Body); err != nil {
				log.Print(err)
				response.BatchItemFailures = append(response.BatchItemFailures, lambdaevents.SQSBatchItemFailure{ItemIdentifier: record.MessageId})
			}
		}
		return response, nil
	})
}

func echo(ctx context.Context, bus *eventbridge.Client, body string) error {
	detail, err := json.Marshal(map[string]string{"body": body, "greeting": os.Getenv("GREETING"), "port": os.Getenv("PORT"), "clock": os.Getenv("LOCAL_CLOCK")})
	if err != nil {
		return err
	}
	fmt.Println(string(detail))
	if strings.HasPrefix(body, "slow") {
		time.Sleep(2 * time.Second)
	}
	_, err = bus.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{{
		EventBusName: aws.String(os.Getenv("BUS_NAME")), Source: aws.String("headroom"),
		DetailType: aws.String("Echo"), Detail: aws.String(string(detail)),
	}}})
	return err
}
