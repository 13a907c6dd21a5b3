// Package sweep keeps the watch cache honest. Resyncs repair what an event handler lost, but they read the
// cache; an event that was lost in the watch itself leaves the cache wrong until the object changes again,
// and nothing that reads the cache can tell. So every interval, for every informer that runs:
//
//	look     list the live metadata of what the informer watches, and note where the cache is behind
//	settle   give ordinary lag the grace to pass
//	look     again: what is still behind, and was not touched meanwhile, was lost
//	expire   end the watch with what it has lost: the difference between the cache and a list arrives as
//	         ordinary events, and nothing downstream notices. The reflector watches on after that list
//
// The repair is a list, because a proxy that holds back streams, as one that buffers does, holds back a new watch like
// the old one. A reflector's own watch that begins with all objects and delivers nothing for half an interval
// is ended so that the reflector lists.
//
// After a loss every kind is swept again soon, since the repair makes changes which may get lost in turn.
//
// A cache that is right costs one metadata list an interval, and causes nothing. Each informer has at most
// one list under way, bounded in time; when the API server is slow or fails, the sweep waits.
//
// The sweep hooks in where a cache makes its informers, so it covers every kind from the first to the last
// moment of its informer, in leaders and standbys alike:
//
//	sweeper.go   what is attached to a manager
//	question.go  what an informer asks the API server, learned from its own requests
//	connection.go, listerwatcher.go   watches that can be expired
//	repair.go    what a watch has lost, by a list
//	informer.go  the rounds of one informer
//	compare.go   where a cache is behind (pure)
//	evidence.go  since when nobody knows whether a cache is right
//	live.go      the paged list of live metadata
package sweep
