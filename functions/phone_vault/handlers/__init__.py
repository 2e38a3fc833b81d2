"""One file per Lambda function: translate the event, call the service, translate its answer."""
