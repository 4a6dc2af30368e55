package operator

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// deadLettersOutput is how the names of outputs end that are the URLs of dead-letter queues.
const deadLettersOutput = "DlqUrl"

// drives says which function a queue drives; what is not here drives the function of its own name.
var drives = map[string]string{
	"signupsteps": "signup", "hostevents": "stackcomplete", "alarms": "rdsalarm", "gatewayalarms": "gatewayalarm",
	"repairrequests": "hostrepair", "repairsteps": "hostrepair", "changesteps": "instancechange", "decommissionsteps": "decommission", "restoresteps": "restore",
	"undelivered": "",
}

// Queue is a queue and its dead letters. Numbers are approximate, as SQS's are.
type Queue struct {
	Queue       string `json:"queue"`
	Visible     int    `json:"visible"`
	InFlight    int    `json:"inFlight"`
	Delayed     int    `json:"delayed"`
	DeadLetters int    `json:"deadLetters"`

	url, dead string // URLs; url is empty of what is undelivered, which has no queue
}

// QueueStates reads the numbers of all queues, by name.
func (o *Operator) QueueStates(ctx context.Context) ([]Queue, error) {
	var found []Queue
	for key, url := range o.Outputs {
		if prefix, ok := strings.CutSuffix(key, deadLettersOutput); ok {
			found = append(found, Queue{Queue: strings.ToLower(prefix), dead: url})
		}
	}
	slices.SortFunc(found, func(a, b Queue) int { return compareText(a.Queue, b.Queue) })
	for i := range found {
		if err := o.count(ctx, &found[i]); err != nil {
			return nil, fmt.Errorf("look at queue %s: %w", found[i].Queue, err)
		}
	}
	return found, nil
}

// deadLetters finds the queue of a name.
func (o *Operator) deadLetters(ctx context.Context, name string) (Queue, error) {
	var names []string
	for key, url := range o.Outputs {
		prefix, ok := strings.CutSuffix(key, deadLettersOutput)
		if !ok {
			continue
		}
		names = append(names, strings.ToLower(prefix))
		if strings.EqualFold(prefix, name) {
			q := Queue{Queue: strings.ToLower(prefix), dead: url}
			return q, o.count(ctx, &q)
		}
	}
	slices.Sort(names)
	return Queue{}, missing("It is one of "+strings.Join(names, ", ")+".", "there is no queue %s", name)
}

func (o *Operator) count(ctx context.Context, q *Queue) error {
	dead, err := o.depth(ctx, q.dead)
	if err != nil {
		return err
	}
	q.DeadLetters = dead.Visible + dead.InFlight + dead.Delayed
	sources, err := o.Queues.ListDeadLetterSourceQueues(ctx, &sqs.ListDeadLetterSourceQueuesInput{QueueUrl: &q.dead})
	if err != nil || len(sources.QueueUrls) == 0 {
		return err
	}
	q.url = sources.QueueUrls[0]
	depth, err := o.depth(ctx, q.url)
	if err != nil {
		return err
	}
	q.Visible, q.InFlight, q.Delayed = depth.Visible, depth.InFlight, depth.Delayed
	return nil
}

func (o *Operator) depth(ctx context.Context, url string) (Queue, error) {
	out, err := o.Queues.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []types.QueueAttributeName{
		types.QueueAttributeNameApproximateNumberOfMessages, types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
		types.QueueAttributeNameApproximateNumberOfMessagesDelayed,
	}})
	if err != nil {
		return Queue{}, err
	}
	number := func(name types.QueueAttributeName) int {
		n, _ := strconv.Atoi(out.Attributes[string(name)]) // SQS gives numbers
		return n
	}
	return Queue{
		Visible:  number(types.QueueAttributeNameApproximateNumberOfMessages),
		InFlight: number(types.QueueAttributeNameApproximateNumberOfMessagesNotVisible),
		Delayed:  number(types.QueueAttributeNameApproximateNumberOfMessagesDelayed),
	}, nil
}
