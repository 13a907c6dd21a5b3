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
)

// frame is one event of a watch, with its framing, and when it came.
type frame struct {
	bytes   []byte
	event   string // ADDED, MODIFIED, DELETED, BOOKMARK, ERROR
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
		Type string `json:"type"`
	}
	if err := json.Unmarshal(line, &event); err != nil {
		return frame{}, fmt.Errorf("decoding a JSON frame: %w", err)
	}
	return frame{bytes: line, event: event.Type, arrived: time.Now()}, nil
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
	return frame{bytes: whole, event: event.Type, arrived: time.Now()}, nil
}
