"""A server under a mixed load for minutes: does anything grow that should not?"""
