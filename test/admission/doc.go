// Package admission shows what a user is told who applies a malformed check: every rejection names the field
// and says what to write instead. There is no webhook; all of it is OpenAPI and CEL in the CRDs.
package admission
