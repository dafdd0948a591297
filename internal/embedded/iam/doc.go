// Package iam is the embedded IAM: the part of AWS Identity and Access Management that
// looks after users, groups, roles, access keys and policies of an account (IAM API
// reference, version 2010-05-08), at the API's port and with the same keys. Everything
// is a resource of its account, of which nobody reaches another's.
//
// What the policies mean is package internal/iam's, and who may do what here is decided
// by the API before a Service answers.
package iam
