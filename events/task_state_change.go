package events

// TypeTaskStateChange is the detail-type of TaskStateChange.
const TypeTaskStateChange = "ECS Task State Change"

// TaskStateChange is the detail of the event that ECS (source aws.ecs) sends when the state of a task changes.
// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_task_events.html
type TaskStateChange struct {
	TaskARN       string      `json:"taskArn"`
	ClusterARN    string      `json:"clusterArn"`
	LastStatus    string      `json:"lastStatus"` // what it is, such as TaskStopped
	DesiredStatus string      `json:"desiredStatus"`
	StartedBy     string      `json:"startedBy"`     // what RunTask was given
	StopCode      string      `json:"stopCode"`      // such as EssentialContainerExited; empty of a task that does not stop
	StoppedReason string      `json:"stoppedReason"` // in words; empty of a task that does not stop
	Version       int         `json:"version"`       // counts the task's changes: events come in any order
	UpdatedAt     Time        `json:"updatedAt"`
	Containers    []Container `json:"containers"`
}

// TaskStopped is the LastStatus of a task that has ended, and will not run again.
const TaskStopped = "STOPPED"

// Container is a container of a task.
type Container struct {
	Name     string `json:"name"`
	ExitCode *int   `json:"exitCode,omitempty"` // nil of one that runs, or never ran
	Reason   string `json:"reason,omitempty"`   // such as OutOfMemoryError: …; empty where it ended by itself
}
