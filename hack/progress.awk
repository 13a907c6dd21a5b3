# Counts the packages that `go build -v` names on its way, and lets all else (the errors) through. Give it name.
/^[a-z0-9.]+(\/[A-Za-z0-9._~-]+)*$/ {
	n++
	if (n % 100 == 0) { printf "  %s: %d packages compiled\n", name, n; fflush() }
	next
}
{ print; fflush() }
