"""What a job would take: requests, capacity units, KMS calls, time and cost, reckoned before it runs.

The workers' own constants are put in, so that what they do and what is reckoned cannot drift apart; a test holds the
whole against what the embedded AWS then meters.
"""
