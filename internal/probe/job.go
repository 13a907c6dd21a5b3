package probe

// Jobs runs Jobs from the templates of CronJobs.
type Jobs interface{}
