// Package monitoring tries what config/monitoring has for Prometheus and Grafana: the alerts with promtool, the objects
// with the CRDs of the Prometheus Operator, every metric that is named there with the built manager, and every query of the dashboard with
// a Prometheus that scrapes it. Alertmanager's own program reads the route of docs/handoff.md.
package monitoring
