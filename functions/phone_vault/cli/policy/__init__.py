"""The vault policy as a file, in words, and as JSON. Nothing here imports boto3 or moto: checking must be quick."""
