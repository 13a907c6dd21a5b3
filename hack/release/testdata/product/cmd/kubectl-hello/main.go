// Command kubectl-hello stands for a plugin in the tests of what is released.
package main

import "os"

var version = "dev"

func main() { _, _ = os.Stdout.WriteString(version + "\n") }
