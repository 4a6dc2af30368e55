package main

import (
	"github.com/aws/aws-sdk-go-v2/aws"

	"headroom/internal/function"
	"headroom/internal/function/hostalarms"
	"headroom/internal/handler/gatewayalarm"
	"headroom/internal/hostalarm"
)

// build makes the handler with its adapters.
func build(cfg aws.Config, e hostalarm.Environment) (any, error) {
	config, err := hostalarms.Config(cfg, hostalarms.Environment{
		Stage: e.Stage, TableName: e.TableName, BusName: e.BusName, PoolCheckQueue: e.PoolCheckQueue, NotifyTopic: e.NotifyTopic, Runbooks: e.Runbooks,
	}, nil)
	if err != nil {
		return nil, err
	}
	handler, err := gatewayalarm.New(gatewayalarm.Config{Config: config, StackPrefix: e.StackPrefix})
	if err != nil {
		return nil, err
	}
	return function.Batch(handler.Message), nil
}
