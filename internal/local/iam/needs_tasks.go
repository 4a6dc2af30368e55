package iam

import (
	"maps"
	"strings"
)

// taskNeeds: who runs a task passes its roles on, those that the call names or else the definition's. All that is
// about a task can be bound to its cluster.
func (s *Store) taskNeeds(operation string, p params) []need {
	action := "ecs:" + operation
	cluster := s.clusterARN(p.text("cluster"))
	context := Context{"ecs:cluster": {cluster}}
	switch operation {
	case "RunTask":
		return s.runTaskNeeds(action, context, p)
	case "StopTask":
		return []need{{action, s.taskARN(cluster, p.first("task")), context}}
	case "DescribeTasks":
		var needs []need
		for _, task := range p.texts("tasks") {
			needs = append(needs, need{action, s.taskARN(cluster, task), context})
		}
		return needs
	}
	return []need{{action: action, resource: "*"}}
}

func (s *Store) runTaskNeeds(action string, context Context, p params) []need {
	named := p.text("taskDefinition")
	definition, roles := s.arn("ecs", "task-definition/"+named), []string(nil)
	if strings.HasPrefix(named, "arn:") {
		definition = named
	}
	s.mu.Lock()
	source := s.tasks
	s.mu.Unlock()
	if source != nil { // asked without the lock: it has its own
		if arn, of := source(named); arn != "" {
			definition, roles = arn, of
		}
	}
	overrides, _ := p["overrides"].(map[string]any)
	for i, name := range []string{"taskRoleArn", "executionRoleArn"} { // in the order of the definition's
		if role := params(overrides).text(name); role != "" {
			for len(roles) <= i {
				roles = append(roles, "")
			}
			roles[i] = role
		}
	}
	for _, tag := range p.maps("tags") {
		context["aws:requesttag/"+strings.ToLower(tag.text("key"))] = []string{tag.text("value")}
		context["aws:tagkeys"] = append(context["aws:tagkeys"], tag.text("key"))
	}
	needs := []need{{action, definition, context}}
	for _, role := range roles {
		if role != "" {
			needs = append(needs, need{"iam:PassRole", role, Context{"iam:passedtoservice": {"ecs-tasks.amazonaws.com"}}})
		}
	}
	if len(p.maps("tags")) > 0 {
		tagging := maps.Clone(context) // it can be bound to what makes the task
		tagging["ecs:createaction"] = []string{"RunTask"}
		needs = append(needs, need{"ecs:TagResource", s.taskARN(s.clusterARN(p.text("cluster")), "*"), tagging})
	}
	return needs
}

// clusterARN is the ARN of a cluster that is named by it, by its name, or not at all.
func (s *Store) clusterARN(named string) string {
	switch {
	case named == "":
		named = "default"
	case strings.HasPrefix(named, "arn:"):
		return named
	}
	return s.arn("ecs", "cluster/"+named)
}

// taskARN is the ARN of a task that is named by it or by its id.
func (s *Store) taskARN(clusterARN, named string) string {
	if strings.HasPrefix(named, "arn:") {
		return named
	}
	return s.arn("ecs", "task/"+clusterARN[strings.LastIndex(clusterARN, "/")+1:]+"/"+named)
}
