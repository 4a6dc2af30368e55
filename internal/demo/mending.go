package demo

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"headroom/events"
	"headroom/internal/adapter/awsclient"
	"headroom/internal/local/nfsclient"
	"headroom/internal/pool"
)

// What the mending chapter tries.
const (
	sameMount      = "the same mount goes on, on another machine"
	nothingIsLost  = "every byte that the gateway acknowledged is there"
	repairIsKnown  = "it was mended by a new machine that took the old one's disks"
	mountedBetween = 5 * time.Second // a hard mount tries a call again after so long
)

// mending ends the machine of a gateway while a tenant writes, and shows that another goes on in its place.
func (s show) mending(ctx context.Context, t Tenant) error {
	s.p.Heading("the machine of a gateway is terminated while a customer writes")
	host, _, _ := strings.Cut(t.Ready.Share.Host, ".")
	machine, err := machineOf(ctx, s.cloud, host)
	if err != nil {
		return err
	}
	image, was := aws.ToString(machine.ImageId), aws.ToString(machine.InstanceId)
	s.p.Line(fmt.Sprintf("the policy gets a drill on record, by which a gateway may move to a new machine of image %s by itself", image))
	if err := recordDrill(ctx, s.cloud, image); err != nil {
		return err
	}
	w := s.writeHard(ctx, t)
	defer w.stop()
	if err := w.await(ctx, s.o.Patience, 20); err != nil {
		return err
	}
	s.p.Line(fmt.Sprintf("%s writes; then somebody does this: aws ec2 terminate-instances --instance-ids %s", t.ID, was))
	if err := terminate(ctx, s.cloud, was); err != nil {
		return err
	}
	repaired, err := awaitSaid(ctx, s.crowd, s.p, s.o.Patience, host+" is repaired", func(e events.HostRepaired) bool { return e.HostID == host })
	if err != nil {
		return err
	}
	if err := w.await(ctx, s.o.Patience, 20); err != nil {
		return err
	}
	files := w.stop()
	now, err := machineOf(ctx, s.cloud, host)
	if err != nil {
		return err
	}
	var done trials
	done.try(ctx, repairIsKnown, host, func(context.Context) error {
		if repaired.Way != string(pool.WayMachine) {
			return fmt.Errorf("it was mended by way %s", repaired.Way)
		}
		return nil
	})
	done.try(ctx, sameMount, fmt.Sprintf("%s instead of %s at %s", aws.ToString(now.InstanceId), was, aws.ToString(now.PrivateIpAddress)), func(context.Context) error {
		if aws.ToString(now.InstanceId) == was || aws.ToString(now.PrivateIpAddress) != aws.ToString(machine.PrivateIpAddress) {
			return errors.New("its machine is the same, or its address another")
		}
		return nil
	})
	done.try(ctx, nothingIsLost, fmt.Sprintf("%d files", len(files)), func(ctx context.Context) error {
		client, err := mountPatiently(ctx, s.cloud, t)
		if err != nil {
			return err
		}
		defer func() { _ = client.Close() }()
		return readsAll(ctx, client, files)
	})
	return s.verdict(ctx, done)
}

// machineOf is the machine of a host that there is.
func machineOf(ctx context.Context, cloud Cloud, host string) (types.Instance, error) {
	out, err := ec2.NewFromConfig(cloud.AWS()).DescribeInstances(ctx, &ec2.DescribeInstancesInput{Filters: []types.Filter{
		{Name: aws.String("tag:headroom:host"), Values: []string{host}},
		{Name: aws.String("instance-state-name"), Values: []string{"running"}},
	}})
	if err != nil {
		return types.Instance{}, fmt.Errorf("look for the machine of %s: %w", host, err)
	}
	for _, r := range out.Reservations {
		for _, i := range r.Instances {
			return i, nil
		}
	}
	return types.Instance{}, fmt.Errorf("look for the machine of %s: there is none that runs", host)
}

// Terminate ends the machine of a share host's gateway, as somebody might in EC2's console. The policy gets a drill on
// record before, by which the gateway may move to a new machine by itself.
func Terminate(ctx context.Context, cloud Cloud, host string) error {
	machine, err := machineOf(ctx, cloud, host)
	if err != nil {
		return err
	}
	if err := recordDrill(ctx, cloud, aws.ToString(machine.ImageId)); err != nil {
		return err
	}
	return terminate(ctx, cloud, aws.ToString(machine.InstanceId))
}

func terminate(ctx context.Context, cloud Cloud, machine string) error {
	if _, err := ec2.NewFromConfig(cloud.AWS()).TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: []string{machine}}); err != nil {
		return fmt.Errorf("terminate machine %s: %w", machine, err)
	}
	return nil
}

// recordDrill adds to the policy that a gateway may move to a new machine of an image, as an operator would who had tried it.
func recordDrill(ctx context.Context, cloud Cloud, image string) error {
	return changePolicy(ctx, cloud, func(d pool.Document) pool.Document {
		d.Drills = []pool.Drill{{From: image, To: image}}
		return d
	})
}

// hardWriter writes as a client with a hard mount does: what is not answered is written again, until it is.
type hardWriter struct {
	cancel context.CancelFunc
	ended  chan struct{}
	answer chan string
	files  []string // that were acknowledged, as far as they were taken
}

func (s show) writeHard(ctx context.Context, t Tenant) *hardWriter {
	until, cancel := context.WithCancel(ctx)
	w := &hardWriter{cancel: cancel, ended: make(chan struct{}), answer: make(chan string, 1<<16)}
	go func() {
		defer close(w.ended)
		var client *nfsclient.Client
		for n := 0; until.Err() == nil; {
			file := fmt.Sprintf("hard-%d", n)
			if w.once(until, s.cloud, t, &client, file) {
				w.answer <- file
				n++
			}
			_ = awsclient.Sleep(until, 20*time.Millisecond)
		}
		if client != nil {
			_ = client.Close()
		}
	}()
	return w
}

// once tries to write a file, on the connection that there is or a new one.
func (w *hardWriter) once(ctx context.Context, cloud Cloud, t Tenant, client **nfsclient.Client, file string) bool {
	ctx, cancel := context.WithTimeout(ctx, mountedBetween)
	defer cancel()
	if *client == nil {
		fresh, err := mount(ctx, cloud, t, t)
		if err != nil {
			return false
		}
		*client = fresh
	}
	if err := (*client).WriteFile(ctx, file, []byte(file)); err != nil {
		_ = (*client).Close()
		*client = nil
		return false
	}
	return true
}

// await waits until some more files were acknowledged.
func (w *hardWriter) await(ctx context.Context, atMost time.Duration, more int) error {
	ctx, cancel := context.WithTimeout(ctx, atMost)
	defer cancel()
	for range more {
		select {
		case file := <-w.answer:
			w.files = append(w.files, file)
		case <-ctx.Done():
			return fmt.Errorf("wait for a write to be acknowledged, after %d: %w", len(w.files), context.Cause(ctx))
		}
	}
	return nil
}

// stop ends the writing, and returns all files that were acknowledged. It may be called again.
func (w *hardWriter) stop() []string {
	w.cancel()
	<-w.ended
	for {
		select {
		case file := <-w.answer:
			w.files = append(w.files, file)
		default:
			return w.files
		}
	}
}
