// Package jobs is how the job probe sees the API server: internal/probe knows no client, so its interface
// to CronJobs, Jobs and their pods is implemented here. Nothing is cached, for a decision on a stale list
// could run two Jobs at once.
package jobs
