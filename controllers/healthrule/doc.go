// Package healthrule says of each HealthRule whether it is in force, in its condition Accepted. It decides nothing for
// aliases: these read the rules themselves, and each change of one is an edge for them.
package healthrule
