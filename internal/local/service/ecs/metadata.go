package ecs

import (
	"encoding/json"
	"net/http"
	"time"
)

// credentialsLife is how long a task's credentials are good for, on the machine's clock, by which clients renew
// them. ECS's are good for up to six hours.
const credentialsLife = time.Hour

// metadata answers what tasks ask about themselves: the task metadata endpoint, version 4, and their credentials
// (Amazon ECS Developer Guide).
func (e *ECS) metadata() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v4/{id}", e.answering(func(t *task) any { return e.containerMetadata(t) }))
	mux.HandleFunc("GET /v4/{id}/task", e.answering(func(t *task) any {
		p := t.definition.properties
		return map[string]any{
			"Cluster": e.arn("cluster/" + t.cluster), "TaskARN": t.arn, "Family": t.definition.family, "Revision": t.definition.revision,
			"DesiredStatus": t.desired, "KnownStatus": t.last, "LaunchType": "FARGATE", "AvailabilityZone": t.nic.Zone,
			"Limits": map[string]any{"CPU": string(p.Cpu), "Memory": string(p.Memory)}, "Containers": []any{e.containerMetadata(t)},
		}
	}))
	mux.HandleFunc("GET /v2/credentials/{id}", e.answering(func(t *task) any {
		if t.taskRole == "" {
			return nil
		}
		return map[string]any{
			"AccessKeyId": t.keyID, "SecretAccessKey": "local", "Token": "local", "RoleArn": t.taskRole,
			"Expiration": time.Now().UTC().Add(credentialsLife).Format(time.RFC3339),
		}
	}))
	return mux
}

// answering answers with what a task's is, or nothing, while the task runs.
func (e *ECS) answering(of func(*task) any) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		e.mu.Lock()
		t := e.tasks[r.PathValue("id")]
		var body []byte
		if t != nil && t.process != nil {
			if answer := of(t); answer != nil {
				body, _ = json.Marshal(answer) // can't fail: it is made of texts
			}
		}
		e.mu.Unlock()
		if body == nil {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body) // the task may have gone
	}
}

// containerMetadata is what is told of a task's container. The caller holds the lock.
func (e *ECS) containerMetadata(t *task) map[string]any {
	c := t.definition.container()
	return map[string]any{
		"DockerId": t.id, "Name": c.Name, "DockerName": c.Name, "Image": c.Image, "ContainerARN": t.containerARN,
		"DesiredStatus": t.desired, "KnownStatus": t.last, "Type": "NORMAL", "LogDriver": "awslogs",
		"LogOptions": map[string]any{"awslogs-group": t.option("awslogs-group"), "awslogs-region": e.cfg.Region, "awslogs-stream": t.stream()},
		"Labels": map[string]any{
			"com.amazonaws.ecs.cluster": e.arn("cluster/" + t.cluster), "com.amazonaws.ecs.container-name": c.Name,
			"com.amazonaws.ecs.task-arn": t.arn, "com.amazonaws.ecs.task-definition-family": t.definition.family,
		},
		"Networks": []any{map[string]any{
			"NetworkMode": "awsvpc", "AttachmentIndex": 0, "IPv4Addresses": []any{t.nic.Address.String()}, "PrivateDNSName": "",
		}},
	}
}
