package probe

// ReadError is an error of the API server, or on the way to it, other than that something does not exist or may not be
// read: those are results.
type ReadError struct {
	// What could not be done, such as "the Lease could not be read".
	What string
	Err  error
}

func (e *ReadError) Error() string { return e.What + ": " + e.Err.Error() }

// Unwrap is the error of the client, whose text may differ each time.
func (e *ReadError) Unwrap() error { return e.Err }
