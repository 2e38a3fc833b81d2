"""The policies of roles, keys and tables, evaluated as IAM does as far as ours go; anything else raises.

Only requests of role sessions are judged. Requests without a session token are those of the test, the command line
or CloudFormation, and unrestricted.
"""
