package probe_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
)

// secrets is namespace shop's, as an API server with the optional Role would answer.
type secrets map[string]map[string][]byte

func (s secrets) Secret(_ context.Context, namespace, name string) (*corev1.Secret, error) {
	data, found := s[name]
	if !found || namespace != "shop" {
		return nil, apierrors.NewNotFound(schema.GroupResource{Resource: "secrets"}, name)
	}
	return &corev1.Secret{Data: data}, nil
}

// brokenSecrets answers with an error.
type brokenSecrets struct{ err error }

func (s brokenSecrets) Secret(context.Context, string, string) (*corev1.Secret, error) {
	return nil, s.err
}

func forbidden() error {
	return apierrors.NewForbidden(schema.GroupResource{Resource: "secrets"}, "token", nil)
}

func secretHeader(name, secret, key string) func(*v1alpha1.HTTPProbe) {
	ref := v1alpha1.SecretKeyReference{Name: secret, Key: key}
	return func(spec *v1alpha1.HTTPProbe) {
		spec.Headers = append(spec.Headers, v1alpha1.HTTPHeader{Name: name,
			ValueFrom: &v1alpha1.HeaderSource{SecretKeyRef: ref}})
	}
}

func TestAHeaderOfASecretIsReadAnewForEachProbe(t *testing.T) {
	var got []string
	url := serving(t, func(_ http.ResponseWriter, r *http.Request) { got = append(got, r.Header.Get("Authorization")) })
	held := secrets{"token": {"value": []byte("Bearer old\n")}}
	options := onLoopback(t)
	options.Secrets = held
	check := httpCheck(url, secretHeader("Authorization", "token", "value"))
	expectPass(t, probed(t, options, check), "GET "+url+": 200 OK")
	held["token"]["value"] = []byte("Bearer new")
	expectPass(t, probed(t, options, check), "GET "+url+": 200 OK")
	if strings.Join(got, ",") != "Bearer old,Bearer new" {
		t.Errorf("the server was given %q", got)
	}
}

func TestASecretThatIsNotToBeHadIsAFailureWithItsReason(t *testing.T) {
	url := answering(t, 200)
	check := httpCheck(url, secretHeader("Authorization", "token", "value"))
	options := onLoopback(t)

	options.Secrets = secrets{}
	expectResult(t, probed(t, options, check), health.Failed, v1alpha1.ReasonSecretNotFound,
		"GET "+url+": Secret token does not exist")
	options.Secrets = secrets{"token": {}}
	expectResult(t, probed(t, options, check), health.Failed, v1alpha1.ReasonSecretNotFound,
		"GET "+url+": Secret token has no key value")
	options.Secrets = brokenSecrets{forbidden()}
	expectResult(t, probed(t, options, check), health.Failed, v1alpha1.ReasonSecretForbidden,
		"GET "+url+": the manager may not read Secret token: "+
			"install config/components/secret-reader in the namespace")
	options.Secrets = nil
	expectFailure(t, probed(t, options, check), "GET "+url+": this manager reads no Secrets")
}

func TestASecretThatIsNoHeaderValueIsNotShown(t *testing.T) {
	url := answering(t, 200)
	options := onLoopback(t)
	options.Secrets = secrets{"token": {"value": []byte("hidden\x00\r\nX-Smuggled: 1")}}
	expectFailure(t, probed(t, options, httpCheck(url, secretHeader("Authorization", "token", "value"))),
		"GET "+url+`: header "Authorization": its name or value is not valid in HTTP`)
}

func TestASecretHeaderStaysWithItsOrigin(t *testing.T) {
	var mu sync.Mutex
	given := map[string]string{}
	note := func(r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		given[r.URL.Path] = r.Header.Get("X-Api-Key") + r.Header.Get("Referer")
	}
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { note(r) }))
	defer elsewhere.Close()
	url := serving(t, func(w http.ResponseWriter, r *http.Request) {
		note(r)
		target := map[string]string{"/start": "/same", "/same": elsewhere.URL + "/elsewhere"}[r.URL.Path]
		http.Redirect(w, r, target, http.StatusTemporaryRedirect)
	})
	options := onLoopback(t)
	options.Secrets = secrets{"key": {"value": []byte("hidden")}}
	result := probed(t, options, httpCheck(url+"/start?token=hidden", secretHeader("x-api-key", "key", "value")))
	if result.Outcome != health.Passed || given["/start"] != "hidden" || given["/same"] != "hidden" ||
		given["/elsewhere"] != "" {
		t.Errorf("%+v: the servers were given %q", result, given)
	}
}

// To net/http a Location without a scheme is relative, and keeps the Host of the first request.
func TestAHostHeaderStaysWithItsOrigin(t *testing.T) {
	for name, header := range map[string]func(*v1alpha1.HTTPProbe){
		"of a Secret": secretHeader("Host", "key", "value"),
		"plain": func(spec *v1alpha1.HTTPProbe) {
			spec.Headers = []v1alpha1.HTTPHeader{{Name: "Host", Value: new("hidden.shop")}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			elsewhere := serving(t, func(_ http.ResponseWriter, r *http.Request) { got = append(got, r.Host) })
			address := strings.TrimPrefix(elsewhere, "http://")
			url := serving(t, func(w http.ResponseWriter, r *http.Request) {
				got = append(got, r.Host)
				target := map[string]string{"/start": "/same", "/same": "//" + address + "/elsewhere"}[r.URL.Path]
				http.Redirect(w, r, target, http.StatusTemporaryRedirect)
			})
			options := onLoopback(t)
			options.Secrets = secrets{"key": {"value": []byte("hidden.shop")}}
			result := probed(t, options, httpCheck(url+"/start", header))
			want := []string{"hidden.shop", "hidden.shop", address}
			if result.Outcome != health.Passed || !slices.Equal(got, want) {
				t.Errorf("%+v: the servers were given the hosts %q, want %q", result, got, want)
			}
		})
	}
}
