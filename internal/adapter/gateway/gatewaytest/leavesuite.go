package gatewaytest

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/storagegateway"

	"headroom/events"
	"headroom/internal/adapter/awsclient"
)

// within is how long something takes at most that has to happen, and while how long it is watched that something
// does not.
const (
	within = 10 * time.Second
	while  = 150 * time.Millisecond
)

// share makes a share that the suite's instance may write to.
func (w World) share(t *testing.T, token string) (arn string) {
	t.Helper()
	in := w.form()
	in.ClientToken, in.ClientList = &token, []string{w.Instance + "/32"}
	out, err := w.Client.CreateNFSFileShare(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	w.become(t, *out.FileShareARN, "AVAILABLE")
	return *out.FileShareARN
}

// status is a share's status, or the code of what is answered instead.
func (w World) status(t *testing.T, arn string) string {
	t.Helper()
	out, err := w.Client.DescribeNFSFileShares(t.Context(), &storagegateway.DescribeNFSFileSharesInput{FileShareARNList: []string{arn}})
	if err != nil {
		return awsclient.Code(err)
	}
	return aws.ToString(out.NFSFileShareInfoList[0].FileShareStatus)
}

func (w World) delete(t *testing.T, arn string) error {
	t.Helper()
	_, err := w.Client.DeleteFileShare(t.Context(), &storagegateway.DeleteFileShareInput{FileShareARN: &arn})
	return err
}

func (w World) notify(t *testing.T, arn string) string {
	t.Helper()
	out, err := w.Client.NotifyWhenUploaded(t.Context(), &storagegateway.NotifyWhenUploadedInput{FileShareARN: &arn})
	if err != nil {
		t.Fatal(err)
	}
	return aws.ToString(out.NotificationId)
}

// told returns the notifications of a kind that have come so far, and checks what they say.
func (w World) told(t *testing.T, detailType, share string) []string {
	t.Helper()
	var ids []string
	for _, body := range w.Events() {
		var event events.Envelope[events.FileUpload]
		if err := json.Unmarshal(body, &event); err != nil {
			t.Fatal(err)
		}
		if event.DetailType != detailType {
			continue
		}
		if event.Source != "aws.storagegateway" || !slices.Equal(event.Resources, []string{share, w.Gateway}) || event.Detail.Completed.IsZero() {
			t.Errorf("the event is %s", body)
		}
		if detailType == events.TypeFileUpload && (event.Detail.EventType != events.FileUploadComplete || event.Detail.RequestReceived.IsZero()) {
			t.Errorf("the event is %s", body)
		}
		ids = append(ids, event.Detail.NotificationID)
	}
	return ids
}

// until waits for something to be so.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(within); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

// never watches that something does not become so.
func never(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(while); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if is() {
			t.Fatalf("it is so: %s", what)
		}
	}
}

// leave is what Storage Gateway does when a share is to be emptied and given back.
func leave(t *testing.T, newWorld func(*testing.T) World) {
	const gone, refresh = "FileShareNotFound", "Storage Gateway Refresh Cache Event"
	t.Run("a notification comes once all that was written before is uploaded", func(t *testing.T) {
		w := newWorld(t)
		share := w.share(t, "token-1")
		w.Hold(share, true)
		w.Write(t, share)
		first, second := w.notify(t, share), w.notify(t, share)
		if first == "" || first == second {
			t.Fatalf("the notifications are %q and %q", first, second)
		}
		var got []string
		come := func() bool {
			got = append(got, w.told(t, events.TypeFileUpload, share)...)
			return slices.Contains(got, first) && slices.Contains(got, second)
		}
		never(t, "a notification of what is not uploaded", func() bool { return come() || len(got) > 0 })
		w.Hold(share, false)
		until(t, "both are told", come)
		nothing := w.notify(t, share)
		until(t, "nothing was written since", func() bool { return slices.Contains(w.told(t, events.TypeFileUpload, share), nothing) })
	})
	t.Run("none comes while the gateway is away", func(t *testing.T) {
		w := newWorld(t)
		share := w.share(t, "token-1")
		w.Hold(share, true)
		w.Write(t, share)
		id := w.notify(t, share)
		w.Away(true)
		w.Hold(share, false)
		come := func() bool { return slices.Contains(w.told(t, events.TypeFileUpload, share), id) }
		never(t, "a notification of a gateway that is away", come)
		if _, err := w.Client.NotifyWhenUploaded(t.Context(), &storagegateway.NotifyWhenUploadedInput{FileShareARN: &share}); !awsclient.IsUnreachable(err) {
			t.Errorf("asked while it is away: %v", err)
		}
		w.Away(false)
		until(t, "it is told", come)
	})
	t.Run("a refresh is told of", func(t *testing.T) {
		w := newWorld(t)
		share := w.share(t, "token-1")
		out, err := w.Client.RefreshCache(t.Context(), &storagegateway.RefreshCacheInput{FileShareARN: &share, Recursive: aws.Bool(true)})
		if err != nil {
			t.Fatal(err)
		}
		until(t, "it is told", func() bool { return slices.Contains(w.told(t, refresh, share), *out.NotificationId) })
	})
	t.Run("a share is deleted once all of it is uploaded, and frees its path", func(t *testing.T) {
		w := newWorld(t)
		share := w.share(t, "token-1")
		w.Hold(share, true)
		w.Write(t, share)
		if err := w.delete(t, share); err != nil {
			t.Fatal(err)
		}
		never(t, "it is not DELETING", func() bool { return w.status(t, share) != "DELETING" })
		again := w.form()
		again.ClientToken = aws.String("token-2")
		if _, err := w.Client.CreateNFSFileShare(t.Context(), again); awsclient.Code(err) != "InvalidParameters" {
			t.Errorf("its path meanwhile: %v", err)
		}
		for what, err := range map[string]error{
			"deleted again": w.delete(t, share),
			"changed": func() error {
				_, err := w.Client.UpdateNFSFileShare(t.Context(), &storagegateway.UpdateNFSFileShareInput{FileShareARN: &share, ClientList: []string{"192.0.2.9"}})
				return err
			}(),
			"asked when it is uploaded": func() error {
				_, err := w.Client.NotifyWhenUploaded(t.Context(), &storagegateway.NotifyWhenUploadedInput{FileShareARN: &share})
				return err
			}(),
		} {
			if awsclient.Code(err) != "InvalidParameters" {
				t.Errorf("%s meanwhile: %v", what, err)
			}
		}
		w.Hold(share, false)
		until(t, "it is gone", func() bool { return w.status(t, share) == gone })
		if err := w.delete(t, share); awsclient.Code(err) != gone {
			t.Errorf("deleted once it is gone: %v", err)
		}
		if _, err := w.Client.CreateNFSFileShare(t.Context(), w.withToken("token-1")); awsclient.Code(err) != "InvalidParameters" {
			t.Errorf("the token of a share that is gone: %v", err)
		}
		if next := w.share(t, "token-2"); next == share {
			t.Error("the next share is the last one")
		}
	})
	t.Run("a deletion hangs while the gateway is away", func(t *testing.T) {
		w := newWorld(t)
		share := w.share(t, "token-1")
		w.Away(true)
		if err := w.delete(t, share); !awsclient.IsUnreachable(err) {
			t.Errorf("asked for while it is away: %v", err)
		}
		w.Away(false)
		w.Hold(share, true)
		w.Write(t, share)
		if err := w.delete(t, share); err != nil {
			t.Fatal(err)
		}
		w.Away(true)
		w.Hold(share, false)
		never(t, "it is not DELETING", func() bool { return w.status(t, share) != "DELETING" })
		w.Away(false)
		until(t, "it is gone", func() bool { return w.status(t, share) == gone })
	})
	t.Run("a share that never served is deleted too", func(t *testing.T) {
		w := newWorld(t)
		in := w.form()
		in.LocationARN = aws.String(MissingBucket)
		out, err := w.Client.CreateNFSFileShare(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		w.become(t, *out.FileShareARN, "UNAVAILABLE")
		if err := w.delete(t, *out.FileShareARN); err != nil {
			t.Fatal(err)
		}
		until(t, "it is gone", func() bool { return w.status(t, *out.FileShareARN) == gone })
	})
	t.Run("what is no share's ARN, and a share that there is not", func(t *testing.T) {
		w := newWorld(t)
		nobody := strings.Replace(w.Gateway, ":gateway/sgw-", ":share/share-", 1) + "0"
		for arn, code := range map[string]string{"share-1": "ValidationException", nobody: gone} {
			_, notify := w.Client.NotifyWhenUploaded(t.Context(), &storagegateway.NotifyWhenUploadedInput{FileShareARN: &arn})
			_, refresh := w.Client.RefreshCache(t.Context(), &storagegateway.RefreshCacheInput{FileShareARN: &arn})
			for what, err := range map[string]error{"delete": w.delete(t, arn), "notify": notify, "refresh": refresh} {
				if awsclient.Code(err) != code {
					t.Errorf("%s %s: %v, want %s", what, arn, err, code)
				}
			}
		}
	})
}

// withToken is the form with another token.
func (w World) withToken(token string) *storagegateway.CreateNFSFileShareInput {
	in := w.form()
	in.ClientToken = &token
	return in
}
