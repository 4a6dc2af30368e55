package main

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"headroom/internal/function"
	"headroom/internal/function/hostalarms"
	"headroom/internal/function/slots"
	"headroom/internal/handler/rdsalarm"
	"headroom/internal/hostalarm"
)

// readWithin bounds how long what tenants use is read.
const readWithin = 5 * time.Second

// build makes the handler with its adapters.
func build(cfg aws.Config, e hostalarm.Environment) (any, error) {
	databases, err := slots.Databases(e.TaskRoot)
	if err != nil {
		return nil, err
	}
	config, err := hostalarms.Config(cfg, hostalarms.Environment{
		Stage: e.Stage, TableName: e.TableName, BusName: e.BusName, PoolCheckQueue: e.PoolCheckQueue, NotifyTopic: e.NotifyTopic, Runbooks: e.Runbooks,
	}, rdsalarm.Reader{Vault: slots.Masters(cfg), Databases: databases, Within: readWithin})
	if err != nil {
		return nil, err
	}
	handler, err := rdsalarm.New(rdsalarm.Config{Config: config, StackPrefix: e.StackPrefix})
	if err != nil {
		return nil, err
	}
	return function.Batch(handler.Message), nil
}
