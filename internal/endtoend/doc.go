// Package endtoend tests the whole of Headroom: the synthesized stack, deployed into the local cloud,
// with the functions' real programs. What the tests send is what customers and AWS send; what they
// look at is what a customer, an operator or an auditor could see.
package endtoend
