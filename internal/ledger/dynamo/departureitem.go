package dynamo

import (
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"

	"headroom/internal/pool"
)

// departureItem is a departure's stored form. Its ID is in its key only. It lies beside its tenant's record, so that
// all lives of a name are one query.
type departureItem struct {
	key
	deadline
	Form        int                 `dynamodbav:"form"`
	Tenant      tenantItem          `dynamodbav:"tenant"`
	Reason      string              `dynamodbav:"reason"`
	RequestedBy string              `dynamodbav:"requestedBy"`
	Message     string              `dynamodbav:"message"`
	RequestedAt time.Time           `dynamodbav:"requestedAt"`
	RecordedAt  time.Time           `dynamodbav:"recordedAt,omitzero"`
	Grace       time.Duration       `dynamodbav:"grace"`
	CoolDown    time.Duration       `dynamodbav:"coolDown"`
	Retain      time.Duration       `dynamodbav:"retain"`
	State       pool.DepartureState `dynamodbav:"state"`
	progress
	Again    *askedItem    `dynamodbav:"again,omitempty"`
	Uploads  string        `dynamodbav:"uploads,omitempty"`
	Failing  failingItem   `dynamodbav:"failing"`
	Missing  []missingItem `dynamodbav:"missing,omitempty"`
	Attempt  attemptItem   `dynamodbav:"attempt"`
	Archive  archiveItem   `dynamodbav:"archive"`
	Proofs   []proofItem   `dynamodbav:"proofs,omitempty"`
	UndoneBy string        `dynamodbav:"undoneBy,omitempty"`
	UndoneAt *time.Time    `dynamodbav:"undoneAt,omitempty"`
	History  []entryItem   `dynamodbav:"history"`
	Version  int64         `dynamodbav:"version"`
}

type askedItem struct {
	At    time.Time     `dynamodbav:"at"`
	Grace time.Duration `dynamodbav:"grace"`
}

func (i *askedItem) decode() pool.AskedAgain {
	if i == nil {
		return pool.AskedAgain{}
	}
	return pool.AskedAgain(*i)
}

func encodeAsked(a pool.AskedAgain) *askedItem {
	if a.At.IsZero() {
		return nil
	}
	i := askedItem(a)
	return &i
}

type attemptItem struct {
	Number   int         `dynamodbav:"number"`
	Task     string      `dynamodbav:"task,omitempty"`
	Began    *time.Time  `dynamodbav:"began,omitempty"`
	Heard    *time.Time  `dynamodbav:"heard,omitempty"`
	Bytes    int64       `dynamodbav:"bytes,omitempty"`
	Entries  int64       `dynamodbav:"entries,omitempty"`
	Of       int64       `dynamodbav:"of,omitempty"`
	Archived archiveItem `dynamodbav:"archived"`
	Failed   int         `dynamodbav:"failed,omitempty"`
}

type failingItem struct {
	Share   string     `dynamodbav:"share,omitempty"`
	Names   []string   `dynamodbav:"names,omitempty"`
	Count   int        `dynamodbav:"count,omitempty"`
	At      *time.Time `dynamodbav:"at,omitempty"`
	Report  string     `dynamodbav:"report,omitempty"`
	Read    bool       `dynamodbav:"read,omitempty"`
	Reports int        `dynamodbav:"reports,omitempty"`
}

type archiveItem struct {
	Bucket         string     `dynamodbav:"bucket,omitempty"`
	Key            string     `dynamodbav:"key,omitempty"`
	VersionID      string     `dynamodbav:"version,omitempty"`
	Bytes          int64      `dynamodbav:"bytes,omitempty"`
	SHA256         string     `dynamodbav:"sha256,omitempty"`
	Manifest       string     `dynamodbav:"manifest,omitempty"`
	ManifestID     string     `dynamodbav:"manifestVersion,omitempty"`
	ManifestSHA256 string     `dynamodbav:"manifestSha256,omitempty"`
	Entries        int64      `dynamodbav:"entries,omitempty"`
	RetainUntil    *time.Time `dynamodbav:"retainUntil,omitempty"`
}

type proofItem struct {
	Step pool.Step `dynamodbav:"step"`
	At   time.Time `dynamodbav:"at"`
	What string    `dynamodbav:"what"`
}

const departureSort = "LEFT#"

func departureKey(id pool.DepartureID) key {
	tenant := id.Tenant()
	return key{tenantPrefix + string(tenant), departureSort + strings.TrimPrefix(string(id), string(tenant)+".")}
}

func encodeArchive(a pool.Archive) archiveItem {
	return archiveItem{
		Bucket: a.Bucket, Key: a.Key, VersionID: a.VersionID, Bytes: a.Bytes, SHA256: a.SHA256, Manifest: a.Manifest, ManifestID: a.ManifestID,
		ManifestSHA256: a.ManifestSHA256, Entries: a.Entries, RetainUntil: moment(a.RetainUntil),
	}
}

func (i archiveItem) decode() pool.Archive {
	return pool.Archive{
		Bucket: i.Bucket, Key: i.Key, VersionID: i.VersionID, Bytes: i.Bytes, SHA256: i.SHA256, Manifest: i.Manifest, ManifestID: i.ManifestID,
		ManifestSHA256: i.ManifestSHA256, Entries: i.Entries, RetainUntil: from(i.RetainUntil),
	}
}

func encodeAttempt(a pool.Attempt) attemptItem {
	return attemptItem{
		Number: a.Number, Task: a.Task, Began: moment(a.Began), Heard: moment(a.Heard), Bytes: a.Bytes, Entries: a.Entries, Of: a.Of,
		Archived: encodeArchive(a.Archived), Failed: a.Failed,
	}
}

func (i attemptItem) decode() pool.Attempt {
	return pool.Attempt{
		Number: i.Number, Task: i.Task, Began: from(i.Began), Heard: from(i.Heard), Bytes: i.Bytes, Entries: i.Entries, Of: i.Of,
		Archived: i.Archived.decode(), Failed: i.Failed,
	}
}

func encodeFailing(f pool.Failing) failingItem {
	return failingItem{Share: f.Share, Names: f.Names, Count: f.Count, At: moment(f.At), Report: f.Report, Read: f.Read, Reports: f.Reports}
}

func (i failingItem) decode() pool.Failing {
	return pool.Failing{Share: i.Share, FailingFiles: pool.FailingFiles{Names: i.Names, Count: i.Count}, At: from(i.At), Report: i.Report, Read: i.Read, Reports: i.Reports}
}

func encodeProofs(proofs []pool.Proof) []proofItem {
	var stored []proofItem
	for _, p := range proofs {
		stored = append(stored, proofItem(p))
	}
	return stored
}

func decodeProofs(stored []proofItem) []pool.Proof {
	var proofs []pool.Proof
	for _, p := range stored {
		proofs = append(proofs, pool.Proof(p))
	}
	return proofs
}

func encodeDeparture(d pool.Departure) (item, error) {
	return encode(departureItem{
		key: departureKey(d.ID()), deadline: deadlineOf(dueDeparture, d.Due), Form: form, Tenant: tenantItemOf(d.Tenant),
		Reason: d.Reason, RequestedBy: d.RequestedBy, Message: d.Message, RequestedAt: d.RequestedAt, RecordedAt: d.RecordedAt, Grace: d.Grace, CoolDown: d.CoolDown, Retain: d.Retain,
		State: d.State, progress: encodeProgress(d.Progress), Again: encodeAsked(d.Again), Uploads: d.Uploads, Failing: encodeFailing(d.Failing), Missing: encodeMissing(d.Missing),
		Attempt: encodeAttempt(d.Attempt),
		Archive: encodeArchive(d.Archive), Proofs: encodeProofs(d.Proofs), UndoneBy: d.UndoneBy, UndoneAt: moment(d.UndoneAt),
		History: encodeHistory(d.History), Version: d.Version,
	})
}

func (i departureItem) departure() pool.Departure {
	return pool.Departure{
		Tenant: i.Tenant.tenant(), Reason: i.Reason, RequestedBy: i.RequestedBy, Message: i.Message, RequestedAt: i.RequestedAt, RecordedAt: i.RecordedAt,
		Grace: i.Grace, CoolDown: i.CoolDown, Retain: i.Retain, State: i.State, Progress: i.progress.decode(i.time()), Again: i.Again.decode(), Uploads: i.Uploads, Failing: i.Failing.decode(), Missing: decodeMissing(i.Missing),
		Attempt: i.Attempt.decode(),
		Archive: i.Archive.decode(), Proofs: decodeProofs(i.Proofs), UndoneBy: i.UndoneBy, UndoneAt: from(i.UndoneAt),
		History: decodeHistory(i.History), Version: i.Version,
	}
}

func decodeDeparture(stored item) (pool.Departure, error) {
	var i departureItem
	if err := attributevalue.UnmarshalMap(stored, &i); err != nil {
		return pool.Departure{}, fmt.Errorf("decode a departure: %w", err)
	}
	return i.departure(), nil
}
