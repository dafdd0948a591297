// Package deploy holds what is in the folder deploy against the program: the
// dashboard and the alert rules name metrics that there are, and the unit is one
// that systemd takes.
package deploy
