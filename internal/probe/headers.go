package probe

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// userAgent is sent unless the spec has another.
const userAgent = "aliascheck"

// ofConnection are headers that are net/http's own to send. The CRD refuses them; one that is there nevertheless is left out.
var ofConnection = []string{
	"Connection", "Content-Length", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

// addHeaders sets the headers of the spec. HTTP/1.1 has names as they are written, which matters to servers that look for
// "authId:"; so they are not brought into the form of net/http.
func addHeaders(
	ctx context.Context, request *http.Request, spec *v1alpha1.HTTPProbe, references referenceReader,
) error {
	request.Header = http.Header{"User-Agent": {userAgent}}
	for _, header := range spec.Headers {
		value, err := headerValue(ctx, header, references)
		if err != nil {
			return err
		}
		if err := validHeader(header.Name, value); err != nil {
			return err
		}
		setHeader(request, header.Name, value)
	}
	return addCredentials(ctx, request, spec, references)
}

func setHeader(request *http.Request, name, value string) {
	switch canonical := http.CanonicalHeaderKey(name); {
	case slices.Contains(ofConnection, canonical):
	case canonical == "Host":
		request.Host = value
	case canonical == "User-Agent":
		request.Header["User-Agent"] = []string{""} // otherwise net/http sends its own beside one that is written differently
		request.Header[name] = []string{value}
	default:
		request.Header[name] = append(request.Header[name], value)
	}
}

func validHeader(name, value string) error {
	if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
		return plainError(fmt.Sprintf("header %.64q: its name or value is not valid in HTTP", name))
	}
	return nil
}

// headerValue is a value of the spec or of a Secret.
func headerValue(ctx context.Context, header v1alpha1.HTTPHeader, references referenceReader) (string, error) {
	switch {
	case header.ValueFrom != nil:
		return references.line(ctx, header.ValueFrom.SecretKeyRef)
	case header.Value != nil:
		return *header.Value, nil
	default:
		return "", nil
	}
}

// line is a value of a Secret. The line break that files and echo end with is no part of it.
func (r referenceReader) line(ctx context.Context, ref v1alpha1.SecretKeyReference) (string, error) {
	value, err := r.key(ctx, ref)
	return strings.TrimRight(string(value), "\r\n"), err
}

// addCredentials sets the header Authorization where the spec has the parts of it.
func addCredentials(
	ctx context.Context, request *http.Request, spec *v1alpha1.HTTPProbe, references referenceReader,
) error {
	var credentials string
	var err error
	switch {
	case spec.BasicAuth != nil:
		credentials, err = basicCredentials(ctx, spec.BasicAuth.SecretRef.Name, references)
	case spec.BearerToken != nil:
		credentials, err = references.line(ctx, spec.BearerToken.SecretKeyRef)
		credentials = "Bearer " + credentials
	default:
		return nil
	}
	if err != nil {
		return err
	}
	request.Header["Authorization"] = []string{credentials}
	return validHeader("Authorization", credentials)
}

func basicCredentials(ctx context.Context, secret string, references referenceReader) (string, error) {
	user, err := references.line(ctx, v1alpha1.SecretKeyReference{Name: secret, Key: "username"})
	if err != nil {
		return "", err
	}
	password, err := references.line(ctx, v1alpha1.SecretKeyReference{Name: secret, Key: "password"})
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password)), err
}

// secretHeaders are the names, in any spelling, of what comes from Secrets.
func secretHeaders(spec *v1alpha1.HTTPProbe) []string {
	var names []string
	for _, header := range spec.Headers {
		if header.ValueFrom != nil {
			names = append(names, header.Name)
		}
	}
	if spec.BasicAuth != nil || spec.BearerToken != nil {
		names = append(names, "Authorization")
	}
	return names
}
