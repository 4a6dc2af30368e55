package events

// TypeFileUpload is the detail-type of FileUpload.
const TypeFileUpload = "Storage Gateway File Upload Event"

// FileUploadComplete is the event-type of a FileUpload, which has no other.
const FileUploadComplete = "upload-complete"

// FileUpload is the detail of the event that Storage Gateway (source aws.storagegateway) sends when all that was
// written to a share before a NotifyWhenUploaded is in the bucket. Its resources are the ARNs of the share and of
// the gateway.
// https://docs.aws.amazon.com/filegateway/latest/files3/monitoring-file-gateway.html#get-working-set-upload-notification
type FileUpload struct {
	EventType       string `json:"event-type"`
	NotificationID  string `json:"notification-id"`  // what NotifyWhenUploaded answered
	RequestReceived Time   `json:"request-received"` // by the gateway: what was written before is uploaded
	Completed       Time   `json:"completed"`
}
