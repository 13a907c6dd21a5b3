// Package monitoring tries what config/monitoring has for Prometheus and Grafana: the alerts with promtool, the objects
// with the CRDs of the Prometheus Operator, and every metric that is named there with the built manager.
package monitoring
