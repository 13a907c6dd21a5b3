package probe

import (
	"bytes"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// openingLength is the length of the header of a frame in HTTP/2, and enough to know the others by.
const openingLength = 9

// heard keeps how a server begins. What is said under TLS is not looked at.
func (a *attempt) heard(data []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if missing := openingLength - len(a.locked.opening); missing > 0 && !a.locked.secure {
		a.locked.opening = append(a.locked.opening, data[:min(missing, len(data))]...)
	}
}

func (c *httpCall) isH2C() bool { return c.spec.Protocol == v1alpha1.ProtocolH2C }

// noH2C is said of a server that answers in anything but HTTP/2, and of one that ends the connection: the reset of a server which did
// not read all of the beginning of HTTP/2 may overtake its answer.
const noH2C = "the server closed the connection, or does not speak HTTP/2 without TLS"

// told is an error, or what is certain of a server that speaks another protocol than it was asked in.
func (c *httpCall) told(err error) error {
	c.attempt.mu.Lock()
	opening, plain := c.attempt.locked.opening, !c.attempt.locked.secure && c.attempt.locked.phase == awaiting
	c.attempt.mu.Unlock()
	switch {
	case plain && c.isH2C() && (len(opening) > 0 && !isSettings(opening) || hungUp(err)):
		return plainError(noH2C)
	case isSettings(opening) && !c.isH2C():
		return plainError("the server speaks HTTP/2 without TLS: set protocol to h2c")
	case isAlert(opening):
		return plainError("the server speaks TLS: begin url with https://")
	default:
		return err
	}
}

// isSettings recognises a frame of type SETTINGS for the connection as a whole, with which HTTP/2 begins (RFC 9113).
func isSettings(frame []byte) bool {
	return len(frame) == openingLength && frame[0] == 0 && frame[3] == 4 && bytes.Equal(frame[5:], make([]byte, 4))
}

// isAlert recognises an alert of TLS, which a server of TLS answers a plain request with (RFC 8446).
func isAlert(record []byte) bool {
	return len(record) >= 3 && record[0] == 21 && record[1] == 3 && record[2] <= 4
}
