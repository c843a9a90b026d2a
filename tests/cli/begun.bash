# shellcheck shell=bash
# Programs that are started in the background, and attached to.

# begun PID: waits until it runs its program; before that it is a copy of this shell, whose
# functions and files a collector would find.
begun() {
	local waited=0
	while [ "/proc/$1/exe" -ef "/proc/$$/exe" ] && ((++waited < 600)); do sleep 0.1; done
}
