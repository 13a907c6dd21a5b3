package main

import (
	"fmt"
	"regexp"
	"strings"
)

// systemNamespace is where the kustomizations put the manager; in the chart it is the release's.
const systemNamespace = "aliascheck-system"

// A placeholder stands in an object for what becomes a part of a template, until the object is text.
const placeholder = "@@%s@@"

// values of the chart that are filled in where a scalar is.
var scalars = map[string]string{
	"namespace": "{{ $.Release.Namespace }}",
	"version":   "{{ $.Chart.AppVersion }}",
	"replicas":  "{{ .Values.replicas }}",
	"image": `{{ .Values.image.repository }}{{ with .Values.image.digest }}@{{ . }}{{ else }}` +
		`:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}`,
	"pullPolicy": "{{ .Values.image.pullPolicy }}",
	"goMemory":   "{{ .Values.goMemoryLimit }}",
	"priority":   "{{ .Values.priorityClassName }}",
}

// blocks are values of the chart that are filled in where a map or a list is; an empty one leaves its key out.
var blocks = map[string]string{
	"resources":     ".Values.resources",
	"nodeSelector":  ".Values.nodeSelector",
	"affinity":      ".Values.affinity",
	"spread":        ".Values.topologySpreadConstraints",
	"tolerations":   ".Values.tolerations",
	"pullSecrets":   ".Values.imagePullSecrets",
	"podLabels":     ".Values.podLabels",
	"podAnnotation": ".Values.podAnnotations",
}

// further arguments of the manager, beside those of the manifest.
const argumentsTemplate = `{{- if not .Values.readinessGates.enabled }}
        - --readiness-gates=false
        {{- end }}
        {{- with .Values.namespaces }}
        - --namespaces={{ join "," . }}
        {{- end }}
        {{- if .Values.metrics.certificateSecret }}
        - --metrics-cert-path=/etc/aliascheck/metrics-certificate
        {{- end }}
        {{- range $name, $value := .Values.flags }}
        - --{{ $name }}={{ $value }}
        {{- end }}`

// volumes of the manager, where they are mounted, and how Prometheus verifies the certificate that is in one.
const (
	verifiedTemplate = `{{- if .Values.metrics.certificateSecret }}
      ca:
        secret:
          key: ca.crt
          name: {{ .Values.metrics.certificateSecret }}
      serverName: aliascheck-controller-manager-metrics.{{ $.Release.Namespace }}.svc
      {{- else }}
      insecureSkipVerify: true
      {{- end }}`
	mountsTemplate = `{{- if .Values.metrics.certificateSecret }}
        volumeMounts:
        - mountPath: /etc/aliascheck/metrics-certificate
          name: metrics-certificate
          readOnly: true
        {{- end }}`
	volumesTemplate = `{{- with .Values.metrics.certificateSecret }}
      volumes:
      - name: metrics-certificate
        secret:
          secretName: {{ . }}
      {{- end }}`
)

// templateOf is the template of an object, in the namespace given, or in that of the release.
func templateOf(o object, namespace string) (string, error) {
	labelled(o)
	if _, found := o.metadata()["namespace"]; found || namespace != "" {
		o.metadata()["namespace"] = fmt.Sprintf(placeholder, "namespace")
	}
	switch o.kind() {
	case "RoleBinding", "ClusterRoleBinding":
		for _, subject := range o["subjects"].([]any) {
			if who := subject.(map[string]any); who["kind"] == "ServiceAccount" { // groups of people belong to no namespace
				who["namespace"] = fmt.Sprintf(placeholder, "subject")
			}
		}
	case "CustomResourceDefinition":
		inside(o.metadata(), "annotations")["helm.sh/resource-policy"] = fmt.Sprintf(placeholder, "keep")
	case "ClusterRole":
		// Helm deletes roles all at once, and kube-controller-manager, which has yet to see that the sum is gone, writes it again when
		// it sees that a part is. Such a role has no labels, and the next helm install refuses to take it. So it stays: empty, and
		// bound to nobody.
		if o["aggregationRule"] != nil {
			inside(o.metadata(), "annotations")["helm.sh/resource-policy"] = "keep"
		}
	case "Deployment":
		parameterise(o)
	case "ServiceMonitor":
		endpoint := inside(o, "spec")["endpoints"].([]any)[0].(map[string]any)
		endpoint["tlsConfig"] = mark("tls")
	}
	text, err := o.text()
	if err != nil {
		return "", err
	}
	return filledIn(text, namespace), nil
}

// labelled adds what Helm's own guide asks for. The version is the chart's.
func labelled(o object) {
	labels := inside(o.metadata(), "labels")
	labels["app.kubernetes.io/name"] = "aliascheck"
	if _, found := labels["app.kubernetes.io/version"]; found {
		labels["app.kubernetes.io/version"] = fmt.Sprintf(placeholder, "version")
	}
	labels["app.kubernetes.io/instance"] = fmt.Sprintf(placeholder, "helm")
}

func mark(name string) string { return fmt.Sprintf(placeholder, name) }

// managerDeployment is the one that most values of the chart are for.
const managerDeployment = "aliascheck-controller-manager"

// parameterise puts placeholders where the values of the chart go: in each Deployment where its image comes from and where its
// pods may run.
func parameterise(deployment object) {
	template := inside(deployment, "spec", "template")
	inside(template, "metadata", "labels")["app.kubernetes.io/version"] = mark("version")
	pod := inside(template, "spec")
	pod["nodeSelector"], pod["tolerations"], pod["imagePullSecrets"] = mark("nodeSelector"), mark("tolerations"), mark("pullSecrets")
	container := pod["containers"].([]any)[0].(map[string]any)
	container["image"], container["imagePullPolicy"] = mark("image"), mark("pullPolicy")
	if deployment.name() == managerDeployment {
		inside(deployment, "spec")["replicas"] = mark("replicas")
		parameteriseManager(template, container)
	}
}

func parameteriseManager(template, container map[string]any) {
	inside(template, "metadata", "labels")["zz"] = mark("podLabels")
	inside(template, "metadata", "annotations")["zz"] = mark("podAnnotation")
	pod := inside(template, "spec")
	for field, name := range map[string]string{
		"affinity": "affinity", "topologySpreadConstraints": "spread", "priorityClassName": "priority", "volumes": "volumes",
	} {
		pod[field] = mark(name)
	}
	container["resources"], container["volumeMounts"] = mark("resources"), mark("mounts")
	container["args"] = append(container["args"].([]any), mark("arguments"))
	for _, variable := range container["env"].([]any) {
		if variable := variable.(map[string]any); variable["name"] == "GOMEMLIMIT" {
			variable["value"] = mark("goMemory")
		}
	}
}

var (
	blockLine  = regexp.MustCompile(`(?m)^( *)(\w+): '?@@(\w+)@@'?$`)
	scalarMark = regexp.MustCompile(`'?@@(\w+)@@'?`)
)

// filledIn replaces the placeholders of a text, and escapes what Helm would take for its own.
func filledIn(text, namespace string) string {
	text = strings.ReplaceAll(text, "{{", `{{ "{{" }}`)
	text = strings.ReplaceAll(text, "    app.kubernetes.io/instance: '@@helm@@'\n",
		"    app.kubernetes.io/instance: {{ $.Release.Name }}\n"+
			"    app.kubernetes.io/managed-by: {{ $.Release.Service }}\n"+
			"    helm.sh/chart: {{ $.Chart.Name }}-{{ $.Chart.Version }}\n")
	text = strings.ReplaceAll(text, "    helm.sh/resource-policy: '@@keep@@'\n",
		"    {{- if .Values.crds.keep }}\n    helm.sh/resource-policy: keep\n    {{- end }}\n")
	text = strings.ReplaceAll(text, "        - '@@arguments@@'\n", "        "+argumentsTemplate+"\n")
	text = strings.ReplaceAll(text, "        volumeMounts: '@@mounts@@'\n", "        "+mountsTemplate+"\n")
	text = strings.ReplaceAll(text, "      volumes: '@@volumes@@'\n", "      "+volumesTemplate+"\n")
	text = strings.ReplaceAll(text, "    tlsConfig: '@@tls@@'\n", "    tlsConfig:\n      "+verifiedTemplate+"\n")
	text = blockLine.ReplaceAllStringFunc(text, block)
	return scalarMark.ReplaceAllStringFunc(text, func(mark string) string {
		name := scalarMark.FindStringSubmatch(mark)[1]
		if name == "subject" {
			return scalars["namespace"]
		}
		if name == "namespace" && namespace != "" {
			return namespace
		}
		return scalars[name]
	})
}

// block is the template of a map or list; of those beside others, named zz, the entries alone.
func block(line string) string {
	found := blockLine.FindStringSubmatch(line)
	indent, key, value := found[1], found[2], blocks[found[3]]
	if value == "" {
		return line
	}
	if key == "zz" {
		return fmt.Sprintf("%s{{- with %s }}\n%s{{- toYaml . | nindent %d }}\n%s{{- end }}", indent, value, indent, len(indent), indent)
	}
	return fmt.Sprintf("%s{{- with %s }}\n%s%s:\n%s  {{- toYaml . | nindent %d }}\n%s{{- end }}",
		indent, value, indent, key, indent, len(indent)+2, indent)
}
