package s3_test

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

const (
	mebibyte  = 1 << 20
	textCRC32 = "O4unxw==" // of "text"
)

func noise(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}

// send uploads parts, numbered 10, 20 and so on, and names them.
func (w *world) send(t *testing.T, in *sdk.CreateMultipartUploadInput, parts ...[]byte) (upload *string, done []types.CompletedPart) {
	t.Helper()
	in.Bucket, in.Key = aws.String("b"), aws.String("k")
	begun, err := w.CreateMultipartUpload(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	for i, content := range parts {
		number := int32(10 * (i + 1))
		out, err := w.UploadPart(t.Context(), &sdk.UploadPartInput{
			Bucket: in.Bucket, Key: in.Key, UploadId: begun.UploadId, PartNumber: &number,
			Body: bytes.NewReader(content), ChecksumAlgorithm: in.ChecksumAlgorithm,
		})
		if err != nil {
			t.Fatal(err)
		}
		done = append(done, types.CompletedPart{
			PartNumber: &number, ETag: out.ETag, ChecksumCRC32: out.ChecksumCRC32, ChecksumCRC32C: out.ChecksumCRC32C,
			ChecksumCRC64NVME: out.ChecksumCRC64NVME, ChecksumSHA1: out.ChecksumSHA1, ChecksumSHA256: out.ChecksumSHA256,
		})
	}
	return begun.UploadId, done
}

func (w *world) complete(t *testing.T, upload *string, parts []types.CompletedPart) (*sdk.CompleteMultipartUploadOutput, error) {
	t.Helper()
	return w.CompleteMultipartUpload(t.Context(), &sdk.CompleteMultipartUploadInput{
		Bucket: aws.String("b"), Key: aws.String("k"), UploadId: upload, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	})
}

func TestPartsBecomeAnObject(t *testing.T) {
	w := newWorld(t)
	w.bucket(t, versioned)
	parts := [][]byte{noise(5 * mebibyte), noise(5*mebibyte + 1), noise(17)}
	whole := bytes.Join(parts, nil)
	for _, in := range []sdk.CreateMultipartUploadInput{
		{ChecksumAlgorithm: "SHA256"},
		{ChecksumAlgorithm: "CRC32"},
		{ChecksumAlgorithm: "CRC64NVME"},
		{ChecksumAlgorithm: "CRC32", ChecksumType: "FULL_OBJECT"},
		{ChecksumAlgorithm: "CRC32C", ChecksumType: "FULL_OBJECT"},
	} {
		t.Run(string(in.ChecksumAlgorithm+"/")+string(in.ChecksumType), func(t *testing.T) {
			upload, done := w.send(t, &in, parts...)
			out, err := w.complete(t, upload, done)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := w.get(t, "k", *out.VersionId); err != nil || got != string(whole) { // the client compares checksums too
				t.Errorf("got %d bytes, want %d: %v", len(got), len(whole), err)
			}
			if !strings.HasSuffix(*out.ETag, `-3"`) {
				t.Errorf("ETag %s", *out.ETag)
			}
			// A checksum of the whole is the one that the same bytes have when they are sent at once.
			once, err := w.PutObject(t.Context(), &sdk.PutObjectInput{Bucket: aws.String("b"), Key: aws.String("once"), Body: bytes.NewReader(whole), ChecksumAlgorithm: in.ChecksumAlgorithm})
			if err != nil {
				t.Fatal(err)
			}
			type sums struct{ a, b, c string }
			a := sums{aws.ToString(out.ChecksumCRC32), aws.ToString(out.ChecksumCRC32C), aws.ToString(out.ChecksumCRC64NVME)}
			b := sums{aws.ToString(once.ChecksumCRC32), aws.ToString(once.ChecksumCRC32C), aws.ToString(once.ChecksumCRC64NVME)}
			if full := out.ChecksumType == "FULL_OBJECT"; full && a != b {
				t.Errorf("checksums %v, want %v", a, b)
			}
			_, err = w.complete(t, upload, done)
			wants(t, "complete it again", err, "NoSuchUpload")
		})
	}
}

// An upload is as old as its beginning: what was written or deleted meanwhile stays what is current.
func TestAnUploadIsAsOldAsItsBeginning(t *testing.T) {
	w := newWorld(t)
	b := w.bucket(t, versioned)
	began := w.time()
	upload, done := w.send(t, &sdk.CreateMultipartUploadInput{}, []byte("parts"))
	w.later(time.Hour)
	w.put(t, "k", "meanwhile")
	out, err := w.complete(t, upload, done)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := w.get(t, "k", ""); err != nil || got != "meanwhile" {
		t.Errorf("current is %q: %v", got, err)
	}
	if got, err := w.get(t, "k", *out.VersionId); err != nil || got != "parts" {
		t.Errorf("the upload is %q: %v", got, err)
	}
	list, err := w.ListObjectVersions(t.Context(), &sdk.ListObjectVersionsInput{Bucket: b})
	if err != nil || len(list.Versions) != 2 || *list.Versions[1].VersionId != *out.VersionId || *list.Versions[1].IsLatest {
		t.Fatalf("versions %v: %v", list.Versions, err)
	}
	if got, want := *list.Versions[1].LastModified, began.Truncate(time.Second); !got.Equal(want) {
		t.Errorf("it was modified at %s, want %s", got, want)
	}
	upload, done = w.send(t, &sdk.CreateMultipartUploadInput{}, []byte("parts"))
	if _, err := w.DeleteObject(t.Context(), &sdk.DeleteObjectInput{Bucket: b, Key: aws.String("k")}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.complete(t, upload, done); err != nil {
		t.Fatal(err)
	}
	_, err = w.get(t, "k", "")
	wants(t, "what was deleted while it was uploaded", err, "NoSuchKey")
}

func TestUploadsThatAreWrong(t *testing.T) {
	w := newWorld(t)
	b := w.bucket(t, versioned)
	sha := func() *sdk.CreateMultipartUploadInput {
		return &sdk.CreateMultipartUploadInput{ChecksumAlgorithm: "SHA256"}
	}
	upload, done := w.send(t, sha(), noise(mebibyte), noise(1))
	_, err := w.complete(t, upload, done)
	wants(t, "a small part that is not the last", err, "EntityTooSmall")
	_, err = w.complete(t, upload, []types.CompletedPart{done[1], done[0]})
	wants(t, "parts in another order", err, "InvalidPartOrder")
	wrong := done[1]
	wrong.ETag = done[0].ETag
	_, err = w.complete(t, upload, []types.CompletedPart{wrong})
	wants(t, "a part with another ETag", err, "InvalidPart")
	wrong = done[1]
	wrong.ChecksumSHA256 = nil
	_, err = w.complete(t, upload, []types.CompletedPart{wrong})
	wants(t, "a part without its checksum", err, "InvalidRequest")
	missing := done[1]
	missing.PartNumber = aws.Int32(99)
	_, err = w.complete(t, upload, []types.CompletedPart{missing})
	wants(t, "a part that was never sent", err, "InvalidPart")
	_, err = w.UploadPart(t.Context(), &sdk.UploadPartInput{Bucket: b, Key: aws.String("k"), UploadId: upload, PartNumber: aws.Int32(10001), ChecksumAlgorithm: "SHA256"})
	wants(t, "part 10,001", err, "InvalidArgument")
	_, err = w.UploadPart(t.Context(), &sdk.UploadPartInput{Bucket: b, Key: aws.String("k"), UploadId: upload, PartNumber: aws.Int32(1), ChecksumAlgorithm: "CRC32C"})
	wants(t, "another checksum", err, "InvalidRequest")
	_, err = w.UploadPart(t.Context(), &sdk.UploadPartInput{Bucket: b, Key: aws.String("other"), UploadId: upload, PartNumber: aws.Int32(1), ChecksumAlgorithm: "SHA256"})
	wants(t, "another key", err, "NoSuchUpload")

	parts, err := w.ListParts(t.Context(), &sdk.ListPartsInput{Bucket: b, Key: aws.String("k"), UploadId: upload, MaxParts: aws.Int32(1)})
	if err != nil || len(parts.Parts) != 1 || !aws.ToBool(parts.IsTruncated) || *parts.NextPartNumberMarker != "10" || *parts.Parts[0].Size != mebibyte {
		t.Errorf("parts %v: %v", parts, err)
	}
	list, err := w.ListMultipartUploads(t.Context(), &sdk.ListMultipartUploadsInput{Bucket: b})
	if err != nil || len(list.Uploads) != 1 {
		t.Errorf("uploads %v: %v", list, err)
	}
	if _, err := w.AbortMultipartUpload(t.Context(), &sdk.AbortMultipartUploadInput{Bucket: b, Key: aws.String("k"), UploadId: upload}); err != nil {
		t.Error(err)
	}
	_, err = w.AbortMultipartUpload(t.Context(), &sdk.AbortMultipartUploadInput{Bucket: b, Key: aws.String("k"), UploadId: upload})
	wants(t, "abort it again", err, "NoSuchUpload")
	if n := w.files(t); n != 0 {
		t.Errorf("%d files are left", n)
	}
}

func TestRanges(t *testing.T) {
	w := newWorld(t)
	b := w.bucket(t, versioned)
	parts := [][]byte{noise(5 * mebibyte), noise(5 * mebibyte), noise(100)}
	whole := bytes.Join(parts, nil)
	upload, done := w.send(t, &sdk.CreateMultipartUploadInput{ChecksumAlgorithm: "SHA256"}, parts...)
	if _, err := w.complete(t, upload, done); err != nil {
		t.Fatal(err)
	}
	w.put(t, "empty", "")
	size := len(whole)
	tests := []struct {
		key, bytes string
		from, to   int
		code       string
	}{
		{"k", "bytes=0-0", 0, 1, ""},
		{"k", "bytes=5-9", 5, 10, ""},
		{"k", fmt.Sprintf("bytes=%d-%d", 5*mebibyte-1, 10*mebibyte), 5*mebibyte - 1, 10*mebibyte + 1, ""}, // over two borders
		{"k", fmt.Sprintf("bytes=%d-", 10*mebibyte), 10 * mebibyte, size, ""},
		{"k", "bytes=-7", size - 7, size, ""},
		{"k", fmt.Sprintf("bytes=-%d", size+1), 0, size, ""},
		{"k", fmt.Sprintf("bytes=%d-%d", size-1, size+5), size - 1, size, ""},
		{"k", fmt.Sprintf("bytes=%d-", size), 0, 0, "InvalidRange"},
		{"k", "bytes=9-5", 0, size, ""},
		{"empty", "bytes=0-", 0, 0, "InvalidRange"},
	}
	for _, test := range tests {
		out, err := w.GetObject(t.Context(), &sdk.GetObjectInput{Bucket: b, Key: &test.key, Range: &test.bytes})
		wants(t, test.key+" "+test.bytes, err, test.code)
		if err != nil {
			continue
		}
		got, err := io.ReadAll(out.Body)
		if err != nil || !bytes.Equal(got, whole[test.from:test.to]) {
			t.Errorf("%s: got %d bytes, want %d: %v", test.bytes, len(got), test.to-test.from, err)
		}
	}
}

func TestBodiesThatAreWrong(t *testing.T) {
	w := newWorld(t)
	b := w.bucket(t, versioned)
	put := func(change func(*sdk.PutObjectInput)) error {
		in := &sdk.PutObjectInput{Bucket: b, Key: aws.String("k"), Body: strings.NewReader("text")}
		change(in)
		_, err := w.PutObject(t.Context(), in)
		return err
	}
	wants(t, "another MD5", put(func(in *sdk.PutObjectInput) { in.ContentMD5 = aws.String("1B2M2Y8AsgTpgAmY7PhCfg==") }), "BadDigest")
	wants(t, "no MD5", put(func(in *sdk.PutObjectInput) { in.ContentMD5 = aws.String("nonsense") }), "InvalidDigest")
	wants(t, "another CRC32", put(func(in *sdk.PutObjectInput) { in.ChecksumCRC32 = aws.String("AAAAAA==") }), "BadDigest")
	wants(t, "another CRC64NVME", put(func(in *sdk.PutObjectInput) { in.ChecksumCRC64NVME = aws.String("AAAAAAAAAAA=") }), "BadDigest")
	wants(t, "no CRC32", put(func(in *sdk.PutObjectInput) { in.ChecksumCRC32 = aws.String("AAAA") }), "InvalidRequest")
	wants(t, "the right CRC32", put(func(in *sdk.PutObjectInput) { in.ChecksumCRC32 = aws.String(textCRC32) }), "")
	wants(t, "one that must be the first", put(func(in *sdk.PutObjectInput) { in.IfNoneMatch = aws.String("*") }), "PreconditionFailed")
	wants(t, "much metadata", put(func(in *sdk.PutObjectInput) { in.Metadata = map[string]string{"a": strings.Repeat("v", 2048)} }), "MetadataTooLarge")
	wants(t, "a retention where there are none", put(func(in *sdk.PutObjectInput) {
		in.ObjectLockMode, in.ObjectLockRetainUntilDate = "GOVERNANCE", aws.Time(w.time().Add(time.Hour))
	}), "InvalidRequest")
}

// sendChunked sends a body in pieces with a checksum after it, as clients with TLS do.
func (w *world) sendChunked(t *testing.T, body, trailer string) (status int, answer string) {
	t.Helper()
	chunks := fmt.Sprintf("3;chunk-signature=x\r\n%s\r\n%x\r\n%s\r\n0\r\n%s\r\n\r\n", body[:3], len(body)-3, body[3:], trailer)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, w.url+"/b/k", strings.NewReader(chunks))
	if err != nil {
		t.Fatal(err)
	}
	name, _, _ := strings.Cut(trailer, ":")
	req.Header.Set("X-Amz-Trailer", name)
	req.Header.Set("X-Amz-Content-Sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
	req.Header.Set("X-Amz-Decoded-Content-Length", fmt.Sprint(len(body)))
	req.Header.Set("Content-Encoding", "gzip,aws-chunked")
	credentials := aws.Credentials{AccessKeyID: "owner", SecretAccessKey: "secret"}
	if err := v4.NewSigner().SignHTTP(t.Context(), credentials, req, "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "s3", region, time.Now()); err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	got, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(got)
}

func TestChunksWithAChecksumAfterThem(t *testing.T) {
	w := newWorld(t)
	b := w.bucket(t, versioned)
	if status, answer := w.sendChunked(t, "text", "x-amz-checksum-crc32:AAAAAA=="); status != http.StatusBadRequest || !strings.Contains(answer, "BadDigest") {
		t.Errorf("%d %s", status, answer)
	}
	if status, answer := w.sendChunked(t, "text", "x-amz-checksum-crc32:"+textCRC32); status != http.StatusOK {
		t.Errorf("%d %s", status, answer)
	}
	head, err := w.HeadObject(t.Context(), &sdk.HeadObjectInput{Bucket: b, Key: aws.String("k")})
	if err != nil || *head.ContentLength != 4 || *head.ContentEncoding != "gzip" {
		t.Errorf("head %v: %v", head, err)
	}
}

func TestAnUploadThatBreaksOffLeavesNothing(t *testing.T) {
	w := newWorld(t)
	w.bucket(t, versioned)
	before := w.put(t, "k", "before")
	at, err := url.Parse(w.url)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", at.Host)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "PUT /b/k HTTP/1.1\r\nHost: %s\r\nContent-Length: 1000000\r\nAuthorization: AWS4-HMAC-SHA256 Credential=owner/20260101/eu-west-1/s3/aws4_request\r\n\r\n", at.Host)
	if _, err := conn.Write(noise(500_000)); err != nil {
		t.Fatal(err)
	}
	for range 1000 { // until it is being written
		if w.files(t) == 2 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		if w.files(t) == 1 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if n := w.files(t); n != 1 {
		t.Errorf("%d files, want one", n)
	}
	list, err := w.ListObjectVersions(t.Context(), &sdk.ListObjectVersionsInput{Bucket: aws.String("b")})
	if err != nil || len(list.Versions) != 1 || *list.Versions[0].VersionId != before {
		t.Errorf("versions %v: %v", list.Versions, err)
	}
}

func TestOneOfManyIsFirst(t *testing.T) {
	w := newWorld(t)
	b := w.bucket(t, versioned)
	results := make(chan error)
	for range 8 {
		go func() {
			_, err := w.PutObject(t.Context(), &sdk.PutObjectInput{Bucket: b, Key: aws.String("k"), Body: bytes.NewReader(noise(100_000)), IfNoneMatch: aws.String("*")})
			results <- err
		}()
	}
	count := map[string]int{}
	for range 8 {
		count[code(<-results)]++
	}
	if count[""] != 1 || count["PreconditionFailed"] != 7 || w.files(t) != 1 {
		t.Errorf("results %v, %d files", count, w.files(t))
	}
}
