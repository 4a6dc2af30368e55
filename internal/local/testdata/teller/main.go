// Command teller is a task that tells its job to a queue, as itself and as a reader, and ends.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

func main() {
	if err := tell(context.Background()); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("told")
}

func tell(ctx context.Context) error {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	job := os.Getenv("HEADROOM_JOB")
	if err := send(ctx, cfg, job); err != nil {
		return err
	}
	bound := `{"Statement":[{"Effect":"Allow","Action":"sqs:SendMessage","Resource":"` + os.Getenv("BOUND") + `"}]}`
	cfg.Credentials = stscreds.NewAssumeRoleProvider(sts.NewFromConfig(cfg), os.Getenv("READER"), func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName, o.Policy = "teller", &bound
	})
	return send(ctx, cfg, job+" as a reader")
}

func send(ctx context.Context, cfg aws.Config, what string) error {
	_, err := sqs.NewFromConfig(cfg).SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: aws.String(os.Getenv("QUEUE_URL")), MessageBody: &what})
	return err
}
