// Package objectstest is an in-memory S3, as far as objects have versions, uploads, locks and tags, and the
// suite that it and others that stand for S3 are held to.
package objectstest
