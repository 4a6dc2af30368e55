package rds

import (
	"maps"
	"strings"
)

// Known is what policies can speak of: an instance, or the backups that are left of one.
type Known struct {
	ARN, BackupARN    string
	ParameterGroup    string // the default one of its engine
	OptionGroup       string // the same
	Class, Engine     string
	Name              string // of the database that it was made with
	MultiAZ, Encrypts bool
	Storage           int // GiB
	Tags              map[string]string
}

// Known finds an instance, or what is left of one, by its identifier, its ARN, its resource id, or the ARN of its
// automated backups.
func (r *RDS) Known(named string) (Known, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	b, ok := r.named(named)
	if !ok {
		return Known{}, false
	}
	p := b.properties
	return Known{
		ARN: r.arn(b.identifier), BackupARN: b.archiveARN, ParameterGroup: p.defaultGroup("."), OptionGroup: strings.Replace(p.defaultGroup(":"), p.Engine, p.Engine+"-", 1),
		Class: p.DBInstanceClass, Engine: p.Engine, Name: p.DBName, MultiAZ: bool(p.MultiAZ), Encrypts: bool(p.StorageEncrypted),
		Storage: int(p.AllocatedStorage), Tags: maps.Clone(b.tags),
	}, true
}

// named finds what Known does; the caller holds the lock.
func (r *RDS) named(named string) (*retained, bool) {
	if i := r.instances[identifierOf(named)]; i != nil {
		return i.backups(), true
	}
	for _, i := range r.instances {
		if named == i.resourceID || named == i.archiveARN {
			return i.backups(), true
		}
	}
	for id, b := range r.retained {
		if named == id || named == b.archiveARN {
			return b, true
		}
	}
	return nil, false
}

// Tags are the tags of an instance, of its backups, or of a snapshot, by ARN; nil if there is none.
func (r *RDS) Tags(arn string) map[string]string {
	if at := strings.LastIndex(arn, ":snapshot:"); at >= 0 {
		r.mu.Lock()
		defer r.mu.Unlock()
		return maps.Clone(r.snapshots[arn[at+len(":snapshot:"):]].tags)
	}
	if known, ok := r.Known(arn); ok && isARN(arn) {
		return known.Tags
	}
	return nil
}

// Key is the key that an instance, or what is left of it, is encrypted with, by ARN; empty if there is none.
func (r *RDS) Key(arn string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if b, ok := r.named(arn); ok && isARN(arn) {
		return b.properties.KmsKeyID
	}
	return ""
}

func isARN(text string) bool { return strings.HasPrefix(text, "arn:aws:rds:") }

// defaultGroup is the default group of an engine's major version.
func (p instanceProperties) defaultGroup(separator string) string {
	major, _, _ := strings.Cut(string(p.EngineVersion), ".")
	return "default" + separator + p.Engine + major
}
