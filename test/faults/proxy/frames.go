package proxy

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// frame is one event of a watch, with its framing, and when it came.
type frame struct {
	bytes   []byte
	event   string // ADDED, MODIFIED, DELETED, BOOKMARK, ERROR
	code    int32  // of an ERROR, such as 410
	arrived time.Time
}

// endsInitialEvents is true of the bookmark after the objects that existed when the watch began.
func (f frame) endsInitialEvents() bool {
	return f.event == "BOOKMARK" && bytes.Contains(f.bytes, []byte(metav1.InitialEventsAnnotationKey))
}

// frameReader is for the two encodings that a manager uses: protobuf for built-in kinds, JSON for others.
func frameReader(contentType string, body io.Reader) func() (frame, error) {
	buffered := bufio.NewReader(body)
	if strings.HasPrefix(contentType, "application/vnd.kubernetes.protobuf") {
		return func() (frame, error) { return readProtobuf(buffered) }
	}
	return func() (frame, error) { return readJSON(buffered) }
}

// readJSON reads an event that ends with a newline.
func readJSON(body *bufio.Reader) (frame, error) {
	line, err := body.ReadBytes('\n')
	if err != nil {
		return frame{}, err
	}
	var event struct {
		Type   string          `json:"type"`
		Object json.RawMessage `json:"object"`
	}
	if err := json.Unmarshal(line, &event); err != nil {
		return frame{}, fmt.Errorf("decoding a JSON frame: %w", err)
	}
	f := frame{bytes: line, event: event.Type, arrived: time.Now()}
	if f.event == "ERROR" {
		var status metav1.Status
		if err := json.Unmarshal(event.Object, &status); err != nil {
			return frame{}, fmt.Errorf("decoding the error in a JSON frame: %w", err)
		}
		f.code = status.Code
	}
	return f, nil
}

// maxFrame is more than an API server lets an object have.
const maxFrame = 16 << 20

// readProtobuf reads a big-endian length of four bytes and as many bytes of a WatchEvent.
func readProtobuf(body *bufio.Reader) (frame, error) {
	header := make([]byte, 4)
	if _, err := io.ReadFull(body, header); err != nil {
		return frame{}, err
	}
	length := binary.BigEndian.Uint32(header)
	if length > maxFrame {
		return frame{}, fmt.Errorf("a protobuf frame of %d bytes", length)
	}
	whole := slices.Concat(header, make([]byte, length))
	if _, err := io.ReadFull(body, whole[4:]); err != nil {
		return frame{}, err
	}
	var event metav1.WatchEvent
	if err := event.Unmarshal(whole[4:]); err != nil {
		return frame{}, fmt.Errorf("decoding a protobuf frame: %w", err)
	}
	f := frame{bytes: whole, event: event.Type, arrived: time.Now()}
	if f.event == "ERROR" {
		status, err := decodeStatus(event.Object.Raw)
		if err != nil {
			return frame{}, fmt.Errorf("decoding the error in a protobuf frame: %w", err)
		}
		f.code = status.Code
	}
	return f, nil
}

// decodeStatus reads what Kubernetes wraps its protobuf in: four magic bytes, and an envelope.
func decodeStatus(raw []byte) (status metav1.Status, err error) {
	var envelope runtime.Unknown
	if err := envelope.Unmarshal(bytes.TrimPrefix(raw, []byte("k8s\x00"))); err != nil {
		return status, err
	}
	return status, status.Unmarshal(envelope.Raw)
}
