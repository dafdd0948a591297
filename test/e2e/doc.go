// Package e2e holds the tests that run the program as its users do: the built
// binary with a data directory of its own, clients that were written elsewhere
// (the AWS SDK for Go, the AWS CLI, boto3), and message centres on real sockets.
//
// Two sets of tests need more than Go and are behind build tags: python, which
// needs the commands aws and python3 with boto3 and moto, and the AWS CLI of version 2
// as aws or /usr/bin/aws; and smsc, which needs perl with Net::SMPP.
//
// Some tests are shortened so that all of them pass in about a minute. With
// HELIOGRAPH_E2E=full in the environment they run at full length and say what
// they measured.
package e2e
